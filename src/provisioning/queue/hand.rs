//! What a worker has claimed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::store::{Claimant, Operation, Store, StoreError};

/// How long a claim lives without being renewed; the next process has it then.
const CLAIM: Duration = Duration::from_secs(10);
/// How often claims are renewed.
const RENEW: Duration = Duration::from_millis(2_500);

/// What a worker holds: the claims that are renewed.
pub(super) struct Hand {
    store: Store,
    pub(super) claimant: Claimant,
    keys: Mutex<BTreeSet<String>>,
}

impl Hand {
    pub(super) fn new(tenant: String, store: Store) -> Hand {
        let claimant = Claimant { tenant, holder: Uuid::now_v7().to_string(), lifetime: CLAIM };
        Hand { store, claimant, keys: Mutex::default() }
    }

    /// Claims operations whose time has come.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn claim(
        &self,
        except: &BTreeSet<String>,
        most: usize,
    ) -> Result<Vec<Operation>, StoreError> {
        let claimed = self.store.claim_operations(&self.claimant, except, most).await?;
        self.keys().extend(claimed.iter().map(|operation| operation.key.clone()));
        Ok(claimed)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on its claim is not renewed.
    pub(super) fn let_go(&self, key: &str) {
        self.keys().remove(key);
    }

    pub(super) async fn give_back(&self, keys: Vec<String>) {
        keys.iter().for_each(|key| self.let_go(key));
        if keys.is_empty() {
            return;
        }
        if let Err(error) = self.store.release_claims(&self.claimant, &keys).await {
            tracing::warn!(%error, "claims of accepted requests could not be given back; they expire by themselves");
        }
    }

    /// Renews the claims for as long as it is polled.
    pub(super) async fn keep_claims(&self) {
        loop {
            tokio::time::sleep(RENEW).await;
            let keys: Vec<String> = self.keys().iter().cloned().collect();
            if keys.is_empty() {
                continue;
            }
            if let Err(error) = self.store.renew_claims(&self.claimant, &keys).await {
                tracing::warn!(%error, "the claims of accepted requests cannot be renewed");
            }
        }
    }
}
