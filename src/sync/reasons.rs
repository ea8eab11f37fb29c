//! Why the rails keep something back, in words for an operator.

use compact_str::CompactString;
use gateway_core::sync::{EndedEarly, Finding, FindingKind, Halt, Held, HoldReason, Plan, RowField};
use gateway_core::{PlausibleWindow, System};
use indicatif::HumanCount;

use crate::store::HeldField;

const LOOK_AND_APPLY: &str = "if it is true, apply this plan by its id";

/// Why a run was halted.
pub(super) fn of_halt(halt: &Halt) -> String {
    let n = HumanCount;
    match halt {
        Halt::NoClients { readings, unreadable } => {
            let bad = unreadable_rows(*unreadable, System::Ozmap.name(), &[]);
            format!("OZmap returned 0 clients for {} readings of INT6{bad}", n(*readings))
        }
        Halt::NoReadings { clients, unreadable, names, example } => {
            let bad = unreadable_rows(*unreadable, "INT6 in the settings", names);
            let bad = format!("{bad}{}", for_instance(example.as_deref()));
            format!("INT6 returned 0 of {} clients{bad}", n(*clients))
        }
        Halt::EndedEarly(EndedEarly { system, read, total }) => format!(
            "the list of {system} ended early: {} of the {} rows that it says it has were read; the others are not known to be gone",
            n(*read),
            n(*total),
        ),
        Halt::Unread { field, rows, of, names, example } => {
            format!("{}{}", unread(*field, *rows, *of, names), for_instance(example.as_deref()))
        }
        Halt::FewMatched { matched, before, min_percent, duplicates } => format!(
            "only {} of the {} clients of the last good run are known to both sides, less than {min_percent} %: clients are missing on one side, or their codes or ONU serial numbers stand in several rows ({} duplicates); {LOOK_AND_APPLY}",
            n(*matched),
            n(*before),
            n(*duplicates),
        ),
        Halt::Untimely { stale, future, timeless, of } => format!(
            "of {} readings {} are older than the stale limit, {} lie in the future and {} say no time that is understood: look at INT6's clock, its time zone and its poller",
            n(*of),
            n(*stale),
            n(*future),
            n(*timeless),
        ),
        Halt::Serials { changed, known, max_percent } => format!(
            "{} of {} clients would get another ONU serial number, more than {max_percent} %: INT6's codes seem to be joined to the wrong rows; {LOOK_AND_APPLY}",
            n(*changed),
            n(*known),
        ),
        Halt::Swapped { swapped, known, max_percent } => format!(
            "{} of {} clients would get the ONU serial number that another client holds, more than {max_percent} %: INT6's codes seem to be joined to the wrong rows (shifted or swapped); {LOOK_AND_APPLY}",
            n(*swapped),
            n(*known),
        ),
        Halt::Foreign { codes, of, max_percent } => format!(
            "{} of {} codes come in rows of different ONU serial numbers, more than {max_percent} %: rows of another ISP or of another system seem to be among INT6's",
            n(*codes),
            n(*of),
        ),
        Halt::OneFigure { figure, clients, measured } => format!(
            "{} of {} measured clients have one and the same power, {figure} dBm: INT6 seems to give a constant instead of readings; {LOOK_AND_APPLY}",
            n(*clients),
            n(*measured),
        ),
        Halt::MedianMoved { before, now, max } => format!(
            "the median of all powers moved from {before} to {now} dBm since the last good run, more than {max} dB: has a unit, a sign or the power field changed? {LOOK_AND_APPLY}"
        ),
        Halt::MedianOdd { now, expected } => format!(
            "the median of all powers is {now} dBm, outside {}: is the power field in dBm, and is it the ONU's? {LOOK_AND_APPLY}",
            window(*expected)
        ),
    }
}

fn window(window: PlausibleWindow) -> String {
    format!("{} to {} dBm", window.min, window.max)
}

fn unread(field: RowField, rows: u64, of: u64, names: &[CompactString]) -> String {
    let (what, setting) = match field {
        RowField::Code => ("client code", "INT6_CODE_FIELD"),
        RowField::Power => ("power", "INT6_POWER_FIELD"),
    };
    format!(
        "{} of {} rows of INT6 have no {what} that can be read: is {setting} the right name?{}",
        HumanCount(rows),
        HumanCount(of),
        has_names(names)
    )
}

fn has_names(names: &[CompactString]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = names.iter().map(CompactString::as_str).collect();
    format!(" The rows have: {}.", names.join(", "))
}

fn for_instance(example: Option<&str>) -> String {
    example.map_or_else(String::new, |example| format!(" For instance: {example}"))
}

fn unreadable_rows(rows: u64, fields_of: &str, names: &[CompactString]) -> String {
    match rows {
        0 => String::new(),
        rows => format!(
            ", and {} rows that could not be read: are the field names of {fields_of} right?{}",
            HumanCount(rows),
            has_names(names)
        ),
    }
}

/// From this share of the rows on, and from so many, unreadable ones are a matter for the run itself and not only for its findings.
const UNREADABLE_SHARE: f64 = 0.01;
const UNREADABLE_ROWS: u64 = 20;

/// What a run says of rows that could not be read, if they are many.
pub(super) fn of_unreadable(plan: &Plan) -> Option<String> {
    let (rows, of) = (plan.counts.unreadable, plan.counts.int6_readings.max(plan.counts.ozmap_clients));
    let are_many = rows >= UNREADABLE_ROWS && rows as f64 > of as f64 * UNREADABLE_SHARE;
    let example = plan.findings.iter().find(|finding| finding.kind == FindingKind::Unreadable)?;
    let Finding { system, detail, .. } = example;
    are_many.then(|| {
        format!(
            "{} rows could not be read and were left alone, for instance of {system}: {detail}",
            HumanCount(rows)
        )
    })
}

/// What was held, with the reason in words.
pub(super) fn of_held(held: &Held) -> HeldField {
    let Held { field, clients, reason } = held;
    HeldField {
        field: field.name().to_owned(),
        clients: *clients,
        reason: reason.name().to_owned(),
        because: because(reason),
    }
}

fn because(reason: &HoldReason) -> String {
    let n = HumanCount;
    match reason {
        HoldReason::Repeated { figure, clients, measured } => format!(
            "{} of {} measured clients have one and the same power, {figure} dBm",
            n(*clients),
            n(*measured)
        ),
        HoldReason::Implausible { clients, measured, light } => format!(
            "{} of {} measured clients have a power outside {}, which no light is (implausible)",
            n(*clients),
            n(*measured),
            window(*light)
        ),
        HoldReason::NoLight { light } => format!(
            "the power is outside {}, which no light is (implausible); nobody is implanted for it",
            window(*light)
        ),
        HoldReason::Step { by, clients, measured } => format!(
            "the power of {} of {} measured clients moved by one and the same amount, about {by} dB: has a unit or a sign changed?",
            n(*clients),
            n(*measured)
        ),
        HoldReason::MassOutage { clients, matched, max_percent } => format!(
            "{} of {} clients would turn to Error in one run, more than {max_percent} %",
            n(*clients),
            n(*matched)
        ),
        HoldReason::MassImplantation { clients, reservations, matched, max_percent, a_day } => {
            let usual = match a_day {
                Some(most) => format!("in the last 30 days it was {} a day at most", n(*most)),
                None => format!("that is more than {max_percent} % of {} clients", n(*matched)),
            };
            format!(
                "{} of {} reservations would be implanted in one run; {usual}",
                n(*clients),
                n(*reservations)
            )
        }
        HoldReason::MassOnu { clients, serials, matched, max_percent } => format!(
            "the ONU data of {} of {} clients would change in one run, more than {max_percent} %; {} of them would get another serial number",
            n(*clients),
            n(*matched),
            n(*serials)
        ),
        HoldReason::NotForced => {
            "the run would be halted, and this field is not among those that are forced".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::Dbm;
    use gateway_core::sync::Field;

    use super::*;

    #[test]
    fn a_halt_is_told_with_its_figures() {
        assert_eq!(
            of_halt(&Halt::NoReadings { clients: 3812, unreadable: 0, names: vec![], example: None }),
            "INT6 returned 0 of 3,812 clients"
        );
        assert_eq!(
            of_halt(&Halt::NoClients { readings: 1, unreadable: 2 }),
            "OZmap returned 0 clients for 1 readings of INT6, and 2 rows that could not be read: are the field names of OZmap right?"
        );
        let names = vec!["id".into(), "power".into()];
        let unread =
            of_halt(&Halt::Unread { field: RowField::Power, rows: 1983, of: 1983, names, example: None });
        assert_eq!(
            unread,
            "1,983 of 1,983 rows of INT6 have no power that can be read: is INT6_POWER_FIELD the right name? The rows have: id, power."
        );
    }

    #[test]
    fn what_is_held_is_told_with_its_figures() {
        let reason = HoldReason::MassImplantation {
            clients: 30,
            reservations: 31,
            matched: 500,
            max_percent: 5.0,
            a_day: Some(4),
        };
        let held = of_held(&Held { field: Field::Implantation, clients: 30, reason });
        assert_eq!((held.field.as_str(), held.clients), ("implantation", 30));
        assert_eq!(
            held.because,
            "30 of 31 reservations would be implanted in one run; in the last 30 days it was 4 a day at most"
        );
        let reason = HoldReason::Step { by: Dbm::whole(-20), clients: 40, measured: 500 };
        assert!(
            of_held(&Held { field: Field::Status, clients: 1, reason }).because.contains("about -20.00 dB")
        );
    }
}
