//! What was last told of a sync, as it is stored.

use gateway_core::notice::SyncStanding;

const HELD: &str = "held ";

/// `good`, `halted`, `failed`, or `held` with what.
pub(crate) fn standing_text(standing: &SyncStanding) -> String {
    match standing {
        SyncStanding::Good => "good".to_owned(),
        SyncStanding::Halted => "halted".to_owned(),
        SyncStanding::Failed => "failed".to_owned(),
        SyncStanding::Held(what) => format!("{HELD}{what}"),
    }
}

/// A word of a later release counts as good: what comes next is told.
pub(crate) fn read_standing(text: &str) -> SyncStanding {
    match text {
        "halted" => SyncStanding::Halted,
        "failed" => SyncStanding::Failed,
        _ => text.strip_prefix(HELD).map_or(SyncStanding::Good, |what| SyncStanding::Held(what.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_back_as_it_was_written() {
        let held = SyncStanding::Held("status/outage implantation/spree".to_owned());
        for (standing, text) in [
            (SyncStanding::Good, "good"),
            (SyncStanding::Halted, "halted"),
            (SyncStanding::Failed, "failed"),
            (held, "held status/outage implantation/spree"),
        ] {
            assert_eq!((standing_text(&standing).as_str(), read_standing(text)), (text, standing));
        }
        assert_eq!(read_standing("a word of tomorrow"), SyncStanding::Good);
    }
}
