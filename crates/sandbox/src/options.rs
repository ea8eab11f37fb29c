//! What kind of sandbox to start.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

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
    /// Whether the data has the noise of real data (the default); else both systems agree and a sync has nothing to do.
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
