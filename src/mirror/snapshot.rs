//! The network that was loaded: built once, never changed, and small: about 200 bytes a splitter, its site, texts and index included.

use gateway_core::{Coordinate, Implantation, PortNumber, Ratio, RecordId, SiteKind};
use jiff::Timestamp;
use rstar::RTree;

use super::sphere::Place;

/// A text in the arena; the empty one for none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Text {
    pub(super) start: u32,
    pub(super) len: u32,
}

pub(super) struct PackedSite {
    pub(super) id: RecordId,
    pub(super) name: Text,
    pub(super) address: Text,
    pub(super) coordinate: Coordinate,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) kind: SiteKind,
    pub(super) implantation: Implantation,
}

pub(super) struct PackedSplitter {
    pub(super) id: RecordId,
    pub(super) name: Text,
    /// Where its words of `free` begin; one word for 64 ports.
    pub(super) free_at: u32,
    pub(super) ports: u16,
    pub(super) ratio: Option<Ratio>,
}

/// What a load came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MirrorStats {
    /// Sites with splitters that are offered.
    pub sites: u64,
    /// Splitters that are offered.
    pub splitters: u64,
    /// Not offered: in a draft box.
    pub in_draft: u64,
    /// Not offered: in neither a box nor a building that OZmap lists.
    pub without_site: u64,
    /// Not offered: their site is nowhere on the map.
    pub without_coordinate: u64,
    /// Not offered: they do not serve clients.
    pub not_drop: u64,
    /// Rows that could not be understood.
    pub unreadable: u64,
}

/// What a tenant's OZmap held at one moment: the drop splitters that are offered, with their sites.
pub struct Network {
    pub(super) as_of: Timestamp,
    pub(super) stats: MirrorStats,
    pub(super) texts: Box<str>,
    /// Ascending by identifier.
    pub(super) sites: Box<[PackedSite]>,
    /// In the order of the sites, those of one site ascending by identifier.
    pub(super) splitters: Box<[PackedSplitter]>,
    pub(super) free: Box<[u64]>,
    pub(super) index: RTree<Place>,
}

impl Network {
    /// When it was asked for.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// What is in it, and what is not.
    pub fn stats(&self) -> MirrorStats {
        self.stats
    }

    /// Sites within `radius_m` metres, the nearest first, each with its distance: haversine metres on a sphere of the earth's
    /// mean radius.
    pub fn around(&self, at: Coordinate, radius_m: f64) -> impl Iterator<Item = (f64, MirroredSite<'_>)> {
        super::sphere::around(&self.index, at, radius_m, |site| self.sites[site as usize].coordinate)
            .map(|(distance, site)| (distance, self.site(site as usize)))
    }

    /// Every site, ascending by identifier, in groups of at most `size`.
    pub fn sites_in_chunks(
        &self,
        size: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = MirroredSite<'_>>> {
        self.sites.chunks(size).map(|rows| rows.iter().map(|row| MirroredSite { network: self, row }))
    }

    fn site(&self, index: usize) -> MirroredSite<'_> {
        MirroredSite { network: self, row: &self.sites[index] }
    }

    fn text(&self, text: Text) -> &str {
        let start = text.start as usize;
        self.texts.get(start..start + text.len as usize).unwrap_or_default()
    }
}

/// A site of a [`Network`].
#[derive(Clone, Copy)]
pub struct MirroredSite<'a> {
    network: &'a Network,
    row: &'a PackedSite,
}

impl<'a> MirroredSite<'a> {
    /// The record.
    pub fn id(self) -> &'a RecordId {
        &self.row.id
    }

    /// What it is.
    pub fn kind(self) -> SiteKind {
        self.row.kind
    }

    /// Its name; empty if it has none.
    pub fn name(self) -> &'a str {
        self.network.text(self.row.name)
    }

    /// Its address, if OZmap has one.
    pub fn address(self) -> Option<&'a str> {
        Some(self.network.text(self.row.address)).filter(|address| !address.is_empty())
    }

    /// Where it is.
    pub fn coordinate(self) -> Coordinate {
        self.row.coordinate
    }

    /// Whether it is built.
    pub fn implantation(self) -> Implantation {
        self.row.implantation
    }

    /// Its drop splitters, ascending by identifier; at least one.
    pub fn splitters(self) -> impl Iterator<Item = MirroredSplitter<'a>> {
        let first = self.row.first as usize;
        let rows = &self.network.splitters[first..first + self.row.count as usize];
        rows.iter().map(move |row| MirroredSplitter { site: self, row })
    }
}

/// A drop splitter of a [`Network`].
#[derive(Clone, Copy)]
pub struct MirroredSplitter<'a> {
    site: MirroredSite<'a>,
    row: &'a PackedSplitter,
}

impl<'a> MirroredSplitter<'a> {
    /// The record.
    pub fn id(self) -> &'a RecordId {
        &self.row.id
    }

    /// Its name; empty if it has none.
    pub fn name(self) -> &'a str {
        self.site.network.text(self.row.name)
    }

    /// `None` if OZmap does not say.
    pub fn ratio(self) -> Option<Ratio> {
        self.row.ratio
    }

    /// Where it is.
    pub fn site(self) -> MirroredSite<'a> {
        self.site
    }

    /// How many ports it has.
    pub fn ports(self) -> u16 {
        self.row.ports
    }

    /// Whether a client may be connected.
    pub fn has_free_port(self) -> bool {
        self.free_words().iter().any(|word| *word != 0)
    }

    /// The ports to which a client may be connected, ascending.
    pub fn free_ports(self) -> impl Iterator<Item = PortNumber> + use<'a> {
        let words = self.free_words();
        let is_free = move |index: &usize| words[index / 64] >> (index % 64) & 1 == 1;
        (0..usize::from(self.row.ports)).filter(is_free).filter_map(PortNumber::at_index)
    }

    /// A bit for each port, set where it is free; port 1 is the lowest bit of the first word.
    pub(super) fn free_words(self) -> &'a [u64] {
        let at = self.row.free_at as usize;
        &self.site.network.free[at..at + words_for(self.row.ports)]
    }
}

pub(super) fn words_for(ports: u16) -> usize {
    usize::from(ports).div_ceil(64)
}
