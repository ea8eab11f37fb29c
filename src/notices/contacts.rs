//! Telling that one of a tenant's two systems is away, refuses its key, or is back.

use std::time::Duration;

use gateway_core::System;
use gateway_core::notice::UpstreamStanding;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};
use crate::upstream::{Contact, Contacts};

/// A change counts if it has lasted so long: a token that has just expired is refused once and then renewed.
const SETTLES: Duration = Duration::from_secs(2);
/// How often a system that answers here is held against what another process, perhaps dead by now, has told of it.
const REVIEW: Duration = Duration::from_secs(60);

/// Tells of a system's state as this tenant's calls find it, until `stop`.
pub async fn tell_of_contacts(
    store: Store,
    tenant: String,
    system: System,
    mut contacts: Contacts,
    stop: CancellationToken,
) {
    let mut is_noted = true;
    loop {
        let waited = if is_noted { REVIEW } else { SETTLES };
        let is_review = tokio::select! {
            () = stop.cancelled() => return,
            () = contacts.changed() => false,
            () = tokio::time::sleep(waited) => is_noted,
        };
        let noted = if is_review {
            review(&store, &tenant, system, &contacts).await
        } else {
            if stop.run_until_cancelled(tokio::time::sleep(SETTLES)).await.is_none() {
                return;
            }
            note(&store, &tenant, system, contacts.now()).await
        };
        is_noted = noted.is_ok();
        if let Err(error) = noted {
            tracing::warn!(%error, "how a system stands could not be noted");
        }
    }
}

async fn note(store: &Store, tenant: &str, system: System, contact: Contact) -> Result<(), StoreError> {
    let (standing, why) = match contact {
        Contact::Unknown => return Ok(()),
        Contact::Answers => (UpstreamStanding::Answers, String::new()),
        Contact::RefusesKey { why } => (UpstreamStanding::RefusesKey, why),
        Contact::Away { why } => (UpstreamStanding::Unreachable, why),
    };
    store.note_upstream(tenant, system, standing, &why).await
}

/// A process that told that the system is away may have died: who reaches it says so.
async fn review(store: &Store, tenant: &str, system: System, contacts: &Contacts) -> Result<(), StoreError> {
    if contacts.now() != Contact::Answers || !contacts.has_answered_within(REVIEW) {
        return Ok(());
    }
    match store.upstream_standing(tenant, system).await? {
        Some(UpstreamStanding::Unreachable) => note(store, tenant, system, Contact::Answers).await,
        _ => Ok(()),
    }
}
