//! What the rails know of a tenant's earlier runs.

use serde::{Deserialize, Serialize};

use crate::power::Dbm;

/// What a run measured; that of the last good run is what the next is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// Clients known to both sides.
    pub matched: u64,
    /// Rows of INT6.
    pub int6_rows: u64,
    /// Of the matched, those with a measured power.
    pub measured: u64,
    /// The median of the measured.
    pub median: Option<Dbm>,
    /// Of the measured, those that share the most frequent figure.
    pub most_alike: u64,
}

/// A tenant's earlier runs, as far as the rails look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// Of the last good run; `None` at a first run.
    pub last: Option<Measures>,
    /// The most implantations of any earlier day of the last 30; `None` until 7 of them have runs.
    pub implanted_a_day: Option<u64>,
}

impl Measures {
    /// The share of the most frequent figure, 0 to 1.
    pub(super) fn share_alike(&self) -> f64 {
        if self.measured == 0 { 0.0 } else { self.most_alike as f64 / self.measured as f64 }
    }
}
