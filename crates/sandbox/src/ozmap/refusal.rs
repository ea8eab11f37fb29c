//! Why OZmap would not do something.

use serde_json::{Value, json};

use crate::exchange::Answer;

/// A status from 400 on and, mostly, a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: Option<String>,
}

pub(crate) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: Some(message.into()) }
    }

    /// 400: the request itself is malformed.
    pub(crate) fn malformed(message: impl Into<String>) -> Refusal {
        Refusal::new(400, message)
    }

    /// 401: no key, or a wrong one.
    pub(crate) fn unauthorized() -> Refusal {
        Refusal::new(401, "unauthorized")
    }

    /// 404: no such record or route.
    pub(crate) fn not_found(what: &str) -> Refusal {
        Refusal::new(404, format!("{what} not found"))
    }

    /// 422: a business rule forbids it.
    pub(crate) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(422, message)
    }

    /// 422 without a body: a client without a fibre route.
    pub(crate) fn no_route() -> Refusal {
        Refusal { status: 422, message: None }
    }

    /// 501: OZmap may have it, the sandbox has not.
    pub(crate) fn not_in_sandbox(what: &str) -> Refusal {
        Refusal::new(501, format!("not in the sandbox: {what}"))
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        Answer { status: refusal.status, body: refusal.message.map(error_body), raw: None }
    }
}

/// The JSON of an error, as OZmap words it.
pub(crate) fn error_body(message: impl Into<String>) -> Value {
    json!({ "message": message.into() })
}
