//! What OZmap says of a client's connection.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// OZmap's verdict on a client's connection.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Light was measured.
    Ok,
    /// No light.
    Error,
}

impl Status {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a word in the place of a power does to the status; it measures nothing, so that nobody is implanted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WordStatus {
    /// The status becomes OK.
    Ok,
    /// The status becomes Error, as for every word that no setting names.
    Error,
    /// The status stays as it is.
    Keep,
}

/// Whether a client is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Implantation {
    /// *Não implantado*.
    NotImplanted,
    /// *Implantado*.
    Implanted,
}
