//! Why a gateway did not start.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics_exporter_prometheus::BuildError;

use crate::notices::NoCourier;
use crate::store::StoreError;
use crate::upstream::HttpClientError;

/// Why a gateway, or a part of it, did not start: human-readable, with the thing at fault.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A system cannot be called at all: its CA file, or the machine, is at fault.
    #[error(transparent)]
    HttpClient(#[from] HttpClientError),
    /// Nobody can be told anything.
    #[error(transparent)]
    Courier(#[from] NoCourier),
    /// Somebody else counts in this process.
    #[error("metrics cannot be counted: {0}")]
    Metrics(#[from] Arc<BuildError>),
    /// A tenant that nobody could call.
    #[error("tenant {tenant} has no API key")]
    NoKey {
        /// Its name.
        tenant: String,
    },
    /// The address is taken, or is none of this machine's.
    #[error("cannot listen on {address}: {error}; set {setting} to a free address and port")]
    Listen {
        /// As the settings say.
        address: SocketAddr,
        /// Which of them says so.
        setting: &'static str,
        /// What the system says.
        error: std::io::Error,
    },
    /// The socket that was opened cannot be served.
    #[error(transparent)]
    Serve(std::io::Error),
}
