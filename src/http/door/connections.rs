//! Who is connected, and who has to make room for another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::room::{Room, Standing, StandingOf};
use super::told::Told;

/// All that are connected.
pub(super) struct Connections {
    room: Room,
    standing: StandingOf,
    told: Arc<Told>,
    begun: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last_id: u64,
    all: HashMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
    strangers: usize,
}

struct Entry {
    address: IpAddr,
    standing: Standing,
    work: Arc<Work>,
}

/// What a connection is doing.
struct Work {
    /// Requests, up to the last byte of the answer.
    under_way: AtomicUsize,
    /// When the last of them ended, or it was let in, in milliseconds since the door opened.
    since: AtomicU64,
    close: CancellationToken,
}

/// Of whom there are too many.
#[derive(Debug, Clone, Copy)]
enum Crowd {
    OfAddress(IpAddr),
    OfStrangers,
    Of(usize),
}

impl Crowd {
    fn has(self, entry: &Entry) -> bool {
        match self {
            Crowd::OfAddress(address) => entry.address == address,
            Crowd::OfStrangers => entry.standing == Standing::Stranger,
            Crowd::Of(_) => true,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Crowd::OfAddress(_) => "address",
            Crowd::OfStrangers => "strangers",
            Crowd::Of(_) => "all",
        }
    }

    fn in_words(self) -> String {
        match self {
            Crowd::OfAddress(address) => format!("{address} has as many connections as one address may have"),
            Crowd::OfStrangers => {
                "addresses that no tenant admits have as many connections as they may have".to_owned()
            }
            Crowd::Of(all) => format!("{all} connections are open"),
        }
    }
}

impl Connections {
    pub(super) fn new(room: Room, standing: StandingOf, told: Arc<Told>) -> Connections {
        Connections { room, standing, told, begun: Instant::now(), table: Mutex::default() }
    }

    /// A place for a connection from this address; `None` if there is none, and nobody who could leave one.
    pub(super) fn admitted(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPlace> {
        let standing = (self.standing)(address);
        let mut table = self.table();
        while let Some(crowd) = self.crowd(&table, address, standing) {
            let Some(id) = longest_idle(&table, crowd) else {
                self.told.refused(crowd.reason(), crowd.in_words());
                return None;
            };
            self.told.made_room(crowd.in_words());
            if let Some(entry) = table.leave(id) {
                entry.work.close.cancel();
            }
        }
        let work = Arc::new(Work {
            under_way: AtomicUsize::new(0),
            since: AtomicU64::new(self.now()),
            close: CancellationToken::new(),
        });
        table.last_id += 1;
        let id = table.last_id;
        table.enter(id, Entry { address, standing, work: Arc::clone(&work) });
        Some(ConnectionPlace { id, work, connections: Arc::clone(self) })
    }

    fn crowd(&self, table: &Table, address: IpAddr, standing: Standing) -> Option<Crowd> {
        let has_cap = matches!(standing, Standing::Admitted | Standing::Stranger);
        if has_cap && table.by_address.get(&address).is_some_and(|many| *many >= self.room.of_address()) {
            return Some(Crowd::OfAddress(address));
        }
        if standing == Standing::Stranger && table.strangers >= self.room.of_strangers() {
            return Some(Crowd::OfStrangers);
        }
        let kept = if standing == Standing::Local { 0 } else { self.room.kept() };
        (table.all.len() + kept >= self.room.most).then_some(Crowd::Of(table.all.len()))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table().all.len()
    }
}

/// The one that could leave: no request under way, strangers first, then whoever was idle for longest.
fn longest_idle(table: &Table, crowd: Crowd) -> Option<u64> {
    let idle = table.all.iter().filter(|(_, entry)| crowd.has(entry) && entry.work.is_idle());
    let order = |(id, entry): &(&u64, &Entry)| {
        (entry.standing != Standing::Stranger, entry.work.since.load(Ordering::Relaxed), **id)
    };
    idle.min_by_key(order).map(|(id, _)| *id)
}

impl Table {
    fn enter(&mut self, id: u64, entry: Entry) {
        *self.by_address.entry(entry.address).or_default() += 1;
        self.strangers += usize::from(entry.standing == Standing::Stranger);
        self.all.insert(id, entry);
        self.count();
    }

    fn leave(&mut self, id: u64) -> Option<Entry> {
        let entry = self.all.remove(&id)?;
        self.strangers -= usize::from(entry.standing == Standing::Stranger);
        if let Some(many) = self.by_address.get_mut(&entry.address) {
            *many -= 1;
            if *many == 0 {
                self.by_address.remove(&entry.address);
            }
        }
        self.count();
        Some(entry)
    }

    fn count(&self) {
        metrics::gauge!("gateway_http_connections").set(self.all.len() as f64);
    }
}

impl Work {
    fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }
}

/// A connection's place; dropped, it is free again.
pub(super) struct ConnectionPlace {
    id: u64,
    work: Arc<Work>,
    connections: Arc<Connections>,
}

impl ConnectionPlace {
    /// Cancelled when it has to make room.
    pub(super) fn close(&self) -> CancellationToken {
        self.work.close.clone()
    }

    /// Since when no request is under way; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let since = Duration::from_millis(self.work.since.load(Ordering::Relaxed));
        self.work.is_idle().then(|| self.connections.begun + since)
    }

    /// A request begins; it is under way until what this returns is dropped.
    pub(super) fn at_work(self: &Arc<Self>) -> AtWork {
        self.work.under_way.fetch_add(1, Ordering::Relaxed);
        AtWork(Arc::clone(self))
    }

    /// It is closed because it said, or took, nothing for too long.
    pub(super) fn note_time_out(&self, reason: &'static str) {
        self.connections.told.timed_out(reason);
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.connections.table().leave(self.id);
    }
}

/// A request under way.
pub(super) struct AtWork(Arc<ConnectionPlace>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let ConnectionPlace { work, connections, .. } = &*self.0;
        work.since.store(connections.now(), Ordering::Relaxed);
        work.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
