//! What stored requests look up together, because nobody waits for one of them: where their splitters stand, and what the list of
//! clients says of their codes.
//!
//! Neither decides alone: a port and a client's properties are looked at anew by each.

use std::time::Duration;

use gateway_core::{ClientCode, ClientRecord, RecordId, Site};
use moka::future::Cache;

use crate::ozmap::Ozmap;

/// How long a look counts.
const KNOWN_FOR: Duration = Duration::from_secs(10);
/// Splitters, and codes, of which something is known.
const MOST: u64 = 10_000;
/// Most characters of codes in one question: a URL that common servers take.
const LONGEST: usize = 3_000;

/// Looks of the last seconds.
pub(super) struct Foreseen {
    sites: Cache<RecordId, Site>,
    listed: Cache<ClientCode, Vec<ClientRecord>>,
}

impl Foreseen {
    /// Nothing is known yet.
    pub(super) fn new() -> Foreseen {
        Foreseen {
            sites: Cache::builder().max_capacity(MOST).time_to_live(KNOWN_FOR).build(),
            listed: Cache::builder().max_capacity(MOST).time_to_live(KNOWN_FOR).build(),
        }
    }

    /// The box or building of a splitter that was found to be the tenant's.
    pub(super) async fn site(&self, splitter: &RecordId) -> Option<Site> {
        self.sites.get(splitter).await
    }

    /// One that is a draft may be none in a moment, and is not kept.
    pub(super) async fn keep_site(&self, splitter: &RecordId, site: &Site) {
        if !site.is_draft {
            self.sites.insert(splitter.clone(), site.clone()).await;
        }
    }

    /// What the list of clients said of a code; it counts once, because who took it may change it.
    pub(super) async fn take_listed(&self, code: &ClientCode) -> Option<Vec<ClientRecord>> {
        self.listed.remove(code).await
    }

    /// Asks the list of clients for some codes at once; where it does not say, each is asked for by itself.
    pub(super) async fn look(&self, ozmap: &Ozmap, codes: &[ClientCode]) {
        let mut length = 0;
        let few: Vec<ClientCode> = codes
            .iter()
            .take_while(|code| {
                length += code.as_str().len();
                length <= LONGEST
            })
            .cloned()
            .collect();
        if few.is_empty() {
            return;
        }
        match ozmap.listed_together(&few).await {
            Ok(listed) => {
                for (code, records) in listed {
                    self.listed.insert(code, records).await;
                }
            }
            Err(error) => tracing::debug!(%error, "clients were not looked up together"),
        }
    }
}
