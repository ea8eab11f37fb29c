//! One edit of one client: the field, its old and new value, and what became of it.

use std::fmt;

use serde_json::{Value, json};
use strum::{EnumCount, EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};

use crate::client::{ClientCode, RecordId};
use crate::onu::Onu;
use crate::power::Dbm;
use crate::status::Status;

/// A field of a client that the sync may write.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    /// On the property.
    ReadPower,
    /// On the client.
    Status,
    /// On the client.
    Implantation,
    /// On the client.
    Onu,
}

impl Field {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One field's old and new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// Read power in dBm.
    ReadPower {
        /// `None` if OZmap held none.
        old: Option<Dbm>,
        /// What INT6 reads.
        new: Dbm,
    },
    /// Status.
    Status {
        /// `None` if OZmap held none that is known.
        old: Option<Status>,
        /// What the reading says.
        new: Status,
    },
    /// *Not implanted* → *implanted*; the other way does not exist.
    Implant,
    /// The ONU's data, whole, because a PATCH of `onu` may replace it.
    Onu {
        /// What OZmap holds.
        old: Box<Onu>,
        /// The same with what INT6 knows.
        new: Box<Onu>,
    },
}

impl FieldValue {
    /// Which field it is.
    pub fn field(&self) -> Field {
        match self {
            FieldValue::ReadPower { .. } => Field::ReadPower,
            FieldValue::Status { .. } => Field::Status,
            FieldValue::Implant => Field::Implantation,
            FieldValue::Onu { .. } => Field::Onu,
        }
    }

    /// The old value as the API shows it.
    pub fn old_json(&self) -> Value {
        match self {
            FieldValue::ReadPower { old, .. } => json!(old.map(Dbm::to_f64)),
            FieldValue::Status { old, .. } => json!(old.map(|status| status.name())),
            FieldValue::Implant => json!(false),
            FieldValue::Onu { old, .. } => old.to_json(),
        }
    }

    /// The new value as the API shows it.
    pub fn new_json(&self) -> Value {
        match self {
            FieldValue::ReadPower { new, .. } => json!(new.to_f64()),
            FieldValue::Status { new, .. } => json!(new.name()),
            FieldValue::Implant => json!(true),
            FieldValue::Onu { new, .. } => new.to_json(),
        }
    }
}

/// A value that one call can set on many records.
///
/// Source: `docs/contracts/ozmap-api.md`, "Batch update": `potencyRead` of properties; `status` and `implanted` of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharedValue {
    /// Of properties.
    ReadPower(Dbm),
    /// Of clients.
    Status(Status),
    /// Of clients.
    Implanted,
}

impl SharedValue {
    /// The value that an edit shares with others; ONU data are everybody's own.
    pub fn of(edit: &FieldValue) -> Option<SharedValue> {
        match edit {
            FieldValue::ReadPower { new, .. } => Some(SharedValue::ReadPower(*new)),
            FieldValue::Status { new, .. } => Some(SharedValue::Status(*new)),
            FieldValue::Implant => Some(SharedValue::Implanted),
            FieldValue::Onu { .. } => None,
        }
    }
}

impl Onu {
    /// The data as the API shows them.
    pub(super) fn to_json(&self) -> Value {
        let Onu { serial_number, pppoe_user, mac_address } = self;
        json!({ "serial_number": serial_number, "pppoe_user": pppoe_user, "mac_address": mac_address })
    }
}

/// A record of OZmap that carries a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Record {
    /// Carries the read power.
    Property(RecordId),
    /// Carries status, implantation and ONU.
    Client(RecordId),
}

impl Record {
    /// The record's identifier.
    pub fn id(&self) -> &RecordId {
        match self {
            Record::Property(id) | Record::Client(id) => id,
        }
    }
}

/// One edit of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub code: ClientCode,
    /// Where it is written.
    pub record: Record,
    /// What is written.
    pub edit: FieldValue,
    /// Whether a rail keeps it back: it is listed, and not written.
    pub held: bool,
}

impl fmt::Display for Change {
    /// For people: `~ 10234  power -19.30 -> -21.75 dBm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~ {}  ", self.code)?;
        match &self.edit {
            FieldValue::ReadPower { old: Some(old), new } => write!(f, "power {old} -> {new} dBm")?,
            FieldValue::ReadPower { old: None, new } => write!(f, "power (none) -> {new} dBm")?,
            FieldValue::Status { old, new } => {
                write!(f, "status {} -> {}", old.map_or("(none)", |status| status.name()), new.name())?;
            }
            FieldValue::Implant => f.write_str("not implanted -> implanted")?,
            FieldValue::Onu { old, new } => {
                let fields = [
                    ("serial", &old.serial_number, &new.serial_number),
                    ("PPPoE user", &old.pppoe_user, &new.pppoe_user),
                    ("MAC", &old.mac_address, &new.mac_address),
                ];
                let shown = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
                let changed: Vec<String> = fields
                    .iter()
                    .filter(|(_, old, new)| old != new)
                    .map(|(name, old, new)| format!("{name} {} -> {}", shown(old), shown(new)))
                    .collect();
                write!(f, "ONU {}", changed.join(", "))?;
            }
        }
        if self.held { f.write_str("  (held)") } else { Ok(()) }
    }
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(ChangeResult),
    doc = "What became of a change, without the reason.",
    derive(EnumString, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum ChangeOutcome {
    /// Recorded, not (yet) written.
    Planned,
    /// A rail keeps it back.
    Held,
    /// Its record moved since the plan was shown; the value that stands there, as the API shows it.
    Skipped(Value),
    /// OZmap confirmed it.
    Applied,
    /// OZmap refused it or could not be reached; the reason, for people.
    Failed(String),
}

impl ChangeResult {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
