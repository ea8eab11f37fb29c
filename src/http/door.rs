//! The door: how many may be connected, how long one may say nothing, and who has to make room.
//!
//! The server itself ends a connection that has not sent a whole request head in time; here are the caps. Where there is no
//! room, the connection that has had no request under way for the longest time is closed; only where all are at work is the
//! new one refused.

mod connections;
mod counted;
mod guarded;
mod room;
mod told;

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;

use axum_server::accept::Accept;
use tokio::net::TcpStream;

use self::connections::Connections;
use self::counted::Counted;
use self::guarded::Guarded;
pub use self::room::{Room, Standing, StandingOf};
use self::told::Told;

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
