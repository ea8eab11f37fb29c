//! How long a caller waits.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gateway_core::{ErrorCode, System};
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::provisioning::Failure;
use crate::store::{Turn, TurnState};

/// Waits for an answer as long as the caller does, by default 20 s.
pub(super) async fn within<T>(
    limit: Duration,
    system: System,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, answer).await.unwrap_or(Err(Failure::Late(system)))
}

/// The same for what has to stand in line first: what is told of it is true, whether its turn has come or not. What has not
/// begun by then never does.
///
/// Source: `docs/contracts/gateway-api.md`, "Waiting in line".
pub(super) async fn in_turn<T, E: From<Failure>>(
    limit: Duration,
    system: System,
    turn: &Turn,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(late(limit, system, turn).into()),
    }
}

fn late(limit: Duration, system: System, turn: &Turn) -> Failure {
    match turn.give_up() {
        TurnState::NotInLine => Failure::NotBegun(system),
        TurnState::InLine { kind, before } => Failure::Busy { kind, before },
        // Most of the time went by in line: the other side is not to blame.
        TurnState::Begun { waited } if waited > limit / 2 => Failure::BegunLate { waited },
        TurnState::Begun { .. } => Failure::Late(system),
    }
}

/// Answers a request that has none when the gateway's time is over: what was begun may have been cut off.
pub(super) async fn answered_before_the_end(
    State(last_words): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response {
    tokio::select! {
        answer = next.run(request) => answer,
        () = last_words.cancelled() => {
            let detail = "The gateway stops, and this was not done in time: ask what became of it once the gateway is back, or send \
                          the same request again.";
            Problem::new(ErrorCode::Unavailable, detail).into_response()
        }
    }
}
