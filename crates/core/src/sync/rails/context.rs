//! What the rails look at, and what they keep back of a draft.

use crate::client::SyncedClient;
use crate::sync::fields::Fields;
use crate::sync::finding::{Finding, FindingKind};
use crate::sync::hold::{EndedEarly, HoldReason};
use crate::sync::limits::Limits;
use crate::sync::past::Past;
use crate::sync::reading::{Reading, RowShape};
use crate::sync::run::Counts;
use crate::sync::sides::Sides;
use crate::system::System;

/// What the rails look at, beside the draft.
pub(in crate::sync) struct Context<'a> {
    pub(in crate::sync) pairs: &'a [(SyncedClient, Reading)],
    pub(in crate::sync) seen: &'a Seen,
    pub(in crate::sync) shape: &'a RowShape,
    pub(in crate::sync) ended_early: Option<EndedEarly>,
    pub(in crate::sync) counts: &'a Counts,
    pub(in crate::sync) limits: &'a Limits,
    pub(in crate::sync) past: &'a Past,
    pub(in crate::sync) has_stale_limit: bool,
    /// INT6's codes in rows of different serial numbers, and all of its codes.
    pub(in crate::sync) foreign_codes: u64,
    pub(in crate::sync) int6_codes: u64,
}

/// How much of each side could be used.
pub(in crate::sync) struct Seen {
    pub(super) clients: u64,
    pub(super) readings: u64,
    pub(super) unreadable_clients: u64,
    pub(super) unreadable_readings: u64,
    /// What is wrong with one of those.
    pub(super) example: Option<String>,
}

impl Seen {
    pub(in crate::sync) fn of(sides: &Sides) -> Seen {
        let unreadable = |system| {
            let of_system = |f: &&Finding| f.system == system && f.kind == FindingKind::Unreadable;
            sides.findings.iter().filter(of_system).count() as u64
        };
        Seen {
            clients: sides.clients.len() as u64,
            readings: sides.readings.len() as u64,
            unreadable_clients: unreadable(System::Ozmap),
            unreadable_readings: unreadable(System::Int6),
            example: sides
                .findings
                .iter()
                .find(|f| f.system == System::Int6 && f.kind == FindingKind::Unreadable)
                .map(|f| f.detail.clone()),
        }
    }
}

/// Some clients, some of whose fields are kept back.
pub(super) struct Hold {
    pub(super) reason: HoldReason,
    /// By their places.
    pub(super) rows: Vec<usize>,
    pub(super) fields: Fields,
}
