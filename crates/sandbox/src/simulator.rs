//! What both pretend systems are to the server that serves them.

use serde_json::Value;

use crate::call_log::CallLog;
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;

/// A system that answers calls from its state; it does no input or output itself.
pub(crate) trait Simulator: Send + Sync + 'static {
    /// What goes wrong on purpose.
    fn faults(&self) -> &FaultInjector;
    /// Where its calls are counted.
    fn calls(&self) -> &CallLog;
    /// Carries the call out.
    fn answer(&self, call: &Call) -> Answer;
    /// The JSON body of an error in this system's manner.
    fn error_body(&self, message: &str) -> Value;
}
