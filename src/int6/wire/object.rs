//! An object whose members are not read yet.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Members by name; of several of one name the last.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Object<'a>(#[serde(borrow)] pub(super) BTreeMap<String, &'a RawValue>);
