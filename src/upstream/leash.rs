//! What a caller must hold to change anything on the other side, asked right before each such request is sent.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

/// Whether one of the things that must be held is held still.
type StillHeld = dyn Fn() -> BoxFuture<'static, bool> + Send + Sync;

/// What must be held; nothing at first. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Leash(Arc<Mutex<Vec<Arc<StillHeld>>>>);

impl Leash {
    /// From now on this must be held too.
    pub(crate) fn fasten(&self, proof: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static) {
        self.proofs().push(Arc::new(proof));
    }

    /// Whether everything is held, as of now.
    pub(super) async fn holds(&self) -> bool {
        // Those that were asked first are asked again by nobody: each answers for a moment.
        let proofs = self.proofs().clone();
        for proof in proofs {
            if !proof().await {
                return false;
            }
        }
        true
    }

    fn proofs(&self) -> std::sync::MutexGuard<'_, Vec<Arc<StillHeld>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
