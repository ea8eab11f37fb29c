//! What became of a command, and of a stored operation.

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error_code::ErrorCode;
use crate::network::PortNumber;
use crate::property::ClientRecord;

/// What became of the client in OZmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ActivationOutcome {
    /// OZmap did not know the client.
    Created,
    /// Something was written.
    Updated,
    /// Everything was so already.
    Unchanged,
}

impl ActivationOutcome {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The client as OZmap holds it after it was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was done.
    pub outcome: ActivationOutcome,
    /// Read back from OZmap.
    pub record: ClientRecord,
    /// When it was read.
    pub as_of: Timestamp,
}

/// How a recorded command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ActivationResult {
    /// Under way, or cut off by a crash.
    Running,
    /// OZmap did not know the client.
    Created,
    /// Something was written.
    Updated,
    /// Everything was so already.
    Unchanged,
    /// It may not be done.
    Refused,
    /// OZmap, or the gateway itself, could not be reached.
    Failed,
}

impl ActivationResult {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the client is what was asked for, so that an older request is overtaken.
    pub fn is_done(self) -> bool {
        match self {
            ActivationResult::Created | ActivationResult::Updated | ActivationResult::Unchanged => true,
            ActivationResult::Running | ActivationResult::Refused | ActivationResult::Failed => false,
        }
    }
}

impl From<ActivationOutcome> for ActivationResult {
    fn from(outcome: ActivationOutcome) -> ActivationResult {
        match outcome {
            ActivationOutcome::Created => ActivationResult::Created,
            ActivationOutcome::Updated => ActivationResult::Updated,
            ActivationOutcome::Unchanged => ActivationResult::Unchanged,
        }
    }
}

/// How a stored operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum OperationState {
    /// Not done yet: it is tried again and again.
    Pending,
    /// It was done.
    Succeeded,
    /// It may not be done.
    Refused,
    /// A later request for the same client was carried out before.
    Superseded,
}

impl OperationState {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an operation's caller would have been answered.
#[derive(Debug, Clone, PartialEq)]
pub enum OperationAnswer {
    /// It was done.
    Done(Box<Done>),
    /// It may not be done.
    Refused {
        /// The stable name.
        code: ErrorCode,
        /// The reason, for a human reader.
        detail: String,
        /// Ports that could be asked for instead.
        free_ports: Option<Vec<PortNumber>>,
    },
    /// A later request for the same client was carried out before.
    Superseded,
}

impl OperationAnswer {
    /// The state in which it leaves the operation.
    pub fn state(&self) -> OperationState {
        match self {
            OperationAnswer::Done(_) => OperationState::Succeeded,
            OperationAnswer::Refused { .. } => OperationState::Refused,
            OperationAnswer::Superseded => OperationState::Superseded,
        }
    }
}
