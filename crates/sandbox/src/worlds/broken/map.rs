//! OZmap's side: half lists, ignored pages, imports that moved the codes, another tenant.

use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::faults::Fault;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::list::{ListHabit, ListPage};
use crate::ozmap::record::client::{Client, Onu};
use crate::ozmap::state::State;
use crate::town::names;
use crate::worlds::end::WorldEnd;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::Telling;

/// Ten pages for the town.
const PAGES: &[(&str, &str)] = &[("OZMAP_PAGE_SIZE", "100")];
const FEWER: &[&str] = &["fewer", "missing", "matched", "70", "early"];
const JOINED: &[&str] = &["serial", "another client", "wrong row", "wrong client", "joined"];
const MATCH: &[&str] = &["match", "code", "known to both", "both sides", "fewer"];
const STOPPED: &[WorldEnd] = &[WorldEnd::Halted, WorldEnd::Failed];
const REPEATED: &[&str] = &["page", "same", "again", "fewer", "early", "total", "repeat"];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("map-empty", "OZmap's key is for an empty project: no client at all.")
        .told(|told| {
            told.lists(answering(|_, mut envelope| {
                empty(&mut envelope, 0);
                Answer::ok(envelope)
            }));
        })
        .halts(&["no client", "no row", "no usable", "empty", "0 of", "0 clients", "without"]),
    WorldStory::broken(
        "map-list-ends-early",
        "OZmap's list says that there is no next page when half has come.",
    )
    .settings(PAGES)
    .without_next_urls()
    .told(|told| told.lists(answering(|asked, envelope| Answer::ok(ends_at_half(asked, envelope)))))
    .words(REPEATED)
    .ends(STOPPED),
    WorldStory::broken(
        "map-key-sees-a-third",
        "OZmap's key lost its right to two of three projects: the list is short, and its total agrees.",
    )
    .told(|told| {
        told.lists(answering(|_, mut envelope| {
            thin(&mut envelope);
            Answer::ok(envelope)
        }));
    })
    .words(FEWER)
    .ends(STOPPED),
    WorldStory::broken("map-ignores-the-page", "OZmap answers every page with the first.")
        .settings(PAGES)
        .without_next_urls()
        .told(|told| told.lists(understanding(|asked| asked.page = 1)))
        .words(REPEATED)
        .ends(STOPPED),
    WorldStory::broken(
        "map-ignores-the-page-without-a-total",
        "OZmap answers every page with the first, and never says how many there are.",
    )
    .settings(PAGES)
    .without_next_urls()
    .told(|told| {
        let habit =
            ListHabit { understand: |asked| asked.page = 1, answer: |_, rows| Answer::ok(bare(rows)) };
        told.lists(habit);
    })
    .words(REPEATED)
    .ends(STOPPED),
    WorldStory::broken(
        "map-promises-more-than-comes",
        "OZmap's total counts records that the key may not see: four tenths never come.",
    )
    .settings(PAGES)
    .without_next_urls()
    .told(|told| {
        told.lists(answering(|_, mut envelope| {
            thin(&mut envelope);
            envelope["total"] = json!(1000);
            Answer::ok(envelope)
        }));
    })
    .words(REPEATED)
    .ends(STOPPED),
    WorldStory::broken("map-answers-html", "A firewall before OZmap answers with a page and status 200.")
        .told(|told| {
            told.lists(answering(|_, _| Answer::html(200, "<html><body>Blocked by policy</body></html>")))
        })
        .fails(&["html", "json"]),
    WorldStory::broken("map-refuses-the-key", "OZmap's key was revoked.")
        .told(|told| told.ozmap_faults().fail_next(1_000_000, Fault::Status(401)))
        .fails(&["401", "key", "refused", "unauthor"]),
    WorldStory::broken("map-down", "OZmap is being updated: 502 from its proxy to every call.")
        .told(|told| told.ozmap_faults().fail_next(1_000_000, Fault::Status(502)))
        .fails(&["502", "reach", "unavailable", "answer"]),
    WorldStory::broken("map-cuts-its-lists", "OZmap's proxy cuts each long answer in mid-body.")
        .told(|told| {
            for route in ["GET /properties", "GET /ftth-clients"] {
                told.ozmap_faults().fail_route(route, 1_000_000, Fault::Cut);
            }
        })
        .ends(&[WorldEnd::Failed]),
    WorldStory::broken(
        "map-of-another-isp",
        "The key is another ISP's: its clients have our codes by chance, and other ONUs.",
    )
    .told(another_isp)
    .halts(JOINED),
    WorldStory::broken(
        "map-codes-shifted",
        "OZmap's clients were imported again, and the column of codes slipped by one.",
    )
    .told(|told| recode(told, |codes| codes.rotate_right(1)))
    .halts(JOINED),
    WorldStory::broken(
        "map-codes-shifted-on-a-twentieth",
        "One district was imported again, and its codes slipped by one.",
    )
    .told(|told| recode(told, |codes| codes[600..650].rotate_right(1)))
    .halts(JOINED),
    WorldStory::broken("map-codes-with-a-prefix", "OZmap's clients were imported again as MIG-10001.")
        .told(|told| recode(told, |codes| codes.iter_mut().for_each(|code| *code = format!("MIG-{code}"))))
        .halts(MATCH),
    WorldStory::broken(
        "map-codes-of-contracts",
        "OZmap's clients were imported again with the ERP's contract for a code.",
    )
    .told(|told| recode(told, |codes| codes.iter_mut().for_each(|code| *code = format!("55{code}"))))
    .halts(MATCH),
    WorldStory::broken(
        "map-codes-with-a-prefix-on-four-of-ten",
        "Four of ten clients were imported again as MIG-10001.",
    )
    .told(|told| {
        recode(told, |codes| codes[200..600].iter_mut().for_each(|code| *code = format!("MIG-{code}")))
    })
    .halts(FEWER),
    WorldStory::broken("map-imported-twice", "The import ran twice: every client is there twice.")
        .told(|told| double(told, 1000))
        .halts(&["match", "code", "duplicate", "twice", "fewer", "usable"]),
    WorldStory::broken(
        "map-imported-half-again",
        "The import was begun again and stopped: four of ten clients are there twice.",
    )
    .told(|told| double(told, 420))
    .halts(&["match", "code", "duplicate", "twice", "fewer"]),
    WorldStory::broken("map-lost-a-third", "Somebody deleted a project: a third of the clients are gone.")
        .told(|told| {
            let mut state = told.ozmap();
            let gone: Vec<Id> = state.ids(Kind::Property, None).take(360).collect();
            for id in gone {
                state.remove_property(id);
            }
        })
        .halts(FEWER),
    WorldStory::broken("map-lists-without-codes", "An update of OZmap leaves the code out of its lists.")
        .told(|told| {
            told.lists(answering(|_, mut envelope| {
                each_client(&mut envelope, |client| {
                    if let Some(fields) = client.as_object_mut() {
                        fields.remove("code");
                    }
                });
                Answer::ok(envelope)
            }));
        })
        .words(&["code", "usable", "unreadable", "match", "client"])
        .ends(STOPPED),
];

fn answering(answer: fn(ListPage, Value) -> Answer) -> ListHabit {
    ListHabit { answer, ..ListHabit::default() }
}

fn understanding(understand: fn(&mut ListPage)) -> ListHabit {
    ListHabit { understand, ..ListHabit::default() }
}

/// An envelope without rows.
fn empty(envelope: &mut Value, total: usize) {
    envelope["rows"] = json!([]);
    envelope["count"] = json!(0);
    envelope["total"] = json!(total);
    if let Some(fields) = envelope.as_object_mut() {
        fields.remove("nextUrl");
        fields.remove("hasNextPage");
    }
}

/// The list as it is, but with nothing once half of its total has come.
fn ends_at_half(asked: ListPage, mut envelope: Value) -> Value {
    let total = usize::try_from(envelope["total"].as_u64().unwrap_or_default()).unwrap_or_default();
    let came = asked.page.saturating_sub(1) * asked.limit;
    if !asked.filtered && came * 2 >= total {
        empty(&mut envelope, total);
    }
    envelope
}

/// Two of three rows gone.
fn thin(envelope: &mut Value) {
    if let Some(rows) = envelope["rows"].as_array_mut() {
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            place % 3 == 0
        });
        let count = rows.len();
        envelope["count"] = json!(count);
        envelope["total"] = json!(envelope["total"].as_u64().unwrap_or_default() / 3);
    }
}

/// Nothing but the rows.
fn bare(mut envelope: Value) -> Value {
    json!({"rows": envelope["rows"].take()})
}

/// Edits the clients of a list of clients or of properties.
fn each_client(envelope: &mut Value, edit: impl Fn(&mut Value)) {
    for row in envelope["rows"].as_array_mut().into_iter().flatten() {
        if row.get("client").is_some() { edit(&mut row["client"]) } else { edit(row) }
    }
}

fn clients(state: &State) -> Vec<Id> {
    state.ids(Kind::Client, None).collect()
}

/// Gives OZmap's clients other codes, in the order of their creation.
fn recode(told: &mut Telling<'_>, change: impl Fn(&mut [String])) {
    let mut state = told.ozmap();
    let ids = clients(&state);
    let mut codes: Vec<String> = state.codes().map(str::to_owned).collect();
    change(&mut codes);
    for (id, code) in ids.into_iter().zip(codes) {
        state.change_client(id, |client| client.code = code.into());
    }
}

/// Adds a second record for this many clients.
fn double(told: &mut Telling<'_>, count: usize) {
    let mut state = told.ozmap();
    let copies: Vec<Client> =
        clients(&state).into_iter().take(count).filter_map(|id| state.client(id).cloned()).collect();
    for copy in copies {
        let id = state.next_id(Kind::Client);
        state.put_client(Client { id, ..copy });
    }
}

/// Lets every client of OZmap be another ISP's: nothing that our INT6 says of its code is true of it.
fn another_isp(told: &mut Telling<'_>) {
    let ids = clients(&told.ozmap());
    for id in ids {
        let serial = names::serial(&mut told.rng);
        let mac = names::plain_mac(names::mac(&mut told.rng));
        told.ozmap().change_client(id, |client| {
            client.onu = Onu::new(&format!("outra.{}", client.code), &serial, &mac)
        });
    }
    told.nobody_is_ours = true;
}
