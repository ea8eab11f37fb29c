//! One run of the sync: what it was asked, what it changed, how it ended.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ClientCode, Dbm, FindingKind, Onu, RecordId, Status};

/// Whether a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads and plans; no writer exists.
    DryRun,
    /// Carries the plan out.
    Apply,
}

/// Whether the rails may halt a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rails {
    /// A suspicious plan is halted.
    Hold,
    /// An operator has looked and forces it.
    Forced,
}

/// Who asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The beat of the sync.
    Timer,
    /// `POST /v1/sync-runs`.
    Api,
    /// `sync` on the command line.
    Cli,
    /// `POST /v1/clients/{code}/sync`: one client only.
    Client,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Under way.
    Running,
    /// Every call was tried; single changes may have failed.
    Finished,
    /// The rails stopped it before it wrote.
    Halted,
    /// It could not read a side, or was cut off.
    Failed,
    /// Another run of the tenant was under way.
    Skipped,
}

macro_rules! names {
    ($type:ty { $($variant:path => $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name in the API and the store.
            pub fn name(self) -> &'static str {
                match self { $($variant => $name),+ }
            }

            /// The inverse of [`Self::name`].
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($variant),)+ _ => None }
            }
        }
    };
}

names!(Trigger { Trigger::Timer => "timer", Trigger::Api => "api", Trigger::Cli => "cli", Trigger::Client => "client" });
names!(RunState {
    RunState::Running => "running",
    RunState::Finished => "finished",
    RunState::Halted => "halted",
    RunState::Failed => "failed",
    RunState::Skipped => "skipped",
});
names!(Field {
    Field::ReadPower => "read_power",
    Field::Status => "status",
    Field::Implantation => "implantation",
    Field::Onu => "onu",
});
names!(Status { Status::Ok => "ok", Status::Error => "error" });

/// A field of a client that the sync may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One field's old and new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
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

impl Edit {
    /// Which field it is.
    pub fn field(&self) -> Field {
        match self {
            Edit::ReadPower { .. } => Field::ReadPower,
            Edit::Status { .. } => Field::Status,
            Edit::Implant => Field::Implantation,
            Edit::Onu { .. } => Field::Onu,
        }
    }

    /// The old value as the API shows it.
    pub fn old_json(&self) -> Value {
        match self {
            Edit::ReadPower { old, .. } => json!(old.map(Dbm::to_f64)),
            Edit::Status { old, .. } => json!(old.map(Status::name)),
            Edit::Implant => json!(false),
            Edit::Onu { old, .. } => onu_json(old),
        }
    }

    /// The new value as the API shows it.
    pub fn new_json(&self) -> Value {
        match self {
            Edit::ReadPower { new, .. } => json!(new.to_f64()),
            Edit::Status { new, .. } => json!(new.name()),
            Edit::Implant => json!(true),
            Edit::Onu { new, .. } => onu_json(new),
        }
    }
}

/// A value that one call can set on many records.
///
/// Source: `contracts/ozmap-api.md`, batch-update: `potencyRead` of properties; `status` and `implanted` of clients.
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
    pub fn of(edit: &Edit) -> Option<SharedValue> {
        match edit {
            Edit::ReadPower { new, .. } => Some(SharedValue::ReadPower(*new)),
            Edit::Status { new, .. } => Some(SharedValue::Status(*new)),
            Edit::Implant => Some(SharedValue::Implanted),
            Edit::Onu { .. } => None,
        }
    }
}

fn onu_json(onu: &Onu) -> Value {
    let Onu { serial_number, pppoe_user, mac_address } = onu;
    json!({ "serial_number": serial_number, "pppoe_user": pppoe_user, "mac_address": mac_address })
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
    pub edit: Edit,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Recorded, not (yet) written.
    Planned,
    /// OZmap confirmed it.
    Applied,
    /// OZmap refused it or could not be reached; the reason, for people.
    Failed(String),
}

impl Outcome {
    /// The name in the API and the store.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Planned => "planned",
            Outcome::Applied => "applied",
            Outcome::Failed(_) => "failed",
        }
    }
}

/// How many clients and rows a run met.
///
/// `matched = unchanged + changed + failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Clients that OZmap gave.
    pub ozmap_clients: u64,
    /// Rows that INT6 gave, unreadable ones and duplicates included.
    pub int6_readings: u64,
    /// Codes that stand once on both sides.
    pub matched: u64,
    /// Matched clients with nothing to write.
    pub unchanged: u64,
    /// Matched clients written in full (or to be written, while the run is planned).
    pub changed: u64,
    /// Matched clients of which a change failed.
    pub failed: u64,
    /// Clients without a row in INT6.
    pub only_in_ozmap: u64,
    /// Rows without a client in OZmap.
    pub only_in_int6: u64,
    /// Codes and MAC addresses that stand in several rows.
    pub duplicates: u64,
    /// Rows of either side that could not be understood.
    pub unreadable: u64,
    /// Clients and rows whose code is not numeric.
    pub not_numeric: u64,
    /// Matched clients whose reading is older than the stale limit.
    pub stale: u64,
    /// Matched clients for which INT6 has no reading.
    pub absent: u64,
}

/// HTTP requests of a run, repeats included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    /// Reads of OZmap.
    pub ozmap_reads: u64,
    /// Writes to OZmap.
    pub ozmap_writes: u64,
    /// Reads of INT6, token requests included.
    pub int6_reads: u64,
}

/// Duration of each phase in milliseconds; `None` if the run did not come to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Phases {
    /// Both sides are read.
    pub read: Option<u64>,
    /// The plan is made.
    pub plan: Option<u64>,
    /// The plan is written to OZmap.
    pub apply: Option<u64>,
}

impl Counts {
    /// How many findings of a kind there were.
    pub fn of(&self, kind: FindingKind) -> u64 {
        match kind {
            FindingKind::OnlyInOzmap => self.only_in_ozmap,
            FindingKind::OnlyInInt6 => self.only_in_int6,
            FindingKind::Duplicate => self.duplicates,
            FindingKind::NotNumeric => self.not_numeric,
            FindingKind::Unreadable => self.unreadable,
            FindingKind::Stale => self.stale,
            FindingKind::Absent => self.absent,
        }
    }
}
