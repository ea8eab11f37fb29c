//! What stands as JSON in the columns of `operations`, `activations`, `known_powers` and `mirror_chunks`: forms that belong to the store, so that
//! a renamed field of the core does not change what an earlier release wrote down.
//!
//! Each form has a version, `v`; the first release wrote none, which is 1. (The network, of which there are many, has its own in
//! `mirrors.format`.) Whoever changes what a form *means* raises it, and
//! goes on reading the old one. What is not understood is left alone: an older replica may stand beside a newer one.
//! Source: `docs/ARCHITECTURE.md`, "Rolling upgrades".

mod answer;
mod change;
mod client;
mod command;
mod network;
mod power;
mod standing;
#[cfg(test)]
mod tests;

pub(crate) use answer::{answer_text, read_answer};
pub(crate) use change::{StoredChange, read_change};
pub(crate) use client::{client_text, read_client};
pub(crate) use command::{command_text, read_command, read_recorded_command};
pub(crate) use network::{MIRROR_FORMAT, StoredSite, StoredSplitter, read_sites, sites_text};
pub(crate) use power::{power_text, read_power};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
pub(crate) use standing::{read_standing, standing_text};

/// Why a stored form is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// A later release does things that this one does not know.
    #[error("its kind is {0:?}, which this release does not know")]
    Kind(String),
    /// A later release writes another form.
    #[error("its form has version {0}, which this release does not know")]
    Version(u32),
    /// It is no form of any version.
    #[error("its form cannot be read: {0}")]
    Malformed(String),
}

/// The version that is written now.
const VERSION: u32 = 1;

/// What every form begins with.
#[derive(Deserialize)]
struct Head {
    #[serde(default = "first_release")]
    v: u32,
}

fn first_release() -> u32 {
    1
}

/// Reads a form of the version that is known.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, NotUnderstood> {
    let malformed = |error: serde_json::Error| NotUnderstood::Malformed(error.to_string());
    let Head { v } = serde_json::from_str(text).map_err(malformed)?;
    if v != VERSION {
        return Err(NotUnderstood::Version(v));
    }
    serde_json::from_str(text).map_err(malformed)
}

/// Texts, numbers and lists of them: it cannot fail.
fn text(form: &impl Serialize) -> String {
    serde_json::to_string(form).unwrap_or_default()
}
