//! Why a call failed, by what the caller can do about it.

use std::error::Error as _;
use std::time::Duration;

use gateway_core::System;
use reqwest::StatusCode;

use super::untrusted;

/// A failed call: which system, which operation, why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{system}, {operation}: {kind}")]
pub struct CallError {
    /// The system that was called.
    pub system: System,
    /// What was asked.
    pub operation: &'static str,
    /// Whether something was to be changed there.
    pub is_write: bool,
    /// Why it failed.
    pub kind: Kind,
}

/// In what a refusal is said; it tells the host from what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidIn {
    /// A JSON object, as the hosts' own errors are.
    Json,
    /// An HTML page: a proxy's, a sign-in or maintenance page, a firewall's.
    Page,
    /// Nothing, a text, or a redirect.
    Other,
}

/// Statuses with which a host refuses a request of its own accord. Source: `docs/contracts/ozmap-api.md`, "Errors of OZmap".
const REFUSALS: [u16; 4] = [400, 404, 409, 422];

/// What the caller can do about a failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Kind {
    /// Look at the credentials.
    #[error("the credentials were not accepted (status {status}); check key, e-mail and token{}", said(.excerpt))]
    Unauthorized {
        /// 401 or 403; of a sign-in page its own, or that of the redirect to it.
        status: StatusCode,
        /// What the other side said, or which sign-in page came.
        excerpt: String,
    },
    /// Wait.
    #[error("too many requests{}", said(.excerpt))]
    RateLimited {
        /// How long the other side asks to wait.
        retry_after: Option<Duration>,
        /// What the other side said, or that it was not called because of the pause that it had asked for.
        excerpt: String,
    },
    /// The other side is there, but cannot answer now.
    #[error("the host failed with status {status}{}", said(.excerpt))]
    Failing {
        /// 408, 425 or 5xx.
        status: StatusCode,
        /// How long the other side asks to wait.
        retry_after: Option<Duration>,
        /// What the other side said.
        excerpt: String,
    },
    /// Change the request.
    #[error("refused with status {status}{}", said(.excerpt))]
    Rejected {
        /// 3xx or 4xx.
        status: StatusCode,
        /// What the other side said, or where it redirects to.
        excerpt: String,
        /// How it said it.
        said_in: SaidIn,
    },
    /// Look at address, network and firewall.
    #[error("the host did not answer: {cause}")]
    Unreachable {
        /// The innermost cause.
        cause: String,
    },
    /// Look at the host's certificate, and at the setting that the text names.
    #[error("the host's certificate {cause}")]
    Untrusted {
        /// What is wrong with it, and what helps.
        cause: String,
    },
    /// Look at the version of the other side.
    #[error("the answer is not understood: {what}")]
    Malformed {
        /// Which field, and what is wrong with it.
        what: String,
    },
    /// Look at the URL, and at what stands on the way: a page came instead of JSON.
    #[error("the answer is not understood: {what}")]
    Page {
        /// Its title, and what may be wrong.
        what: String,
    },
    /// Wait: the circuit breaker is open.
    #[error("not called, because the host failed several times in a row and is left alone for a while")]
    CircuitOpen,
    /// Wait: this hour's quota of calls is used up.
    #[error("not called, because this hour's budget of calls is spent")]
    QuotaExhausted,
    /// Wait: the time was over before it was this call's turn.
    #[error("not called, because other calls under way took all of the time that there was")]
    Busy,
    /// Let the other go on: what is to be written is another replica's work by now.
    #[error("not called, because the lease was lost: another replica has taken over")]
    LeaseLost,
    /// Ask again: the gateway was stopped meanwhile.
    #[error("{}", stopped(*.was_sent))]
    Stopped {
        /// Whether the request may have been carried out.
        was_sent: bool,
    },
}

fn stopped(was_sent: bool) -> &'static str {
    if was_sent {
        "given up, because the gateway stops: what the host made of it is not known"
    } else {
        "not called, because the gateway stops"
    }
}

fn said(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!("; {excerpt}") }
}

impl Kind {
    /// `excerpt` is a clause: `it said: no such client`, or nothing.
    pub(super) fn of_status(
        status: StatusCode,
        retry_after: Option<Duration>,
        excerpt: String,
        said_in: SaidIn,
    ) -> Kind {
        match status.as_u16() {
            401 | 403 => Kind::Unauthorized { status, excerpt },
            429 => Kind::RateLimited { retry_after, excerpt: format!("status 429{}", said(&excerpt)) },
            // 501 will not change by asking again.
            501 => Kind::Rejected { status, excerpt, said_in },
            408 | 425 | 500.. => Kind::Failing { status, retry_after, excerpt },
            _ => Kind::Rejected { status, excerpt, said_in },
        }
    }

    /// Not called for as long as this, because the host asked for a pause.
    pub(super) fn paused(left: Duration) -> Kind {
        let excerpt = format!(
            "not called: the host asked for a pause, of which {} s are left",
            left.as_secs_f64().ceil()
        );
        Kind::RateLimited { retry_after: Some(left), excerpt }
    }

    /// Why a connection could not be made, or broke.
    pub(super) fn of_transport(error: &reqwest::Error, system: System) -> Kind {
        match untrusted::tls_error(error) {
            Some(rustls::Error::InvalidCertificate(error)) => {
                Kind::Untrusted { cause: untrusted::in_words(error, system) }
            }
            Some(error) => {
                Kind::Unreachable { cause: format!("TLS failed: {error}; does that port speak TLS?") }
            }
            None => Kind::unreachable(error),
        }
    }

    fn unreachable(error: &reqwest::Error) -> Kind {
        if error.is_timeout() {
            return Kind::Unreachable { cause: "time-out".to_owned() };
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        // reqwest's outermost text names the URL, whose query may carry filters with clients' codes.
        let cause =
            if error.source().is_some() { cause.to_string() } else { "the connection broke".to_owned() };
        Kind::Unreachable { cause }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_retryable(&self) -> bool {
        matches!(
            self,
            Kind::RateLimited { .. }
                | Kind::Failing { .. }
                | Kind::Unreachable { .. }
                | Kind::Malformed { .. }
                | Kind::Page { .. }
        )
    }

    /// Whether asking again later may help: the host is away, busy, or talks nonsense.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_retryable()
            || self.was_not_called()
            || matches!(self, Kind::Untrusted { .. } | Kind::Stopped { .. })
    }

    /// Whether nothing was sent, so that the error says nothing of the host.
    pub(super) fn was_not_called(&self) -> bool {
        matches!(self, Kind::CircuitOpen | Kind::QuotaExhausted | Kind::Busy | Kind::LeaseLost)
    }

    /// Whether the host itself refuses the request, and would again: JSON with a status that it documents. Anything else may be
    /// said by what stands before it, and be over in a moment.
    pub(crate) fn is_own_refusal(&self) -> bool {
        match self {
            Kind::Rejected { status, said_in: SaidIn::Json, .. } => REFUSALS.contains(&status.as_u16()),
            _ => false,
        }
    }

    /// Whether it is a page that refuses, which no host does that speaks JSON.
    pub(crate) fn is_refused_by_a_page(&self) -> bool {
        matches!(self, Kind::Rejected { said_in: SaidIn::Page, .. })
    }

    /// Whether everybody who calls the host now meets the same, as far as one call can tell.
    pub(crate) fn concerns_all(&self) -> bool {
        match self {
            Kind::Rejected { .. } => !self.is_own_refusal(),
            Kind::Unauthorized { .. } | Kind::RateLimited { .. } | Kind::Page { .. } => true,
            Kind::CircuitOpen | Kind::QuotaExhausted => true,
            kind => kind.is_outage(),
        }
    }

    /// Whether the credentials are at fault, and not the request.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Kind::Unauthorized { .. })
    }

    /// Whether the host is there and says no, or something that nobody understands; else it is away or busy.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(
            self,
            Kind::Unauthorized { .. } | Kind::Rejected { .. } | Kind::Malformed { .. } | Kind::Page { .. }
        )
    }

    /// Whether the request may have been carried out although no answer says so.
    pub(crate) fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            Kind::Failing { .. }
                | Kind::Unreachable { .. }
                | Kind::Malformed { .. }
                | Kind::Page { .. }
                | Kind::Stopped { was_sent: true }
        )
    }

    /// Whether the host as a whole seems to be away; a 500 is about one request.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Kind::Unreachable { .. } | Kind::Untrusted { .. } => true,
            Kind::Failing { status, .. } => matches!(status.as_u16(), 502..=504),
            _ => false,
        }
    }

    /// Whether nobody should call the host for a while.
    pub(super) fn asks_for_a_pause(&self) -> bool {
        match self {
            Kind::RateLimited { .. } => true,
            Kind::Failing { status, retry_after, .. } => {
                *status == StatusCode::SERVICE_UNAVAILABLE
                    && retry_after.is_some_and(|pause| !pause.is_zero())
            }
            _ => false,
        }
    }

    /// How long the other side asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Kind::RateLimited { retry_after, .. } | Kind::Failing { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The status with which the host refused the request, if it did.
    pub(crate) fn rejected_with(&self) -> Option<StatusCode> {
        match self {
            Kind::Rejected { status, .. } => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_system_operation_and_what_was_said() {
        let said = "it said: port taken".into();
        let kind = Kind::of_status(StatusCode::UNPROCESSABLE_ENTITY, None, said, SaidIn::Json);
        let error = CallError { system: System::Ozmap, operation: "update property", is_write: true, kind };
        assert_eq!(
            error.to_string(),
            "OZmap, update property: refused with status 422 Unprocessable Entity; it said: port taken"
        );
    }

    #[test]
    fn a_method_that_the_host_does_not_have_is_refused_for_good() {
        let kind = |status| Kind::of_status(status, None, String::new(), SaidIn::Other);
        assert!(kind(StatusCode::NOT_IMPLEMENTED).rejected_with().is_some());
        assert!(kind(StatusCode::BAD_GATEWAY).is_retryable());
    }

    #[test]
    fn only_json_with_a_documented_status_is_the_hosts_own_refusal() {
        for status in [302, 307, 400, 401, 402, 404, 405, 409, 410, 418, 422, 429, 500, 501, 503, 520] {
            let kind = |said_in| {
                let status = StatusCode::from_u16(status).expect("a status");
                Kind::of_status(status, None, String::new(), said_in)
            };
            assert_eq!(
                kind(SaidIn::Json).is_own_refusal(),
                [400, 404, 409, 422].contains(&status),
                "{status}"
            );
            assert!(
                !kind(SaidIn::Page).is_own_refusal() && !kind(SaidIn::Other).is_own_refusal(),
                "{status}"
            );
        }
    }
}
