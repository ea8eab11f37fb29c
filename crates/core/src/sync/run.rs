//! One run of the sync: what it was asked, what it changed, how it ended.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::sync::fields::Fields;
use crate::sync::finding::FindingKind;

/// Whether a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads and plans; no writer exists.
    DryRun,
    /// Carries the plan out.
    Apply,
}

/// What the rails may keep back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rails {
    /// Whatever is not believed.
    Hold,
    /// An operator has looked, and forces these fields.
    Forced(Fields),
    /// One client's own: the lines on a whole side say nothing of it.
    OneClient,
}

/// Who asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
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

impl Trigger {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a run is for, so that monitors tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RunKind {
    /// Compares the whole tenant, and writes.
    Full,
    /// Compares the whole tenant, and writes nothing.
    Dry,
    /// Applies what another run has shown.
    Plan,
    /// Syncs one client.
    Client,
}

impl RunKind {
    /// The word in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl From<Mode> for RunKind {
    /// Of a run that compares the whole tenant.
    fn from(mode: Mode) -> RunKind {
        match mode {
            Mode::DryRun => RunKind::Dry,
            Mode::Apply => RunKind::Full,
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
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

impl RunState {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How many clients and rows a run met.
///
/// `matched = unchanged + changed + failed`, and those of whom everything is held or skipped.
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
    /// Matched clients of whom something is held by a rail.
    pub held: u64,
    /// Matched clients of whom something was left because its record moved since the plan was shown.
    pub skipped: u64,
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
    /// Matched clients whose figure is outside what light can be.
    pub implausible: u64,
    /// Matched clients without a property.
    pub no_property: u64,
    /// Matched clients whose reading has a time that is not understood, or lies in the future.
    pub unknown_age: u64,
    /// Fields of either side that were not understood; the rest of their records counts.
    pub unclear_field: u64,
    /// Lists that did not end as lists do, or changed while they were read.
    pub incomplete_list: u64,
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
            FindingKind::Implausible => self.implausible,
            FindingKind::NoProperty => self.no_property,
            FindingKind::UnknownAge => self.unknown_age,
            FindingKind::UnclearField => self.unclear_field,
            FindingKind::IncompleteList => self.incomplete_list,
        }
    }
}
