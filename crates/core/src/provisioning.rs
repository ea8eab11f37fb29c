//! What INT6 asks for, and what has to be written or refused.

mod decide;
mod outcome;
mod refusal;
mod request;
mod write;

pub use decide::{Created, Observed, decide};
pub use outcome::{ActivationOutcome, ActivationResult, Done, OperationAnswer, OperationState};
pub use refusal::Refusal;
pub use request::{Command, ConnectRequest, LockOn, OperationKind};
pub use write::{ClientPatch, NewProperty, PropertyClient, PropertyPatch, Write};
