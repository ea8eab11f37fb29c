//! One post of one notice, and what its answer means. Nothing that the receiver says is read beyond the head of its answer.

use std::error::Error as _;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::addresses::Address;
use crate::upstream::is_loopback;

/// For one post, from the connection to the answer's head.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A connection that is not used is closed soon: many destinations must not fill the process's descriptors.
const IDLE: Duration = Duration::from_secs(5);

/// No HTTP client for notices can be built on this machine.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for notices can be built: {0:?}")]
pub struct NoCourier(#[from] reqwest::Error);

/// What came of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Posted {
    /// 2xx.
    Accepted,
    /// 410: the receiver wants no more.
    Gone,
    /// 400, 409, 413, 415, 422: it dislikes this one.
    Disliked {
        /// The status.
        why: String,
    },
    /// No answer, or any other: the destination is at fault.
    Failed {
        /// The status or the cause, without the URL.
        why: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Posts notices; clones are the same.
#[derive(Clone)]
pub(super) struct Poster {
    http: reqwest::Client,
    /// For receivers on this machine: a proxy knows another machine under that name.
    direct: reqwest::Client,
}

impl Poster {
    /// # Errors
    /// [`NoCourier`].
    pub(super) fn new() -> Result<Poster, NoCourier> {
        Ok(Poster { http: client().build()?, direct: client().no_proxy().build()? })
    }

    /// Posts a notice once. The time of the signature is that of this try: receivers refuse old ones.
    pub(super) async fn post(&self, address: &Address, id: &str, body: &str) -> Posted {
        let (Address { url, signing }, at) = (address, Timestamp::now().as_second());
        let client = if is_loopback(url) { &self.direct } else { &self.http };
        let mut request = client
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, at);
        if let Some(signature) = signing.signature(id, at, body) {
            request = request.header(HEADER_WEBHOOK_SIGNATURE, signature);
        }
        match request.body(body.to_owned()).send().await {
            Ok(answer) => judged(answer.status(), answer.headers()),
            Err(error) => Posted::Failed { why: cause(&error), retry_after: None },
        }
    }
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("int6-ozmap-gateway/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(IDLE)
        // Whoever is admitted may not send us on to somebody who is not.
        .redirect(reqwest::redirect::Policy::none())
}

fn judged(status: StatusCode, headers: &HeaderMap) -> Posted {
    let why = format!("it answered {status}");
    match status.as_u16() {
        200..=299 => Posted::Accepted,
        410 => Posted::Gone,
        400 | 409 | 413 | 415 | 422 => Posted::Disliked { why },
        _ => {
            let seconds =
                headers.get(header::RETRY_AFTER).and_then(|text| text.to_str().ok()?.trim().parse().ok());
            Posted::Failed { why, retry_after: seconds.map(Duration::from_secs) }
        }
    }
}

/// The innermost cause: reqwest's own text names the URL, which may carry a token.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error.source() {
        Some(_) => format!("it did not answer: {cause}"),
        None => "the connection broke".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means_goes_by_its_status() {
        let of = |status: u16| judged(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new());
        for status in [200, 202, 204] {
            assert_eq!(of(status), Posted::Accepted);
        }
        assert_eq!(of(410), Posted::Gone);
        for status in [400, 409, 413, 415, 422] {
            assert!(matches!(of(status), Posted::Disliked { .. }), "{status}");
        }
        for status in [301, 302, 308, 401, 403, 404, 405, 408, 429, 500, 503] {
            assert!(matches!(of(status), Posted::Failed { retry_after: None, .. }), "{status}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "120".parse().expect("a header"));
        let Posted::Failed { why, retry_after } = judged(StatusCode::TOO_MANY_REQUESTS, &headers) else {
            panic!("it failed");
        };
        assert_eq!(
            (why.as_str(), retry_after),
            ("it answered 429 Too Many Requests", Some(Duration::from_secs(120)))
        );
    }
}
