//! Both sides as they were read, before they are compared.

use crate::client::SyncedClient;
use crate::sync::finding::Finding;
use crate::sync::hold::EndedEarly;
use crate::sync::reading::{Reading, RowShape};

/// Both sides as they were read.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// OZmap's clients.
    pub clients: Vec<SyncedClient>,
    /// OZmap's clients in projects that are not the tenant's: neither compared nor reported, nor are INT6's rows of them.
    pub elsewhere: Vec<SyncedClient>,
    /// INT6's readings.
    pub readings: Vec<Reading>,
    /// What was not understood of either side.
    pub findings: Vec<Finding>,
    /// What INT6's rows looked like.
    pub shape: RowShape,
    /// A list that ended before its end.
    pub ended_early: Option<EndedEarly>,
}
