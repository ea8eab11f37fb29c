//! The first run of the gateway: OZmap has neither powers nor statuses yet.

use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::client::Onu;
use crate::ozmap::state::State;
use crate::worlds::end::{READING_FIELDS, WorldEnd, WorldField};
use crate::worlds::life::{Life, Light};
use crate::worlds::people::set_potency_read;
use crate::worlds::story::WorldStory;

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("first-run", "OZmap has neither powers nor statuses; both are written.").first_run(),
    WorldStory::healthy("first-run-with-a-storm", "A tenth of the town is dark when the gateway first runs.")
        .first_run()
        .life(|people| {
            let tenth = people.percent(10);
            people.change(tenth, Life::is_lit, |life, _| life.light = Light::Zero);
        }),
    WorldStory::healthy(
        "first-run-with-old-powers",
        "Somebody typed a power of −20 for everybody years ago.",
    )
    .first_run()
    .map(|state| each(state, |state, id| set_potency_read(state, id, Some(-20.0)))),
    WorldStory::healthy("first-run-after-an-import", "The import set every client to error.")
        .first_run()
        .map(|state| each(state, |state, id| state.change_client(id, |client| client.status = Some(1)))),
    WorldStory::healthy(
        "first-run-of-a-map-of-projects",
        "Nobody is implanted in OZmap yet: a person has to look once.",
    )
    .first_run()
    .map(|state| each(state, |state, id| state.change_client(id, |client| client.implanted = false)))
    .words(&["implant"])
    .ends(&[WorldEnd::Held(READING_FIELDS)]),
    WorldStory::healthy(
        "first-run-with-some-to-implant",
        "Four of a hundred connected clients are not implanted in OZmap.",
    )
    .first_run()
    .clients(1000)
    .map(|state| {
        let mut place = 0;
        each(state, |state, id| {
            place += 1;
            if place % 25 == 7 {
                state.change_client(id, |client| client.implanted = false);
            }
        });
    }),
    WorldStory::healthy(
        "first-run-without-onus",
        "OZmap knows no ONU: what INT6 knows may be written, or be looked at once.",
    )
    .first_run()
    .map(|state| each(state, |state, id| state.change_client(id, |client| client.onu = Onu::new("", "", ""))))
    .ends(&[WorldEnd::Finished, WorldEnd::Held(&[WorldField::Onu])]),
    WorldStory::healthy(
        "first-run-without-onu-objects",
        "OZmap's clients have ONU objects without any part.",
    )
    .first_run()
    .map(|state| each(state, |state, id| state.change_client(id, |client| client.onu = Onu::default())))
    .ends(&[WorldEnd::Finished, WorldEnd::Held(&[WorldField::Onu])]),
    WorldStory::healthy("first-run-in-a-strong-town", "A small dense town: everybody reads about −15.")
        .first_run()
        .past(|people| {
            people.change(usize::MAX, Life::is_lit, |life, _| life.step(500));
        }),
    WorldStory::healthy("first-run-in-a-weak-town", "A wide town: everybody reads about −26.")
        .first_run()
        .past(|people| {
            people.change(usize::MAX, Life::is_lit, |life, _| life.step(-500));
        }),
];

fn each(state: &mut State, mut change: impl FnMut(&mut State, Id)) {
    let ids: Vec<Id> = state.ids(Kind::Client, None).collect();
    ids.into_iter().for_each(|id| change(state, id));
}
