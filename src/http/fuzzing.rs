//! Bodies as the operations read them, for [`crate::fuzzing`].

use axum::extract::{FromRequest, Request};
use futures::executor::block_on;
use gateway_core::provisioning::ConnectRequest;
use gateway_core::{ClientCode, ErrorCode};

use super::extract::{Body, OptionalBody};
use super::problem::Problem;
use super::requests::{ActivationRequest, NewClientRequest};
use super::sync_runs::SyncRunRequest;

/// What a body asks for, of each operation that accepts it.
pub(crate) fn requests(body: &[u8]) -> Vec<ConnectRequest> {
    let request = || Request::new(axum::body::Body::from(body.to_vec()));
    let run = block_on(OptionalBody::<SyncRunRequest>::from_request(request(), &()));
    let code = ClientCode::new("147").expect("a code");
    let activation = block_on(Body::<ActivationRequest>::from_request(request(), &()));
    let client = block_on(Body::<NewClientRequest>::from_request(request(), &()));
    let asked =
        [activation.and_then(|Body(body)| body.request(code)), client.and_then(|Body(body)| body.request())];
    run.err().iter().for_each(check_refusal);
    asked.into_iter().filter_map(|asked| asked.inspect_err(check_refusal).ok()).collect()
}

/// Whatever is wrong with a body is the caller's to put right, and the answer says what.
fn check_refusal(problem: &Problem) {
    assert_eq!(problem.code, ErrorCode::InvalidRequest);
    assert!(problem.status.is_client_error() && !problem.body("fuzzing").detail.is_empty());
}
