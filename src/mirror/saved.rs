//! A network as texts, so that a restart starts warm: chunks of some sites with their splitters, each a JSON array.

use std::borrow::Cow;

use gateway_core::{Coordinate, Implantation, PortState, Ratio, RecordId};

use super::builder::Builder;
use super::snapshot::{MirroredSite, Network};
use crate::ozmap::NetworkRecord;
use crate::store::payload::{StoredSite, StoredSplitter, read_sites, sites_text};

/// Sites of a chunk: a text of some 200 kB.
const SITES: usize = 1_000;

/// How many chunks a network has.
pub(super) fn count(network: &Network) -> usize {
    network.sites_in_chunks(SITES).count()
}

/// A chunk of a network; the same network gives the same texts.
pub(super) fn chunk(network: &Network, number: usize) -> String {
    let sites = network.sites_in_chunks(SITES).nth(number);
    let sites: Vec<StoredSite<'_>> = sites.into_iter().flatten().map(StoredSite::from).collect();
    sites_text(&sites)
}

impl<'a> From<MirroredSite<'a>> for StoredSite<'a> {
    fn from(site: MirroredSite<'a>) -> StoredSite<'a> {
        let saved = |splitter: super::snapshot::MirroredSplitter<'a>| {
            StoredSplitter(
                splitter.id().as_str().into(),
                splitter.name().into(),
                splitter.ratio().map(|Ratio { input, output }| (input, output)),
                splitter.ports(),
                splitter.free_words().into(),
            )
        };
        StoredSite {
            id: site.id().as_str().into(),
            kind: site.kind().name().into(),
            name: site.name().into(),
            address: site.address().map(Cow::from),
            lat: site.coordinate().lat(),
            lng: site.coordinate().lng(),
            implanted: site.implantation() == Implantation::Implanted,
            splitters: site.splitters().map(saved).collect(),
        }
    }
}

/// Reads a chunk into a builder; whether it was understood.
pub(super) fn read(chunk: &str, builder: &mut Builder) -> bool {
    let Some(sites) = read_sites(chunk) else { return false };
    sites.into_iter().all(|site| {
        let records = records(site);
        let understood = records.is_some();
        records.into_iter().flatten().for_each(|record| builder.add(record));
        understood
    })
}

fn records(site: StoredSite<'_>) -> Option<Vec<NetworkRecord>> {
    let id = RecordId::new(&site.id)?;
    let splitter = |StoredSplitter(splitter, name, ratio, ports, free): StoredSplitter<'_>| {
        // What is not free is not free for whatever reason.
        let state = |index: u16| {
            let word = free.get(usize::from(index / 64))?;
            Some(if word >> (index % 64) & 1 == 1 { PortState::Free } else { PortState::Taken })
        };
        Some(NetworkRecord::Splitter(gateway_core::Splitter {
            id: RecordId::new(&splitter)?,
            name: name.into(),
            site: Some(id.clone()),
            ratio: ratio.map(|(input, output)| Ratio { input, output }),
            is_drop: true,
            ports: (0..ports).map(state).collect::<Option<_>>()?,
        }))
    };
    let mut records: Vec<NetworkRecord> = site.splitters.into_iter().map(splitter).collect::<Option<_>>()?;
    records.push(NetworkRecord::Site(gateway_core::Site {
        kind: site.kind.parse().ok()?,
        name: site.name.into(),
        address: site.address.map(Into::into),
        coordinate: Some(Coordinate::new(site.lat, site.lng)?),
        implantation: match site.implanted {
            true => Implantation::Implanted,
            false => Implantation::NotImplanted,
        },
        is_draft: false,
        project: None,
        id,
    }));
    Some(records)
}
