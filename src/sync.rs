//! INT6 → OZmap, every 10 minutes: read both sides, plan, batch, apply, record.
//!
//! What to change is decided in [`gateway_core::sync`], which is pure; `apply` carries calls out; `engine` is the one door by
//! which the timer, the API and the command line start a run; `one_client` is the same for one client.

pub mod apply;
pub mod engine;
pub mod one_client;
mod recorder;
mod report;

pub use engine::{Engine, EngineDeps, Observer, Progress};
pub use report::Report;
