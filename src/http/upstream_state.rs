//! How one of a tenant's systems answered last, as callers read it.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::words::Words;

/// How a system answered last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum UpstreamState {
    /// It was not called yet.
    Unknown,
    /// It answers.
    Ok,
    /// It does not answer, or its answers are not understood.
    Failing,
    /// It failed several times in a row and is left alone for a while.
    LeftAlone,
    /// It does not accept the credentials.
    KeyRefused,
}

impl Words for UpstreamState {
    const LIST: &'static str = "UpstreamState";
    const EXAMPLE: UpstreamState = UpstreamState::Ok;
}
