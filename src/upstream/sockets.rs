//! What the hosts of one process share of its descriptors.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// A bound on the connections of a whole process, however many hosts it calls; clones are the same.
#[derive(Debug, Clone)]
pub struct Sockets {
    calls: Arc<Semaphore>,
    idle: usize,
    hosts: usize,
}

impl Default for Sockets {
    /// As many as the hosts' own settings allow.
    fn default() -> Sockets {
        Sockets { calls: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)), idle: usize::MAX, hosts: 1 }
    }
}

impl Sockets {
    /// At most `calls` under way at once, and at most `idle` connections that wait for the next one, of so many `hosts`
    /// together.
    pub fn new(calls: usize, idle: usize, hosts: usize) -> Sockets {
        let calls = calls.clamp(1, Semaphore::MAX_PERMITS);
        Sockets { calls: Arc::new(Semaphore::new(calls)), idle, hosts: hosts.max(1) }
    }

    /// The same bound, of so many `hosts` together.
    pub fn among(&self, hosts: usize) -> Sockets {
        Sockets { hosts: hosts.max(1), ..self.clone() }
    }

    /// Connections of one host that may wait for the next call; none, where there are more hosts than connections.
    pub(super) fn idle_of_a_host(&self, most: usize) -> usize {
        (self.idle / self.hosts).min(most)
    }

    /// Waits until another call may be under way.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, so that the only failure cannot happen; no permit would mean no bound.
        self.calls.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connections_are_shared_out_evenly_and_never_exceed_the_whole() {
        let share = |hosts| Sockets::new(288, 96, hosts).idle_of_a_host(8);
        assert_eq!([2, 24, 96, 97, 2_000].map(share), [8, 4, 1, 0, 0]);
        assert_eq!(Sockets::default().idle_of_a_host(8), 8);
    }

    #[tokio::test]
    async fn no_more_calls_are_under_way_than_the_process_may_make() {
        let sockets = Sockets::new(1, 0, 2);
        let other_host = sockets.among(3);
        let first = sockets.permit().await;
        let second = other_host.permit();
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_some());
    }
}
