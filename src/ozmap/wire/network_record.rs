//! Rows of boxes, buildings and splitters. Source: `docs/contracts/ozmap-api.md`, "Records".

use gateway_core::{Implantation, Ratio, Site, SiteKind, Splitter};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fields::{coordinate, record_id, reference, switch, text};
use super::port_states::{PortRow, port_states};
use crate::upstream::{FieldProblem, RowError, WireError, json};

/// Fields of a box that matter here.
pub(crate) const BOX_FIELDS: &str = "name address implanted draft coords lat lng";
/// Fields of a building that matter here.
pub(crate) const BUILDING_FIELDS: &str = "name address implanted coords lat lng";
/// Fields of a splitter that matter here.
pub(crate) const SPLITTER_FIELDS: &str = "name parent ratio isDrop connectables ports";

/// The same three, where projects matter.
pub(crate) const BOX_FIELDS_WITH_PROJECT: &str = "name address implanted draft coords lat lng project";
pub(crate) const BUILDING_FIELDS_WITH_PROJECT: &str = "name address implanted coords lat lng project";
pub(crate) const SPLITTER_FIELDS_WITH_PROJECT: &str = "name parent ratio isDrop connectables ports project";

/// A filter for splitters that serve clients.
pub(crate) fn drop_splitters() -> Value {
    json!([{ "property": "isDrop", "operator": "=", "value": true }])
}

#[derive(Deserialize)]
struct SplitterRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    parent: Value,
    #[serde(default)]
    ratio: Value,
    #[serde(default, rename = "isDrop")]
    is_drop: Value,
    #[serde(default)]
    connectables: Option<Connectables>,
    #[serde(default)]
    ports: Option<Vec<Option<PortRow>>>,
}

#[derive(Deserialize)]
struct Connectables {
    #[serde(default)]
    output: Option<Vec<Option<IgnoredAny>>>,
}

#[derive(Deserialize)]
struct SiteRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    address: Value,
    #[serde(default)]
    implanted: Value,
    #[serde(default)]
    draft: Value,
    #[serde(default)]
    project: Value,
    #[serde(default)]
    coords: Value,
    #[serde(default)]
    lat: Value,
    #[serde(default)]
    lng: Value,
}

/// Reads a row of `/splitters`.
///
/// # Errors
/// [`RowError`]. A splitter that does not say what is connected is one: its ports would look free.
pub fn splitter(row: &RawValue) -> Result<Splitter, RowError> {
    let row: SplitterRow = json::parse_row("a splitter", row)?;
    let SplitterRow { id, underscore_id, name, parent, ratio, is_drop, connectables, ports } = row;
    let id = record_id(&id, &underscore_id).ok_or(WireError::NoId("a splitter"))?;
    let in_splitter = |error: WireError| error.in_record("splitter", &id);
    let wrong = |field: &str, problem: FieldProblem| in_splitter(WireError::field(field, problem));
    let site = reference(&parent).map_err(|problem| wrong("parent", problem))?;
    let ratio = read_ratio(&ratio).map_err(|problem| wrong("ratio", problem))?;
    let outputs = connectables.and_then(|connectables| connectables.output);
    let outputs = outputs.ok_or_else(|| wrong("connectables.output", FieldProblem::Missing))?;
    let ports = port_states(ratio, &outputs, &ports.unwrap_or_default());
    let ports = ports.ok_or_else(|| in_splitter(WireError::Shape("has more than 1,024 ports")))?;
    let is_drop = switch(&is_drop).map_err(|problem| wrong("isDrop", problem))?;
    Ok(Splitter { name: text(&name).unwrap_or_default(), id, site, ratio, is_drop, ports })
}

/// Reads a row of `/boxes`.
///
/// # Errors
/// [`RowError`].
pub fn cto(row: &RawValue) -> Result<Site, RowError> {
    site(row, SiteKind::Cto)
}

/// Reads a row of `/buildings`.
///
/// # Errors
/// [`RowError`].
pub fn building(row: &RawValue) -> Result<Site, RowError> {
    site(row, SiteKind::Condominium).map(|site| Site { is_draft: false, ..site })
}

fn site(row: &RawValue, kind: SiteKind) -> Result<Site, RowError> {
    let (what, a_site) = match kind {
        SiteKind::Cto => ("box", "a box"),
        SiteKind::Condominium => ("building", "a building"),
    };
    let row: SiteRow = json::parse_row(a_site, row)?;
    let SiteRow { id, underscore_id, name, address, implanted, draft, project, coords, lat, lng } = row;
    let id = record_id(&id, &underscore_id).ok_or(WireError::NoId(a_site))?;
    let wrong = |field: &str, problem| WireError::field(field, problem).in_record(what, &id);
    // It is shown and decides nothing, so that what is not understood does not cost the site.
    let implantation = match switch(&implanted) {
        Ok(true) => Implantation::Implanted,
        Ok(false) | Err(_) => Implantation::NotImplanted,
    };
    let is_draft = switch(&draft).map_err(|problem| wrong("draft", problem))?;
    let coordinate = coordinate(&coords, &lat, &lng);
    let name = text(&name).unwrap_or_default();
    // Of use for a new property only, which OZmap puts into its box's project by itself.
    let project = reference(&project).ok().flatten();
    Ok(Site { id, kind, name, address: text(&address), coordinate, implantation, is_draft, project })
}

/// Two whole numbers, in texts too, or null.
fn read_ratio(value: &Value) -> Result<Option<Ratio>, FieldProblem> {
    let wrong = FieldProblem::Shape("is not two whole numbers");
    let whole = |name: &str| match &value[name] {
        Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0),
        Value::String(text) => text.trim().parse().ok().filter(|n| *n > 0),
        _ => None,
    };
    match value {
        Value::Null => Ok(None),
        Value::Object(_) => {
            Ok(Some(Ratio { input: whole("input").ok_or(wrong)?, output: whole("output").ok_or(wrong)? }))
        }
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests;
