//! The door: how many may be connected, how long one may say nothing, and who has to make room.
//!
//! The server itself ends a connection that has not sent a whole request head in time; here are the caps. Where there is no
//! room, the connection that has had no request under way for the longest time is closed; only where all are at work is the
//! new one refused.

mod connections;
mod counted;
mod guarded;
mod told;

use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use axum_server::accept::Accept;
use tokio::net::TcpStream;

use self::connections::Connections;
use self::counted::Counted;
use self::guarded::Guarded;
use self::told::Told;

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
    fn kept(self) -> usize {
        (self.most / 16).max(4)
    }

    /// Places that strangers may take, all together.
    fn of_strangers(self) -> usize {
        self.most / 2
    }

    fn of_address(self) -> usize {
        self.of_one_address.min(self.most / 2).max(1)
    }
}

/// Lets connections in; clones are the same.
#[derive(Clone)]
pub struct Door {
    connections: Arc<Connections>,
    told: Arc<Told>,
}

impl Door {
    /// Nobody is connected yet.
    pub fn new(room: Room, standing: StandingOf) -> Door {
        let told = Arc::new(Told::default());
        Door { connections: Arc::new(Connections::new(room, standing, Arc::clone(&told))), told }
    }

    /// Notes that the system gave no connection, as where there are no descriptors left.
    pub fn note_failure(&self, error: &io::Error) {
        // A refusal of ours comes here, too, and is counted already.
        if error.kind() != io::ErrorKind::ConnectionRefused {
            self.told.failed(error);
        }
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Guarded<TcpStream>;
    type Service = Counted<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.set_nodelay(true).and_then(|()| stream.peer_addr()).and_then(|peer| {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            self.connections.admitted(peer.ip().to_canonical()).ok_or_else(refused)
        });
        ready(place.map(|place| {
            let place = Arc::new(place);
            (Guarded::new(stream, Arc::clone(&place)), Counted::new(service, place))
        }))
    }
}

#[cfg(test)]
mod tests;
