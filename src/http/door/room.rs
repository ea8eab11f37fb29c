//! Room for connections: how many there may be, and whose they are.

use std::net::IpAddr;
use std::sync::Arc;

/// Whose address it is, as far as the door is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This machine's own: its probes always find a place.
    Local,
    /// A proxy that speaks for many, so that it has no cap of its own.
    Proxy,
    /// A tenant admits it.
    Admitted,
    /// Nobody knows it.
    Stranger,
}

/// Tells whose an address is.
pub type StandingOf = Arc<dyn Fn(IpAddr) -> Standing + Send + Sync>;

/// How many may be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all, at least 16.
    pub most: usize,
    /// From one address, at most half of all; a proxy and this machine itself have no such cap.
    pub of_one_address: usize,
}

impl Room {
    /// Places that only this machine's own probes may take.
    pub(super) fn kept(self) -> usize {
        (self.most / 16).max(4)
    }

    /// Places that strangers may take, all together.
    pub(super) fn of_strangers(self) -> usize {
        self.most / 2
    }

    pub(super) fn of_address(self) -> usize {
        self.of_one_address.min(self.most / 2).max(1)
    }
}
