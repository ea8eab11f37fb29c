//! INT6 in our terms: the [`Api`] that reads every client's ONU.
//!
//! INT6 publishes no contract, so it is an adapter: paths, page size, authentication and field names are
//! [`Int6Settings`]. `wire` is the only file that knows its JSON.

mod auth;
mod bulk;
mod shared;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use auth::Tokens;
pub use auth::{AuthStyle, Credentials, TokenScheme};
pub use bulk::{ReadingEnd, Readings, Sample, SecondPage};
use gateway_core::sync::MatchBy;
use gateway_core::{StatusWords, UnknownWords};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
pub(crate) use shared::SharedReadings;
use wire::Fields;
use wire::row::RowRules;

use crate::upstream::{CallError, Request, Upstream, WireError};

/// How a tenant's INT6 is asked.
#[derive(Debug, Clone)]
pub struct Int6Settings {
    /// E-mail, token and how INT6 takes them.
    pub credentials: Credentials,
    /// Path of the bulk read.
    pub status_path: String,
    /// Rows of a page, 1 to 5,000.
    pub page_size: usize,
    /// Names of the fields of a row.
    pub fields: Fields,
    /// Zone of times that name none.
    pub time_zone: TimeZone,
    /// Words that say that a value of an ONU is not known.
    pub unknown_words: UnknownWords,
    /// Words in the place of a power that have a status of their own. Default none.
    pub status_words: StatusWords,
    /// By what rows are matched; where that is not the code, a row without one is readable. Default the code.
    pub match_by: MatchBy,
}

impl Int6Settings {
    fn row_rules(&self) -> RowRules<'_> {
        RowRules {
            fields: &self.fields,
            zone: &self.time_zone,
            unknown: &self.unknown_words,
            statuses: &self.status_words,
            match_by: self.match_by,
        }
    }
}

/// A tenant's INT6; clones share the token.
#[derive(Clone)]
pub struct Api {
    upstream: Upstream,
    settings: Arc<Int6Settings>,
    tokens: Arc<Tokens>,
    /// Rows of a full page, where the host gives fewer than it is asked for; 0 is unknown.
    cap: Arc<AtomicUsize>,
}

impl Api {
    /// `upstream` is the host.
    pub fn new(upstream: Upstream, settings: Int6Settings) -> Api {
        Api { upstream, settings: Arc::new(settings), tokens: Arc::default(), cap: Arc::default() }
    }

    /// The same INT6 with a call counter of its own, for one run.
    pub(crate) fn with_own_counter(&self) -> Api {
        Api { upstream: self.upstream.with_own_counter(), ..self.clone() }
    }

    /// Requests sent so far, repeats and token requests included.
    pub(crate) fn calls(&self) -> u64 {
        self.upstream.sent()
    }

    /// How far INT6's clock is ahead of this machine's, to about a second; `None` before an answer that says its time.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.upstream.clock_skew()
    }

    /// Reads one row of the bulk read, the cheapest question that needs credentials.
    ///
    /// # Errors
    /// [`CallError`] if the host cannot be reached or refuses the credentials.
    pub async fn check(&self) -> Result<(), CallError> {
        self.sample(1).await.map(drop)
    }

    /// Calls with credentials. A token that is refused, whatever the status, is dropped and asked for once more.
    async fn call<T>(
        &self,
        request: Request,
        read: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, CallError> {
        let credentials = &self.settings.credentials;
        let (headers, token) = self.tokens.headers(&self.upstream, credentials).await?;
        let with = |headers| Request { headers, ..request.clone() };
        match self.upstream.call(with(headers), &read).await {
            Err(error) if token.is_some() && error.kind.is_unauthorized() => {
                self.tokens.drop_if_still(token).await;
                let (headers, _) = self.tokens.headers(&self.upstream, credentials).await?;
                self.upstream.call(with(headers), &read).await
            }
            other => other,
        }
    }
}
