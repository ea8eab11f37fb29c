//! INT6 → OZmap, every 10 minutes: read both sides, plan, batch, apply, record.
//!
//! What to change is decided in [`gateway_core::sync`], which is pure. `engine` is the single entry point of timer, API and
//! command line; `lease` keeps two runs of one tenant apart; `run` is one run, `apply` carries its calls out and `recorder`
//! writes down what became of each change; `one_client` is the same for one client.
//!
//! `order` says which plans may be applied by id; `records_now` looks at what records hold by then. `forbearance` ends a run whose
//! writes are all refused. `tally` sums up, `reasons` puts into words what a rail keeps back, `report` is the whole of it.

pub mod apply;
mod deps;
mod engine;
mod forbearance;
mod lease;
pub mod one_client;
mod order;
mod progress;
mod reasons;
mod recorder;
mod records_now;
mod report;
mod run;
mod tally;

pub use deps::EngineDeps;
pub use engine::Engine;
pub use order::PlanError;
pub use progress::{Observer, Progress};
pub use report::Report;
