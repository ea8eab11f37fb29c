//! The words of the field as types that cannot be built wrong, and everything that decides.
//!
//! Pure: no clock, no network, no database, no log. Whatever changes another system is first a value made here, which can be
//! printed, tested and refused: a [`sync::Plan`], or the writes of [`provisioning`].

mod calculated_power;
mod client;
mod error_code;
mod kept_as_text;
mod network;
mod notation;
pub mod notice;
mod onu;
mod power;
mod project;
mod property;
pub mod provisioning;
mod status;
pub mod sync;
mod system;

pub use calculated_power::{Equipment, KnownPower, Route, Verdict, select_route};
pub use client::{Client, ClientCode, RecordId, SyncedClient};
pub use error_code::ErrorCode;
pub use network::{Coordinate, PortNumber, PortState, Ratio, Site, SiteKind, Splitter};
pub use notation::without_blanks;
pub use onu::{MacAddress, Onu, OnuPatch, OnuSerial, UnknownWords};
pub use power::{Dbm, NumberError, PlausibleWindow, PowerReading, StatusWordError, StatusWords, Target};
pub use project::{Project, ProjectRules};
pub use property::{ClientRecord, Connection, Property};
pub use status::{Implantation, Status, WordStatus};
pub use system::System;
