//! A pretend OZmap and a pretend INT6 over real HTTP on loopback, and a made-up town that both know.
//!
//! Tests tell a story to them (`sandbox.ozmap().add_client(…)`, `sandbox.int6().set_power(…)`), let the real client run, and ask what
//! came of it. People use the same thing as a demo. State comes first and does no input or output; the HTTP faces come second.
//!
//! - [`ozmap`], [`int6`]: one system each.
//! - `town`: the network, the clients, and the mess that an ISP's data is in.
//! - `faults`, `call_log`: what goes wrong on purpose, and who called; `serve` and `socket`: one request from wire to wire.
//!
//! **It shares no type with the rest of the program**, so that a misspelt field cannot pass on both sides.

mod call_log;
mod exchange;
mod faults;
mod int6;
mod lock;
mod ozmap;
mod secret;
mod serve;
mod simulator;
mod socket;
#[cfg(test)]
mod tests;
mod town;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use call_log::{CallCounts, CallLog, RecordedCall};
pub use faults::{Fault, FaultInjector};
use int6::Int6;
pub use int6::Int6Handle;
use ozmap::Ozmap;
pub use ozmap::{Added, OzmapHandle, Subscriber};
use serve::Server;
use simulator::Simulator;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What kind of sandbox to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Clients in OZmap; 2,000 by default.
    pub clients: usize,
    /// The same seed gives the same town; credentials are random all the same.
    pub seed: u64,
    /// Added to each answer; none by default.
    pub latency: Duration,
    /// Share of requests, in percent, that meet a 503, a 500 or a cut connection; 0 by default.
    pub fail_percent: f64,
    /// How often the readings drift by a few hundredths of a dBm; never by default.
    pub drift: Option<Duration>,
    /// Whether the data is in the mess that real data is in (the default); else both systems agree and a sync has nothing to do.
    pub messy: bool,
    /// Whether OZmap's lists answer `hasNextPage` and `nextUrl` (the default), or only the older envelope.
    pub next_urls: bool,
    /// Whether OZmap has the batch-update routes (the default); else they answer 404.
    pub batch_update: bool,
    /// The address to listen on; loopback by default.
    pub ip: IpAddr,
    /// OZmap's port; 0, the default, is any free one.
    pub ozmap_port: u16,
    /// INT6's port; 0, the default, is any free one.
    pub int6_port: u16,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clients: 2000,
            seed: 1,
            latency: Duration::ZERO,
            fail_percent: 0.0,
            drift: None,
            messy: true,
            next_urls: true,
            batch_update: true,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ozmap_port: 0,
            int6_port: 0,
        }
    }
}

/// Both systems, running; they stop when this is dropped or stopped.
pub struct Sandbox {
    ozmap: OzmapHandle,
    int6: Int6Handle,
    ozmap_state: Arc<Ozmap>,
    int6_state: Arc<Int6>,
    ozmap_server: Server,
    int6_server: Server,
    drift: Option<JoinHandle<()>>,
    stop: DropGuard,
}

impl Sandbox {
    /// Makes up a town, binds both servers and serves them.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Sandbox> {
        let Options {
            clients, seed, latency, fail_percent, drift, messy, next_urls, batch_update, ip, ..
        } = options;
        // Hundreds of thousands of clients take a while: not on a thread that serves others.
        let town = tokio::task::spawn_blocking(move || town::build(clients, seed, messy))
            .await
            .map_err(io::Error::other)?;
        let faults = || FaultInjector::new(latency, fail_percent);
        let ozmap = Arc::new(Ozmap::new(faults(), town.state, next_urls, batch_update));
        let int6 = Arc::new(Int6::new(faults(), town.rows));

        let token = CancellationToken::new();
        let stop = token.clone().drop_guard();
        let serve = |simulator: Arc<dyn Simulator>, port| serve::listen(simulator, ip, port, token.clone());
        let ozmap_server = serve(ozmap.clone(), options.ozmap_port).await?;
        let int6_server = serve(int6.clone(), options.int6_port).await?;
        let int6_handle = Int6Handle::new(int6.clone(), seed);
        let drift = drift.map(|period| tokio::spawn(drift_until(token, int6_handle.clone(), period)));
        Ok(Sandbox {
            ozmap: OzmapHandle::new(ozmap.clone()),
            int6: int6_handle,
            ozmap_state: ozmap,
            int6_state: int6,
            ozmap_server,
            int6_server,
            drift,
            stop,
        })
    }

    /// OZmap's address, without a path, e.g. `http://127.0.0.1:40123`.
    pub fn ozmap_url(&self) -> String {
        url(self.ozmap_server.address)
    }

    /// OZmap's API key, sent as the whole `Authorization` header.
    pub fn ozmap_key(&self) -> String {
        self.ozmap_state.credentials.key.clone()
    }

    /// Login name and password of OZmap's `POST /users/login?type=API`.
    pub fn ozmap_login(&self) -> (String, String) {
        let credentials = &self.ozmap_state.credentials;
        (credentials.login.clone(), credentials.password.clone())
    }

    /// INT6's address, without a path.
    pub fn int6_url(&self) -> String {
        url(self.int6_server.address)
    }

    /// The e-mail that INT6 knows.
    pub fn int6_email(&self) -> String {
        self.int6_state.email.clone()
    }

    /// The token that goes with the e-mail.
    pub fn int6_token(&self) -> String {
        self.int6_state.token.clone()
    }

    /// The pretend OZmap.
    pub fn ozmap(&self) -> &OzmapHandle {
        &self.ozmap
    }

    /// The pretend INT6.
    pub fn int6(&self) -> &Int6Handle {
        &self.int6
    }

    /// Stops both servers, cutting every connection, and waits until they are gone.
    pub async fn stop(self) {
        drop(self.stop);
        let tasks = [Some(self.ozmap_server.task), Some(self.int6_server.task), self.drift];
        // A task that panicked has stopped as well.
        futures::future::join_all(tasks.into_iter().flatten()).await;
    }
}

async fn drift_until(stop: CancellationToken, int6: Int6Handle, period: Duration) {
    while stop.run_until_cancelled(tokio::time::sleep(period)).await.is_some() {
        int6.drift();
    }
}

fn url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(host, address.port()))
}
