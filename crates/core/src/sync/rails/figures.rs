//! Whether the powers are those of light.

use super::context::{Context, Hold};
use crate::power::Dbm;
use crate::sync::change::Field;
use crate::sync::draft::Draft;
use crate::sync::fields::Fields;
use crate::sync::hold::{Halt, HoldReason};
use crate::sync::limits::exceeds;
use crate::sync::past::Measures;

/// Half the width within which steps count as one amount, in hundredths of a dB.
const ONE_AMOUNT: i32 = 50;

/// The measured powers of a reading.
pub(super) struct Figures {
    /// Power and row, in the order of the powers.
    sorted: Vec<(Dbm, usize)>,
    /// By how much each moved from what OZmap holds, in hundredths of a dB, with its row; in order. Large ones only.
    steps: Vec<(i32, usize)>,
    /// Rows outside what light can be.
    implausible: Vec<usize>,
}

impl Figures {
    pub(super) fn of(context: &Context<'_>, draft: &Draft) -> Figures {
        let figures =
            draft.rows.iter().enumerate().filter_map(|(row, r)| r.figure.map(|figure| (figure, row)));
        let mut sorted: Vec<(Dbm, usize)> = figures.collect();
        sorted.sort_unstable();
        let light = context.limits.light;
        let implausible = sorted.iter().filter(|(figure, _)| !light.contains(*figure));
        let mut implausible: Vec<usize> = implausible.map(|(_, row)| *row).collect();
        implausible.sort_unstable();
        let step = |&(figure, row): &(Dbm, usize)| {
            // From no light to light is no step.
            let held = context.pairs[row].0.read_power.filter(|held| *held != Dbm::ZERO)?;
            let step = figure.hundredths() - held.hundredths();
            (step.abs() > context.limits.max_step.hundredths()).then_some((step, row))
        };
        let mut steps: Vec<(i32, usize)> = sorted.iter().filter_map(step).collect();
        steps.sort_unstable();
        Figures { sorted, steps, implausible }
    }

    pub(super) fn measured(&self) -> u64 {
        self.sorted.len() as u64
    }

    pub(super) fn median(&self) -> Option<Dbm> {
        self.sorted.get(self.sorted.len() / 2).map(|(figure, _)| *figure)
    }

    /// Clients with the most frequent figure.
    pub(super) fn most_alike(&self) -> u64 {
        self.alike().map(|group| group.len() as u64).max().unwrap_or(0)
    }

    pub(super) fn implausible_rows(&self) -> Vec<usize> {
        self.implausible.clone()
    }

    fn alike(&self) -> impl Iterator<Item = &[(Dbm, usize)]> {
        self.sorted.chunk_by(|(a, _), (b, _)| a == b)
    }

    pub(super) fn halt(&self, context: &Context<'_>, measures: &Measures) -> Option<Halt> {
        let (limits, measured) = (context.limits, self.measured());
        let is_most = |group: &&[(Dbm, usize)]| {
            exceeds(group.len() as u64, measured, limits.max_same_percent, limits.min_figure_clients)
        };
        if let Some(group) = self.alike().find(is_most) {
            return Some(Halt::OneFigure { figure: group[0].0, clients: group.len() as u64, measured });
        }
        if measured < limits.min_figure_clients {
            return None;
        }
        let now = measures.median?;
        match context.past.last {
            Some(last) => {
                let before = last.median?;
                let moved = now.distance(before) > limits.max_median_step;
                moved.then_some(Halt::MedianMoved { before, now, max: limits.max_median_step })
            }
            None => {
                let expected = limits.first_median;
                (!expected.contains(now)).then_some(Halt::MedianOdd { now, expected })
            }
        }
    }

    pub(super) fn holds(&self, context: &Context<'_>) -> Vec<Hold> {
        let mut holds = self.implausible(context);
        holds.extend(self.repeated(context));
        holds.extend(self.stepped(context));
        holds
    }

    fn implausible(&self, context: &Context<'_>) -> Vec<Hold> {
        let (limits, measured) = (context.limits, self.measured());
        let (clients, light) = (self.implausible.len() as u64, limits.light);
        let are_many = exceeds(clients, measured, limits.max_implausible_percent, limits.min_figure_clients);
        let (reason, fields) = if are_many {
            (HoldReason::Implausible { clients, measured, light }, of_light())
        } else {
            // The documented rule would implant for ever what is no light.
            (HoldReason::NoLight { light }, Fields::NONE.with(Field::Implantation))
        };
        vec![Hold { reason, rows: self.implausible.clone(), fields }]
    }

    fn repeated<'a>(&'a self, context: &'a Context<'_>) -> impl Iterator<Item = Hold> + 'a {
        let (limits, measured) = (context.limits, self.measured());
        let usual = context.past.last.map_or(0.0, |last| last.share_alike());
        let is_repeated = move |group: &&[(Dbm, usize)]| {
            let clients = group.len() as u64;
            exceeds(clients, measured, limits.max_repeated_percent, limits.min_figure_clients)
                && clients as f64 / measured as f64 > usual * limits.max_repeated_factor
        };
        self.alike().filter(is_repeated).map(move |group| Hold {
            reason: HoldReason::Repeated { figure: group[0].0, clients: group.len() as u64, measured },
            rows: group.iter().map(|(_, row)| *row).collect(),
            fields: of_light(),
        })
    }

    /// Many steps by one amount: a unit or a sign that changed.
    fn stepped(&self, context: &Context<'_>) -> Vec<Hold> {
        let (limits, measured) = (context.limits, self.measured());
        let mut holds: Vec<Hold> = Vec::new();
        let mut begin = 0;
        while begin < self.steps.len() {
            let (first, _) = self.steps[begin];
            let width = self.steps[begin..].partition_point(|(step, _)| step - first <= 2 * ONE_AMOUNT);
            let group = &self.steps[begin..begin + width];
            let clients = group.len() as u64;
            if exceeds(clients, measured, limits.max_step_percent, limits.min_figure_clients) {
                let middle = Dbm::from_hundredths(group[group.len() / 2].0).unwrap_or(Dbm::ZERO);
                holds.push(Hold {
                    reason: HoldReason::Step { by: middle, clients, measured },
                    rows: group.iter().map(|(_, row)| *row).collect(),
                    fields: of_light(),
                });
            }
            begin += 1;
            // The next group that could be a larger one begins with another amount.
            while begin < self.steps.len() && self.steps[begin].0 == first {
                begin += 1;
            }
        }
        holds
    }
}

/// What a reading's light decides.
fn of_light() -> Fields {
    Fields::ALL.without(Field::Onu)
}
