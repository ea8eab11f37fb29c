//! What a run tells while it goes.

use std::sync::Arc;

use gateway_core::sync::Plan;

/// What a run tells while it goes, for a progress bar.
pub enum Progress<'a> {
    /// Clients of OZmap so far.
    OzmapRead(u64),
    /// Rows of INT6 so far.
    Int6Read(u64),
    /// Both sides are compared.
    Planned(&'a Plan),
    /// Changes done so far, and of how many.
    Applied(usize, usize),
}

/// Listens to a run.
pub type Observer = Arc<dyn Fn(Progress<'_>) + Send + Sync>;
