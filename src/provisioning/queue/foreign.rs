//! Operations that this release does not understand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gateway_core::provisioning::Command;

use crate::store::{NotUnderstood, Operation};

/// How often they are counted and logged anew: another replica may have done them.
const REVIEW: Duration = Duration::from_secs(60);

/// Pending operations of another release: they stay pending, hold nobody up, and are counted and logged.
pub(super) struct Foreign {
    tenant: String,
    pub(super) keys: BTreeSet<String>,
    since: Instant,
}

impl Foreign {
    pub(super) fn new(tenant: String) -> Foreign {
        Foreign { tenant, keys: BTreeSet::new(), since: Instant::now() }
    }

    /// Forgets them from time to time: whoever is still pending is found again.
    pub(super) fn review(&mut self) {
        if self.since.elapsed() >= REVIEW {
            (self.keys, self.since) = (BTreeSet::new(), Instant::now());
        }
    }

    /// The command of an operation, or `None` if it is put aside.
    pub(super) fn sort(&mut self, operation: Operation) -> Option<(Operation, Command)> {
        let why: NotUnderstood = match &operation.command {
            Ok(command) => {
                let command = command.clone();
                return Some((operation, command));
            }
            Err(why) => why.clone(),
        };
        let Operation { key, code, .. } = &operation;
        tracing::error!(operation = key, code, %why, "an accepted request is not understood: it stays pending until a release that knows it carries it out");
        self.keys.insert(operation.key);
        None
    }

    pub(super) fn count(&self) {
        metrics::gauge!("gateway_operations_not_understood", "tenant" => self.tenant.clone())
            .set(self.keys.len() as f64);
    }
}
