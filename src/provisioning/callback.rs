//! Calling a caller back once its stored request is done.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use gateway_core::provisioning::OperationState;
use serde_json::json;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use url::Url;
use uuid::Uuid;

/// For one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tries after the first; they end after about half a minute.
const RETRIES: usize = 4;

/// Why an address is not called back.
#[derive(Debug, thiserror::Error)]
pub enum CallbackRefused {
    /// It cannot be read.
    #[error("is no URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// Another scheme.
    #[error("is neither http nor https")]
    Scheme,
    /// An operator has not named the host.
    #[error("has a host that PROVISIONING_CALLBACK_HOSTS does not name")]
    Host,
}

/// No HTTP client for callbacks can be built on this machine.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for callbacks can be built: {0:?}")]
pub struct NoCallbacks(#[from] reqwest::Error);

/// Calls admitted hosts back; clones are the same.
#[derive(Clone)]
pub(super) struct Callbacks {
    hosts: Vec<String>,
    http: reqwest::Client,
    under_way: TaskTracker,
}

impl Callbacks {
    /// `hosts` are the names that may be called; none by default.
    ///
    /// # Errors
    /// [`NoCallbacks`].
    pub(super) fn new(hosts: Vec<String>) -> Result<Callbacks, NoCallbacks> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("int6-ozmap-gateway/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            // Whoever is admitted may not send us on to somebody who is not.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Callbacks { hosts, http, under_way: TaskTracker::new() })
    }

    /// A callback address, if its host is admitted.
    ///
    /// # Errors
    /// [`CallbackRefused`].
    pub(super) fn admitted(&self, url: &str) -> Result<Url, CallbackRefused> {
        let url: Url = url.parse()?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(CallbackRefused::Scheme);
        }
        match url.host_str() {
            Some(host) if self.hosts.iter().any(|admitted| admitted.eq_ignore_ascii_case(host)) => Ok(url),
            _ => Err(CallbackRefused::Host),
        }
    }

    /// Posts what became of an operation, in the background; the caller may always ask for the operation instead.
    pub(super) fn notify(&self, url: &str, operation: Uuid, code: &str, state: OperationState) {
        let body = json!({ "operation_id": operation, "code": code, "state": state.name() });
        let request = self.http.post(url).json(&body);
        let work = async move {
            let post = || async {
                let request = request.try_clone().ok_or("the request cannot be repeated".to_owned())?;
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                // Without the URL: it may carry a token of the caller's.
                answer.map(drop).map_err(|error| error.without_url().to_string())
            };
            let pauses = ExponentialBuilder::default()
                .with_min_delay(Duration::from_secs(2))
                .with_max_times(RETRIES)
                .with_jitter();
            if let Err(error) = post.retry(pauses).await {
                tracing::warn!(%operation, error, "the callback was not accepted");
            }
        };
        self.under_way.spawn(work.in_current_span());
    }

    /// Waits until the callbacks under way are done, for as long as one try takes: who is not told then may still ask.
    pub(super) async fn finished(&self) {
        self.under_way.close();
        if tokio::time::timeout(TIMEOUT, self.under_way.wait()).await.is_err() {
            tracing::warn!(callbacks = self.under_way.len(), "callbacks were given up");
        }
    }
}
