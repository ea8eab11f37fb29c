//! Rows of `/properties` and `/ftth-clients`, as far as the sync needs them.

use gateway_core::{Client, ClientCode, Dbm, Implantation, Project, RecordId};
use serde_json::Value;
use serde_json::value::RawValue;

use super::OfRecord;
use super::fields::{is_nothing, onu, plain, power, project, record_id, status, switch};
use super::members::{ClientMembers, PropertyMembers};
use crate::upstream::object::Object;
use crate::upstream::spoilt::{is_spoilt, parsed};
use crate::upstream::{FieldProblem, RowError, WireError, json};

/// A property, as far as the sync needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct BareProperty {
    /// The record.
    pub id: RecordId,
    /// Read power; `None` if there is none.
    pub read_power: Option<Dbm>,
    /// Its client.
    pub client: Option<ClientReference>,
    /// Its project, if the row says one.
    pub project: Option<Project>,
    /// Fields that are not understood, its client's among them.
    pub unclear: Vec<UnclearField>,
}

/// A client of which single fields may not be understood.
#[derive(Debug, Clone, PartialEq)]
pub struct BareClient {
    /// The client, each such field as if OZmap held nothing that is known here, and no reason to write.
    pub client: Client,
    /// The fields.
    pub unclear: Vec<UnclearField>,
}

/// A field that is not understood, and costs nothing but itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnclearField {
    /// Its name in OZmap.
    pub name: &'static str,
    /// What is wrong with it, and how it counts.
    pub counts_as: &'static str,
}

/// A client, as far as a row of OZmap says.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientReference {
    /// The whole of what the sync needs.
    Whole(Client),
    /// The row gave the identifier only.
    Id(RecordId),
}

/// Reads a row of `/properties`.
///
/// # Errors
/// [`RowError`], if the row or its client cannot be told from others; other fields are in [`BareProperty::unclear`].
pub fn property(row: &RawValue) -> Result<BareProperty, RowError> {
    let row = PropertyMembers::read(row)?;
    let id = row.id()?;
    let client = row.client().map_err(|error| error.in_record("property", &id))?;
    let (client, mut unclear) =
        client.map_or((None, Vec::new()), |(client, unclear)| (Some(client), unclear));
    let (read_power, unclear_power) = row.read_power();
    unclear.extend(unclear_power);
    Ok(BareProperty { id, read_power, client, project: project(&row.project), unclear })
}

impl PropertyMembers<'_> {
    pub(super) fn id(&self) -> Result<RecordId, WireError> {
        record_id(&self.id, &self.underscore_id).ok_or(WireError::NoId("a property"))
    }

    /// The read power; what is no number counts as none, because the next reading replaces it.
    pub(super) fn read_power(&self) -> (Option<Dbm>, Option<UnclearField>) {
        match power(&self.potency_read) {
            Ok(power) => (power, None),
            Err(_) => (
                None,
                Some(UnclearField { name: "potencyRead", counts_as: "is no power; it counts as none" }),
            ),
        }
    }

    /// The client and its fields that are not understood, as far as the row says.
    pub(super) fn client(&self) -> Result<Option<(ClientReference, Vec<UnclearField>)>, RowError> {
        let Some(client) = self.client else { return Ok(None) };
        if let Some(members) = ClientMembers::read(client) {
            return client_reference(&members).map(Some);
        }
        let id = parsed(client);
        if is_nothing(&id) {
            return Ok(None);
        }
        let id = record_id(&id, &Value::Null);
        let id = id.ok_or_else(|| WireError::field("client", "is neither object nor identifier"))?;
        Ok(Some((ClientReference::Id(id), Vec::new())))
    }
}

impl OfRecord for BareProperty {
    fn record(&self) -> Option<RecordId> {
        Some(self.id.clone())
    }
}

impl OfRecord for BareClient {
    fn record(&self) -> Option<RecordId> {
        Some(self.client.id.clone())
    }
}

impl ClientReference {
    /// The code, if the row says it.
    pub fn code(&self) -> Option<&ClientCode> {
        match self {
            ClientReference::Whole(client) => Some(&client.code),
            ClientReference::Id(_) => None,
        }
    }

    /// The client's record.
    pub fn id(&self) -> &RecordId {
        match self {
            ClientReference::Whole(client) => &client.id,
            ClientReference::Id(id) => id,
        }
    }
}

/// Reads a row of `/ftth-clients`.
///
/// # Errors
/// [`RowError`], if identifier or code cannot be read; other fields are in [`BareClient::unclear`].
pub fn client(row: &RawValue) -> Result<BareClient, RowError> {
    match ClientMembers::read(row) {
        Some(members) => bare_client(&members),
        None => bare_client(&ClientMembers::from(&json::parse_row::<Object<'_>>("a client", row)?)),
    }
}

pub(super) fn bare_client(members: &ClientMembers) -> Result<BareClient, RowError> {
    match client_reference(members)? {
        (ClientReference::Whole(client), unclear) => Ok(BareClient { client, unclear }),
        (ClientReference::Id(id), _) => {
            Err(WireError::field("code", FieldProblem::Missing).in_record("client", &id).into())
        }
    }
}

fn client_reference(members: &ClientMembers) -> Result<(ClientReference, Vec<UnclearField>), RowError> {
    let id = record_id(&members.id, &members.underscore_id).ok_or(WireError::NoId("`client`"))?;
    let code = match &members.code {
        Value::Null => return Ok((ClientReference::Id(id), Vec::new())),
        Value::String(code) if !is_spoilt(code) => ClientCode::new(code),
        Value::Number(code) => ClientCode::new(&plain(code)),
        _ => None,
    };
    let wrong = || WireError::field("code", "is empty or no text").in_record("client", &id);
    let code = code.ok_or_else(wrong)?;
    let mut unclear = Vec::new();
    // Never guessed towards a write: who may be implanted already is not implanted by the sync.
    let implanted = switch(&members.implanted).unwrap_or_else(|_| {
        let counts_as = "is neither true nor false; the client counts as implanted";
        unclear.push(UnclearField { name: "implanted", counts_as });
        true
    });
    let implantation = if implanted { Implantation::Implanted } else { Implantation::NotImplanted };
    let onu = onu(&members.onu).ok();
    if onu.is_none() {
        unclear
            .push(UnclearField { name: "onu", counts_as: "is no object of texts; ONU data are left alone" });
    }
    let status = status(&members.status);
    if status.is_none() && !is_nothing(&members.status) {
        unclear.push(UnclearField { name: "status", counts_as: "is neither 0 nor 1; it counts as unknown" });
    }
    let (onu_known, onu) = (onu.is_some(), onu.unwrap_or_default());
    Ok((ClientReference::Whole(Client { id, code, status, implantation, onu, onu_known }), unclear))
}

#[cfg(test)]
mod tests;
