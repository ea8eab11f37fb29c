//! What INT6 asks for, and what has to be written or refused.

mod decide;
mod refusal;
mod request;
mod write;

pub use decide::decide;
pub use refusal::Refusal;
pub use request::{ConnectRequest, Intent};
pub use write::{ClientPatch, Decision, NewProperty, PropertyClient, PropertyPatch};
