//! Why a call failed, by what the caller can do about it.

use std::error::Error as _;
use std::time::Duration;

use gateway_core::System;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;

/// A failed call: which system, which operation, why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{system}, {operation}: {kind}")]
pub struct CallError {
    /// The system that was called.
    pub system: System,
    /// What was asked.
    pub operation: &'static str,
    /// Why it failed.
    pub kind: Kind,
}

/// What the caller can do about a failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Kind {
    /// Look at the credentials.
    #[error("the credentials were not accepted (status {status}); check key, e-mail and token{}", said(.excerpt))]
    Unauthorized {
        /// 401 or 403.
        status: StatusCode,
        /// What the other side said.
        excerpt: String,
    },
    /// Wait.
    #[error("too many requests (status 429){}", said(.excerpt))]
    RateLimited {
        /// How long the other side asks to wait.
        retry_after: Option<Duration>,
        /// What the other side said.
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
        /// What the other side said.
        excerpt: String,
    },
    /// Look at address, network and firewall.
    #[error("the host did not answer: {cause}")]
    Unreachable {
        /// The innermost cause.
        cause: String,
    },
    /// Look at the version of the other side.
    #[error("the answer is not understood: {what}")]
    Malformed {
        /// Which field, and what is wrong with it.
        what: String,
    },
    /// Wait: the circuit breaker is open.
    #[error("not called, because the host failed several times in a row and is left alone for a while")]
    CircuitOpen,
    /// Wait: this hour's quota of calls is used up.
    #[error("not called, because this hour's budget of calls is spent")]
    QuotaExhausted,
}

fn said(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!("; it said: {excerpt}") }
}

impl Kind {
    pub(super) fn of_status(status: StatusCode, retry_after: Option<Duration>, excerpt: String) -> Kind {
        match status.as_u16() {
            401 | 403 => Kind::Unauthorized { status, excerpt },
            429 => Kind::RateLimited { retry_after, excerpt },
            // 501 will not change by asking again.
            501 => Kind::Rejected { status, excerpt },
            408 | 425 | 500.. => Kind::Failing { status, retry_after, excerpt },
            _ => Kind::Rejected { status, excerpt },
        }
    }

    pub(super) fn unreachable(error: &reqwest::Error) -> Kind {
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
        )
    }

    /// Whether asking again later may help: the host is away, busy, or talks nonsense.
    pub(crate) fn is_transient(&self) -> bool {
        self.is_retryable() || matches!(self, Kind::CircuitOpen | Kind::QuotaExhausted)
    }

    /// Whether the credentials are at fault, and not the request.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Kind::Unauthorized { .. })
    }

    /// Whether the host is there and says no, or something that nobody understands; else it is away or busy.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Kind::Unauthorized { .. } | Kind::Rejected { .. } | Kind::Malformed { .. })
    }

    /// Whether the request may have been carried out although no answer says so.
    pub(crate) fn outcome_unknown(&self) -> bool {
        matches!(self, Kind::Failing { .. } | Kind::Unreachable { .. } | Kind::Malformed { .. })
    }

    /// Whether the host as a whole seems to be away; a 500 is about one request.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Kind::Unreachable { .. } => true,
            Kind::Failing { status, .. } => matches!(status.as_u16(), 502..=504),
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

/// Reads `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
pub(super) fn pause_asked(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(jiff::Timestamp::now().until(until).ok()?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(pause_asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(pause_asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(pause_asked("soon"), None);
        assert!(pause_asked("Sat, 06 Nov 2094 08:49:37 GMT").is_some_and(|p| p > LONG));
    }

    const LONG: Duration = Duration::from_secs(86_400);

    #[test]
    fn an_error_names_system_operation_and_what_was_said() {
        let kind = Kind::of_status(StatusCode::UNPROCESSABLE_ENTITY, None, "port taken".into());
        let error = CallError { system: System::Ozmap, operation: "update property", kind };
        assert_eq!(
            error.to_string(),
            "OZmap, update property: refused with status 422 Unprocessable Entity; it said: port taken"
        );
    }

    #[test]
    fn a_method_that_the_host_does_not_have_is_refused_for_good() {
        assert!(Kind::of_status(StatusCode::NOT_IMPLEMENTED, None, String::new()).rejected_with().is_some());
        assert!(Kind::of_status(StatusCode::BAD_GATEWAY, None, String::new()).is_retryable());
    }
}
