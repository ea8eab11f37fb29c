//! INT6 → OZmap, every 10 minutes: read both sides, plan, batch, apply, record.
//!
//! `snapshot`, `plan` and `batch` are pure and decide everything; `apply` carries calls out; `engine` is the one door by
//! which the timer, the API and the command line start a run; `single` is the same for one client; `schedule` is the timer.

pub mod apply;
pub mod batch;
pub mod engine;
pub mod plan;
mod recorder;
pub mod schedule;
pub mod single;
pub mod snapshot;

pub use engine::{Engine, Observer, Parts, Progress, Report};
