//! Bodies as the operations read them, for [`crate::fuzzing`].

use axum::extract::{FromRequest, Request};
use futures::executor::block_on;

use super::extract::{Body, OptionalBody};
use super::problem::{Code, Problem};
use super::sync_runs::SyncRunRequest;
use super::wish::{ActivationRequest, NewClientRequest};
use crate::domain::ClientCode;
use crate::domain::activation::Wish;

/// What a body asks for, of each operation that accepts it.
pub(crate) fn wishes(body: &[u8]) -> Vec<Wish> {
    let request = || Request::new(axum::body::Body::from(body.to_vec()));
    let run = block_on(OptionalBody::<SyncRunRequest>::from_request(request(), &()));
    let code = ClientCode::new("147").expect("a code");
    let activation = block_on(Body::<ActivationRequest>::from_request(request(), &()));
    let client = block_on(Body::<NewClientRequest>::from_request(request(), &()));
    let asked =
        [activation.and_then(|Body(asked)| asked.wish(code)), client.and_then(|Body(asked)| asked.wish())];
    run.err().iter().for_each(check_refusal);
    asked.into_iter().filter_map(|asked| asked.inspect_err(check_refusal).ok()).collect()
}

/// Whatever is wrong with a body is the caller's to put right, and he is told what.
fn check_refusal(problem: &Problem) {
    assert_eq!(problem.code, Code::InvalidRequest);
    assert!(problem.status.is_client_error() && !problem.detail.is_empty());
}
