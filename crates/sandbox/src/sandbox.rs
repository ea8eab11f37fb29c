//! Both systems, started and stopped together.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::faults::FaultInjector;
use crate::int6::handle::Int6Handle;
use crate::int6::routes::Int6;
use crate::options::Options;
use crate::ozmap::handle::OzmapHandle;
use crate::ozmap::routes::Ozmap;
use crate::serve::{self, Server};
use crate::simulator::Simulator;
use crate::town;

/// Both systems, running; they stop when this is dropped or stopped.
pub struct Sandbox {
    ozmap: OzmapHandle,
    int6: Int6Handle,
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
            clients,
            seed,
            latency,
            fail_percent,
            drift,
            messy,
            next_urls,
            batch_update,
            ip,
            ozmap_port,
            int6_port,
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
        let ozmap_server = serve(ozmap.clone(), ozmap_port).await?;
        let int6_server = serve(int6.clone(), int6_port).await?;
        let (ozmap, int6) = (OzmapHandle::new(ozmap), Int6Handle::new(int6, seed));
        let drift = drift.map(|period| tokio::spawn(drift_until(token, int6.clone(), period)));
        Ok(Sandbox { ozmap, int6, ozmap_server, int6_server, drift, stop })
    }

    /// OZmap's address, without a path, e.g. `http://127.0.0.1:40123`.
    pub fn ozmap_url(&self) -> String {
        url(self.ozmap_server.address)
    }

    /// OZmap's API key, sent as the whole `Authorization` header.
    pub fn ozmap_key(&self) -> String {
        self.ozmap.key()
    }

    /// Login name and password of OZmap's `POST /users/login?type=API`.
    pub fn ozmap_login(&self) -> (String, String) {
        self.ozmap.login()
    }

    /// INT6's address, without a path.
    pub fn int6_url(&self) -> String {
        url(self.int6_server.address)
    }

    /// The e-mail that INT6 knows.
    pub fn int6_email(&self) -> String {
        self.int6.login().0
    }

    /// The token that goes with the e-mail.
    pub fn int6_token(&self) -> String {
        self.int6.login().1
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
