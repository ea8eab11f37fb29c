//! A tenant's network, in `mirror_chunks.body`: some sites with their splitters, a JSON array.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The version of the form, in `mirrors.format`; what was saved in another one is not read, and the network is loaded anew.
pub(crate) const MIRROR_FORMAT: i64 = 1;

/// A site that is not a draft, with its drop splitters.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredSite<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    /// `cto` or `condominium`.
    pub(crate) kind: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Cow<'a, str>>,
    pub(crate) lat: f64,
    pub(crate) lng: f64,
    pub(crate) implanted: bool,
    pub(crate) splitters: Vec<StoredSplitter<'a>>,
}

/// Identifier, name, ratio, number of ports, and a bit for each that is free.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredSplitter<'a>(
    #[serde(borrow)] pub(crate) Cow<'a, str>,
    pub(crate) Cow<'a, str>,
    pub(crate) Option<(u16, u16)>,
    pub(crate) u16,
    pub(crate) Cow<'a, [u64]>,
);

/// The text of some sites.
pub(crate) fn sites_text(sites: &[StoredSite<'_>]) -> String {
    // Texts and finite numbers only: it cannot fail.
    serde_json::to_string(sites).unwrap_or_default()
}

/// The sites of a text; `None` if it is of another form.
pub(crate) fn read_sites(text: &str) -> Option<Vec<StoredSite<'_>>> {
    serde_json::from_str(text).ok()
}
