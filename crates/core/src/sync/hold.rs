//! What the rails keep back, and why; put into words at the edges.

use compact_str::CompactString;
use strum::{IntoStaticStr, VariantNames};

use crate::power::{Dbm, PlausibleWindow};
use crate::sync::change::Field;
use crate::system::System;

/// A field of INT6's rows without which nothing can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowField {
    /// Whose reading it is.
    Code,
    /// The light.
    Power,
}

/// Why a reading as a whole is not believed, so that nothing of the plan is written unless a person asks for it.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Halt {
    /// OZmap gave no usable client.
    NoClients {
        /// Readings of INT6.
        readings: u64,
        /// Rows of OZmap that could not be read.
        unreadable: u64,
    },
    /// INT6 gave no usable reading.
    NoReadings {
        /// Clients of OZmap.
        clients: u64,
        /// Rows of INT6 that could not be read.
        unreadable: u64,
        /// The names that the rows have.
        names: Vec<CompactString>,
        /// What is wrong with one of the unreadable.
        example: Option<String>,
    },
    /// A list ended before its end.
    EndedEarly(EndedEarly),
    /// A field has another name, or says nothing.
    Unread {
        /// Which.
        field: RowField,
        /// Rows without it.
        rows: u64,
        /// Of so many.
        of: u64,
        /// The names that the rows have.
        names: Vec<CompactString>,
        /// What is wrong with one of those that could not be read, if some could not.
        example: Option<String>,
    },
    /// Clients that were there are not.
    FewMatched {
        /// Clients known to both sides.
        matched: u64,
        /// In the last good run.
        before: u64,
        /// The least share, in percent.
        min_percent: f64,
        /// Codes, serial numbers and MAC addresses that stand in several rows.
        duplicates: u64,
    },
    /// INT6's clock or poller.
    Untimely {
        /// Readings older than the stale limit.
        stale: u64,
        /// Readings from the future.
        future: u64,
        /// Readings that say no time, or none that is understood.
        timeless: u64,
        /// Of so many.
        of: u64,
    },
    /// Codes joined to the wrong rows.
    Serials {
        /// Clients whose serial number would change.
        changed: u64,
        /// Of those whose serial number both sides know.
        known: u64,
        /// The limit, in percent.
        max_percent: f64,
    },
    /// The same, seen by the serial numbers of others.
    Swapped {
        /// Clients that would get another client's serial number.
        swapped: u64,
        /// Of those whose serial number both sides know.
        known: u64,
        /// The limit, in percent.
        max_percent: f64,
    },
    /// Another ISP's rows among ours.
    Foreign {
        /// Codes in rows of different serial numbers.
        codes: u64,
        /// Of so many.
        of: u64,
        /// The limit, in percent.
        max_percent: f64,
    },
    /// One and the same figure for most clients.
    OneFigure {
        /// It.
        figure: Dbm,
        /// Clients that have it.
        clients: u64,
        /// Of so many with a measured power.
        measured: u64,
    },
    /// All figures moved.
    MedianMoved {
        /// In the last good run.
        before: Dbm,
        /// Now.
        now: Dbm,
        /// The most, in dB.
        max: Dbm,
    },
    /// The figures of a first run are none of light.
    MedianOdd {
        /// Their median.
        now: Dbm,
        /// Where it is expected.
        expected: PlausibleWindow,
    },
}

/// A list that ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedEarly {
    /// Whose.
    pub system: System,
    /// Rows that came, each once.
    pub read: u64,
    /// Rows that there should be.
    pub total: u64,
}

/// Why changes of one field are held.
#[derive(Debug, Clone, Copy, PartialEq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum HoldReason {
    /// One and the same figure came for many clients.
    Repeated {
        /// It.
        figure: Dbm,
        /// Clients that have it.
        clients: u64,
        /// Of so many with a measured power.
        measured: u64,
    },
    /// Many figures are outside what light can be.
    Implausible {
        /// Clients with such a figure.
        clients: u64,
        /// Of so many with a measured power.
        measured: u64,
        /// What light can be.
        light: PlausibleWindow,
    },
    /// A figure that light cannot be implants nobody.
    NoLight {
        /// What light can be.
        light: PlausibleWindow,
    },
    /// Many figures moved by one and the same amount.
    Step {
        /// By so many dB; the middle of them.
        by: Dbm,
        /// Clients whose figure moved.
        clients: u64,
        /// Of so many with a measured power.
        measured: u64,
    },
    /// More clients than is believed would turn to Error.
    MassOutage {
        /// Clients.
        clients: u64,
        /// Of so many known to both sides.
        matched: u64,
        /// The limit, in percent.
        max_percent: f64,
    },
    /// More clients than is believed would be implanted.
    MassImplantation {
        /// Clients.
        clients: u64,
        /// Clients that are not implanted, these among them.
        reservations: u64,
        /// Clients known to both sides.
        matched: u64,
        /// The limit, in percent.
        max_percent: f64,
        /// The most of any earlier day, if that is known.
        a_day: Option<u64>,
    },
    /// The ONU data of more clients than is believed would change.
    MassOnu {
        /// Clients.
        clients: u64,
        /// Of them, those whose serial number would be another one.
        serials: u64,
        /// Of so many known to both sides.
        matched: u64,
        /// The limit, in percent.
        max_percent: f64,
    },
    /// The run was to be halted, and the field is not among those that are forced.
    NotForced,
}

impl Halt {
    /// Every word, in the order of the reasons.
    pub const NAMES: &'static [&'static str] = Halt::VARIANTS;

    /// The word in metrics.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

impl HoldReason {
    /// Every word, in the order of the reasons.
    pub const NAMES: &'static [&'static str] = HoldReason::VARIANTS;

    /// The word in the API, the store and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Changes of one field that are listed and not written.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Which.
    pub field: Field,
    /// Clients.
    pub clients: u64,
    /// Why.
    pub reason: HoldReason,
}
