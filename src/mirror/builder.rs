//! A network from its records, which come in no order.

use gateway_core::{Coordinate, Implantation, RecordId, Site, SiteKind, Splitter};
use jiff::Timestamp;
use rstar::RTree;

use super::snapshot::{MirrorStats, Network, PackedSite, PackedSplitter, Text, words_for};
use super::sphere;
use crate::ozmap::{LoadStats, NetworkRecord};

/// Collects records compactly, so that a million of them fit.
#[derive(Default)]
pub struct Builder {
    texts: String,
    sites: Vec<PendingSite>,
    splitters: Vec<(RecordId, PackedSplitter)>,
    free: Vec<u64>,
    without_site: u64,
}

struct PendingSite {
    id: RecordId,
    name: Text,
    address: Text,
    coordinate: Option<Coordinate>,
    kind: SiteKind,
    implantation: Implantation,
    is_draft: bool,
}

impl Builder {
    /// Takes a record.
    pub fn add(&mut self, record: NetworkRecord) {
        match record {
            NetworkRecord::Site(site) => self.add_site(site),
            NetworkRecord::Splitter(splitter) => self.add_splitter(splitter),
        }
    }

    fn add_site(&mut self, site: Site) {
        let Site { id, kind, name, address, coordinate, implantation, is_draft, project: _ } = site;
        let name = self.keep(&name);
        let address = address.map(|address| self.keep(&address)).unwrap_or_default();
        self.sites.push(PendingSite { id, name, address, coordinate, kind, implantation, is_draft });
    }

    fn add_splitter(&mut self, splitter: Splitter) {
        let Some(site) = splitter.site.clone() else {
            self.without_site += 1;
            return;
        };
        // Four billion words would be more memory than there is; a port number is checked where a row is read.
        let (Ok(free_at), Ok(ports)) = (u32::try_from(self.free.len()), u16::try_from(splitter.ports.len()))
        else {
            return;
        };
        self.free.resize(self.free.len() + words_for(ports), 0);
        for port in splitter.free_ports() {
            self.free[free_at as usize + port.index() / 64] |= 1 << (port.index() % 64);
        }
        let name = self.keep(&splitter.name);
        let row = PackedSplitter { id: splitter.id, name, free_at, ports, ratio: splitter.ratio };
        self.splitters.push((site, row));
    }

    /// Beyond 4 GB of texts, names stay empty.
    fn keep(&mut self, text: &str) -> Text {
        let place = u32::try_from(self.texts.len()).ok().zip(u32::try_from(text.len()).ok());
        let place = place.filter(|(start, len)| !text.is_empty() && start.checked_add(*len).is_some());
        place.map_or_else(Text::default, |(start, len)| {
            self.texts.push_str(text);
            Text { start, len }
        })
    }

    /// Joins splitters with their sites and indexes those that are offered.
    pub fn build(self, as_of: Timestamp, load: LoadStats) -> Network {
        let Builder { texts, sites: mut pending_sites, mut splitters, free, without_site } = self;
        pending_sites.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        pending_sites.dedup_by(|a, b| a.id == b.id);
        splitters.sort_unstable_by(|(site, a), (other, b)| site.cmp(other).then_with(|| a.id.cmp(&b.id)));
        splitters.dedup_by(|(_, a), (_, b)| a.id == b.id);
        let LoadStats { unreadable, not_drop } = load;
        let mut stats = MirrorStats { unreadable, not_drop, without_site, ..MirrorStats::default() };
        let (mut sites, mut rows) = (Vec::<PackedSite>::new(), Vec::with_capacity(splitters.len()));
        let mut pending_sites = pending_sites.into_iter().peekable();
        for (site, splitter) in splitters {
            if sites.last().is_none_or(|last| last.id != site) {
                while pending_sites.next_if(|pending| pending.id < site).is_some() {}
                match pending_sites.peek() {
                    Some(pending) if pending.id == site => match offered(pending, rows.len()) {
                        Placement::Yes(row) => sites.push(row),
                        Placement::Draft => {
                            stats.in_draft += 1;
                            continue;
                        }
                        Placement::Nowhere => {
                            stats.without_coordinate += 1;
                            continue;
                        }
                    },
                    _ => {
                        stats.without_site += 1;
                        continue;
                    }
                }
            }
            if let Some(last) = sites.last_mut() {
                last.count += 1;
                rows.push(splitter);
            }
        }
        (stats.sites, stats.splitters) = (sites.len() as u64, rows.len() as u64);
        let places = (0..).zip(&sites).map(|(number, site)| sphere::place(site.coordinate, number)).collect();
        Network {
            as_of,
            stats,
            texts: texts.into_boxed_str(),
            sites: sites.into_boxed_slice(),
            splitters: rows.into_boxed_slice(),
            free: free.into_boxed_slice(),
            index: RTree::bulk_load(places),
        }
    }
}

enum Placement {
    Yes(PackedSite),
    Draft,
    Nowhere,
}

/// Source: `docs/contracts/rules.md`, "Splitters on offer".
fn offered(pending: &PendingSite, first: usize) -> Placement {
    let PendingSite { id, name, address, coordinate, kind, implantation, is_draft } = pending;
    match (is_draft, coordinate) {
        (true, _) => Placement::Draft,
        (false, None) => Placement::Nowhere,
        (false, Some(coordinate)) => Placement::Yes(PackedSite {
            id: id.clone(),
            name: *name,
            address: *address,
            coordinate: *coordinate,
            // As many rows as there are words of `free` at most, which were counted in 32 bits.
            first: first as u32,
            count: 0,
            kind: *kind,
            implantation: *implantation,
        }),
    }
}
