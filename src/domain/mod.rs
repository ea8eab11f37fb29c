//! The words of the trade as types that cannot be built wrong. No clock, no network, no database.

pub mod activation;
mod client;
mod network;
mod power;
mod reading;
pub mod route;
mod run;

pub use client::{Client, ClientCode, Implantation, MacAddress, Onu, OnuSerial, RecordId, Status};
pub use network::{Coordinate, PortNumber, PortState, Ratio, Site, SiteKind, Splitter};
pub use power::{Dbm, NumberError, PlausibleWindow, PowerReading, Target};
pub use reading::{Finding, FindingKind, Reading, System};
pub use run::{
    Calls, Change, Counts, Edit, Field, Mode, Outcome, Phases, Rails, Record, RunState, SharedValue, Trigger,
};
