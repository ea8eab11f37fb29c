//! Telling that one of a tenant's two systems is away, refuses its key, or is back.

use std::time::Duration;

use gateway_core::System;
use gateway_core::notice::UpstreamStanding;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};
use crate::upstream::{Contact, ContactState, ContactWatch};

/// A change counts if it has lasted so long: a token that has just expired is refused once and then renewed.
const SETTLES: Duration = Duration::from_secs(2);
/// How often a system that answers here is held against what another process, perhaps dead by now, has told of it.
const REVIEW: Duration = Duration::from_secs(60);

/// Tells of a system's state as this tenant's calls find it, until `stop`.
pub async fn tell_of_contact(
    store: Store,
    tenant: String,
    system: System,
    mut contact: ContactWatch,
    stop: CancellationToken,
) {
    let mut is_noted = true;
    loop {
        // By chance, so that not all tenants ask the store at one moment.
        let waited = if is_noted { REVIEW.mul_f64(rand::random_range(0.75..1.25)) } else { SETTLES };
        let is_review = tokio::select! {
            () = stop.cancelled() => return,
            () = contact.changed() => false,
            () = tokio::time::sleep(waited) => is_noted,
        };
        let noted = if is_review {
            review(&store, &tenant, system, &contact).await
        } else {
            if stop.run_until_cancelled(tokio::time::sleep(SETTLES)).await.is_none() {
                return;
            }
            note(&store, &tenant, system, contact.now()).await
        };
        is_noted = noted.is_ok();
        if let Err(error) = noted {
            tracing::warn!(%error, "how a system stands could not be noted");
        }
    }
}

async fn note(store: &Store, tenant: &str, system: System, contact: Contact) -> Result<(), StoreError> {
    let standing = match contact.state {
        ContactState::Answering => UpstreamStanding::Answers,
        ContactState::KeyRefused => UpstreamStanding::RefusesKey,
        ContactState::Away => UpstreamStanding::Unreachable,
        // Too little to say anything.
        ContactState::Unknown | ContactState::Failing | ContactState::LeftAlone => return Ok(()),
    };
    store.note_upstream(tenant, system, standing, &contact.why).await
}

/// A process that told that the system is away may have died: who reaches it says so.
async fn review(store: &Store, tenant: &str, system: System, watch: &ContactWatch) -> Result<(), StoreError> {
    let contact = watch.now();
    let age = contact.last_answer_at.map(|at| at.duration_until(Timestamp::now()).unsigned_abs());
    if contact.state != ContactState::Answering || age.is_none_or(|age| age > REVIEW) {
        return Ok(());
    }
    match store.upstream_standing(tenant, system).await? {
        Some(UpstreamStanding::Unreachable) => note(store, tenant, system, contact).await,
        _ => Ok(()),
    }
}
