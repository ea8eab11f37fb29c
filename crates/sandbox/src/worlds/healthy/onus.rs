//! ONUs are replaced, moved and used again.

use rand::RngExt;
use serde_json::json;

use crate::worlds::end::{ALL_FIELDS, WorldEnd, WorldField};
use crate::worlds::life::Life;
use crate::worlds::people::People;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{SERIAL, USER, text};

const ONU: &[WorldEnd] = &[WorldEnd::Held(&[WorldField::Onu])];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("onus-replaced", "Fifteen broken ONUs were replaced.").life(|people| {
        people.live_on();
        replace(people, 15);
    }),
    WorldStory::healthy(
        "onus-replaced-with-an-arrow",
        "Ten ONUs were replaced, and INT6 shows both: A -> B.",
    )
    .life(|people| {
        people.live_on();
        replace(people, 10);
    })
    .told(|told| {
        let mut place = 0;
        told.share_of(
            5,
            |row| !text(row, SERIAL).is_empty(),
            |row| {
                place += 1;
                row[SERIAL] = json!(format!("FHTT{:08X} -> {}", 0x00AB_0000 + place, text(row, SERIAL)));
            },
        );
    }),
    WorldStory::healthy(
        "olt-migrated",
        "An OLT was replaced: four of a hundred clients have new ONUs and other powers.",
    )
    .clients(1000)
    .life(|people| migrate(people, 4)),
    WorldStory::healthy(
        "olts-migrated",
        "Two OLTs were replaced: nine of a hundred clients have new ONUs. A person has to look once.",
    )
    .clients(1000)
    .life(|people| migrate(people, 9))
    .words(&["onu", "serial"])
    .ends(&[WorldEnd::Held(ALL_FIELDS)]),
    WorldStory::healthy("onus-used-again", "Twelve ONUs of customers who cancelled serve new ones.").life(
        |people| {
            let gone = people.pick(12, |life| life.is_lit() && !life.serial.is_empty());
            let new = people.pick(12, |life| life.reserved && !life.is_lit() && life.serial.is_empty());
            for (gone, new) in gone.into_iter().zip(new) {
                people.lives[gone].row = false;
                let (serial, mac) = (people.lives[gone].serial.clone(), people.lives[gone].mac.clone());
                people.lives[new].light_up();
                (people.lives[new].serial, people.lives[new].mac) = (serial, mac);
                people.lives[new].user = format!("novo.{}", people.lives[new].code);
            }
        },
    ),
    WorldStory::healthy(
        "onus-of-the-cancelled-replace-others",
        "Fifteen ONUs of customers who cancelled replaced broken ones.",
    )
    .life(|people| {
        people.live_on();
        let gone = people.pick(15, |life| life.is_lit() && !life.serial.is_empty());
        gone.iter().for_each(|place| people.lives[*place].row = false);
        let broken = people.pick(15, |life| life.is_lit() && !life.serial.is_empty());
        for (gone, broken) in gone.into_iter().zip(broken) {
            people.lives[broken].serial = people.lives[gone].serial.clone();
            people.lives[broken].mac = people.lives[gone].mac.clone();
        }
    }),
    WorldStory::healthy(
        "three-pairs-swapped",
        "Installers mixed up three pairs of ONUs; each pair now serves the other flat.",
    )
    .life(|people| {
        people.live_on();
        let pairs = people.pick(6, |life| life.is_lit() && !life.serial.is_empty());
        for pair in pairs.chunks_exact(2) {
            let (serial, mac) = (people.lives[pair[0]].serial.clone(), people.lives[pair[0]].mac.clone());
            people.lives[pair[0]].serial = people.lives[pair[1]].serial.clone();
            people.lives[pair[0]].mac = people.lives[pair[1]].mac.clone();
            (people.lives[pair[1]].serial, people.lives[pair[1]].mac) = (serial, mac);
        }
    }),
    WorldStory::healthy("onus-become-known", "INT6 learns ten ONUs that nobody knew.").life(|people| {
        people.live_on();
        people.change(10, |life| life.is_lit() && life.serial.is_empty(), Life::get_onu);
    }),
    WorldStory::healthy("users-renamed", "Fifteen customers changed hands, and got another PPPoE user.")
        .life(|people| {
            people.live_on();
            people.change(
                15,
                |life| life.is_lit() && !life.user.is_empty(),
                |life, _| life.user = format!("titular2.{}", life.code),
            );
        }),
    WorldStory::healthy(
        "a-realm-for-all-users",
        "Every PPPoE user got a realm: truly so, but for a person to look at once.",
    )
    .life(|people| {
        people.live_on();
        people.change(usize::MAX, |life| !life.user.is_empty(), |life, _| life.user.push_str("@fibra"));
    })
    .words(&["onu"])
    .ends(ONU),
    WorldStory::healthy(
        "users-that-are-numbers",
        "Twenty PPPoE users are numbers, and INT6 sends them as such.",
    )
    .life(|people| {
        people.live_on();
        let mut number = 5_551_000;
        people.change(
            20,
            |life| life.is_lit() && !life.user.is_empty(),
            |life, _| {
                number += 1;
                life.user = number.to_string();
            },
        );
    })
    .told(|told| {
        told.each(|row| {
            if let Ok(number) = text(row, USER).parse::<u64>() {
                row[USER] = json!(number);
            }
        });
    }),
    WorldStory::healthy(
        "factory-macs",
        "Thirty ONUs of one lot have the maker's MAC address; their serials differ.",
    )
    .past(|people| {
        people.change(
            30,
            |life| life.is_lit() && !life.mac.is_empty(),
            |life, _| life.mac = "02:00:00:11:22:33".to_owned(),
        );
    })
    .life(|people| {
        people.live_on();
        people.change(
            usize::MAX,
            |life| life.is_lit() && life.mac == "02:00:00:11:22:33",
            |life, rng| life.drift(rng, 20),
        );
    }),
    WorldStory::healthy("many-onus-unknown", "Half of the ONUs are known to neither system.").past(
        |people| {
            let half = people.percent(50);
            people.change(half, |life| !life.serial.is_empty(), |life, _| life.forget_onu());
        },
    ),
];

fn replace(people: &mut People, count: usize) {
    people.change(count, |life| life.is_lit() && !life.serial.is_empty(), Life::get_onu);
}

fn migrate(people: &mut People, percent: usize) {
    let count = people.percent(percent);
    people.change(
        count,
        |life| life.is_lit() && !life.serial.is_empty(),
        |life, rng| {
            life.get_onu(rng);
            let by = rng.random_range(-150..150);
            life.step(by);
        },
    );
}
