//! A listener that is served, with its bounds.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use super::start_error::StartError;
use crate::http::Door;

/// Longest time from a connection to its first request, with its whole head; the same for each later one.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How often the other end of an HTTP/2 connection is asked whether it is there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Requests under way at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 100;
/// Largest head of an HTTP/2 request, in bytes; HTTP/1 has about the same.
const LARGEST_HEAD: u32 = 64 * 1024;

/// Tells a server to stop, and how many are connected.
pub(super) type Handle = axum_server::Handle<SocketAddr>;

/// A router that is served, in a task of its own.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) handle: Handle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(super) fn start(
        listener: TcpListener,
        handle: Handle,
        router: Router,
        door: Door,
    ) -> Result<Server, StartError> {
        let address = listener.local_addr().map_err(StartError::Serve)?;
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let failed = door.clone();
        let mut server = axum_server::from_tcp(listener)
            .map_err(StartError::Serve)?
            .handle(handle.clone())
            .acceptor(door)
            // Whatever is sent before it, and by which protocol: half a preface, half a head, or nothing.
            .first_request_timeout(FIRST_REQUEST)
            .accept_error_handler(move |_, error| failed.note_failure(error));
        // A later request that is sent by halves would hold a connection for ever.
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(FIRST_REQUEST);
        server
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(LARGEST_HEAD);
        Ok(Server { address, handle, task: tokio::spawn(server.serve(service)) })
    }

    /// Waits until the last connection has ended; a bad end is logged.
    pub(super) async fn finished(&mut self) {
        match (&mut self.task).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(error) => tracing::error!(%error, "the server was cut off"),
        }
    }
}

/// Takes an address; `setting` is the one to change if somebody else has it.
pub(super) fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address);
    let listener = bound.map_err(|error| StartError::Listen { address, setting, error })?;
    listener.set_nonblocking(true).map_err(StartError::Serve)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_named_with_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, _socket) = taken.expect("a free port");
        for setting in ["GATEWAY_LISTEN", "GATEWAY_METRICS_LISTEN"] {
            let error = listen(address, setting).expect_err("it is taken");
            assert!(matches!(error, StartError::Listen { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("cannot listen on {address}: ")), "{text}");
            assert!(text.ends_with(&format!("; set {setting} to a free address and port")), "{text}");
        }
    }
}
