//! The locks under which a command is carried out, asked for again before something is written.

use crate::store::{LockError, LockGuard, Locks};

/// The locks that are held; a process that was stopped for longer than they live does not have them any more.
pub(super) struct Alone<'a> {
    locks: &'a Locks,
    guards: &'a [LockGuard],
}

impl<'a> Alone<'a> {
    pub(super) fn new(locks: &'a Locks, guards: &'a [LockGuard]) -> Alone<'a> {
        Alone { locks, guards }
    }

    /// # Errors
    /// [`LockError`] if a lock went to somebody else, or the database does not say.
    pub(super) async fn check(&self) -> Result<(), LockError> {
        for guard in self.guards {
            if !self.locks.is_held(guard).await? {
                return Err(LockError::InUse("client or splitter"));
            }
        }
        Ok(())
    }
}
