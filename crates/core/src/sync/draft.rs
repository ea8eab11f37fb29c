//! A plan while it is made: the changes of each client, before the rails have looked at them.

use std::ops::Range;

use crate::power::Dbm;
use crate::sync::change::Change;

/// The changes of all clients, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// In the order of the clients.
    pub(super) changes: Vec<Change>,
    /// One for each client that both sides know, in their order.
    pub(super) rows: Vec<Row>,
    /// Readings from the future.
    pub(super) future: u64,
    /// Readings that say no time, or none that is understood.
    pub(super) timeless: u64,
}

/// One client's part.
#[derive(Debug)]
pub(super) struct Row {
    /// Its changes.
    pub(super) changes: Range<usize>,
    /// The power that was measured, if one was and it counts.
    pub(super) figure: Option<Dbm>,
}

impl Draft {
    /// The changes of one client.
    pub(super) fn of(&self, row: &Row) -> &[Change] {
        &self.changes[row.changes.clone()]
    }
}
