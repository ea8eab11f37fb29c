//! Customers come and go.

use crate::worlds::end::{READING_FIELDS, WorldEnd};
use crate::worlds::life::{Life, Light};
use crate::worlds::people::People;
use crate::worlds::story::WorldStory;

const HELD: &[WorldEnd] = &[WorldEnd::Held(READING_FIELDS)];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("quiet", "Nothing happened: there is nothing to write.").life(|_| ()),
    WorldStory::healthy("an-ordinary-hour", "A few readings drift, a few lights go out, a few come back."),
    WorldStory::healthy("weekend-installs", "Ten new customers were connected over the weekend.")
        .clients(1000)
        .life(|people| install(people, 10)),
    WorldStory::healthy("a-good-week", "Four of a hundred clients were connected in a week.")
        .clients(1000)
        .life(|people| install(people, 40)),
    WorldStory::healthy(
        "a-campaign",
        "Six of a hundred clients were connected at once: a person has to look once.",
    )
    .clients(1000)
    .life(|people| {
        let everyone = people.percent(6);
        people.change(
            everyone,
            |life| life.reserved && !life.is_lit(),
            |life, _| {
                life.light_up();
            },
        );
    })
    .words(&["implant"])
    .ends(HELD),
    WorldStory::healthy("installs-with-new-onus", "Fifteen new customers, whose ONUs nobody knew before.")
        .life(|people| {
            people.change(
                15,
                |life| life.reserved && !life.is_lit(),
                |life, rng| {
                    life.get_onu(rng);
                    life.light_up();
                },
            );
        }),
    WorldStory::healthy("arrivals-in-both", "Fifteen customers are new in both systems.").life(|people| {
        people.live_on();
        people.arrive(15, true, true);
    }),
    WorldStory::healthy("arrivals-in-int6", "Forty customers are new in INT6, and not yet in OZmap.").life(
        |people| {
            people.live_on();
            people.arrive(40, false, true);
        },
    ),
    WorldStory::healthy("arrivals-in-ozmap", "Forty customers are new in OZmap, and not yet in INT6.").life(
        |people| {
            people.live_on();
            people.arrive(40, true, false);
        },
    ),
    WorldStory::healthy(
        "cancellations-in-int6",
        "A twentieth of the customers cancelled: INT6 has no rows for them.",
    )
    .life(|people| {
        people.live_on();
        cancel(people, 5);
    }),
    WorldStory::healthy("cancellations-in-ozmap", "A twentieth of the customers were taken off the map.")
        .life(|people| {
            people.live_on();
            let count = people.percent(5);
            people.leave_map(count);
        }),
    WorldStory::healthy(
        "a-district-sold",
        "A quarter of the customers went to another ISP with their district.",
    )
    .life(|people| {
        people.live_on();
        cancel(people, 25);
    }),
    WorldStory::healthy("holidays", "A quarter of a seaside town unplugs its ONUs when the summer ends.")
        .life(|people| {
            people.live_on();
            let quarter = people.percent(25);
            people.change(quarter, Life::is_lit, |life, _| life.light = Light::Zero);
        }),
    WorldStory::healthy("cancelled-and-back", "Twenty customers had no rows, and have them again.")
        .past(|people| cancel(people, 5))
        .life(|people| {
            people.live_on();
            people.change(20, |life| !life.row && !life.reserved, |life, _| life.row = true);
        }),
    WorldStory::healthy(
        "edited-by-hand",
        "Somebody typed other powers into OZmap for fifty clients; INT6's count.",
    )
    .life(|people| {
        people.live_on();
        people.retype(50);
    }),
    WorldStory::healthy(
        "many-reservations",
        "A new district: four of ten clients are reserved, and nobody is connected yet.",
    )
    .past(|people| {
        let many = people.percent(40);
        people.change(many, Life::is_lit, |life, _| {
            life.reserved = true;
            life.light = Light::Unknown;
        });
    }),
];

/// Gives this many reservations light.
fn install(people: &mut People, count: usize) {
    people.live_on();
    people.change(count, Life::is_waiting, |life, _| life.light_up());
}

fn cancel(people: &mut People, percent: usize) {
    let count = people.percent(percent);
    people.change(count, Life::is_lit, |life, _| life.row = false);
}
