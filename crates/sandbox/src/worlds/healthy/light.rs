//! Light goes out, comes back, and changes its strength.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::worlds::end::{READING_FIELDS, WorldEnd};
use crate::worlds::life::{Life, Light};
use crate::worlds::people::People;
use crate::worlds::story::WorldStory;

const HELD: &[WorldEnd] = &[WorldEnd::Held(READING_FIELDS)];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("drift", "A third of the readings moved by some hundredths of a dB.")
        .life(|people| change(people, 33, |life, rng| life.drift(rng, 9))),
    WorldStory::healthy("a-hot-day", "Every reading moved by up to three tenths of a dB.")
        .life(|people| change(people, 100, |life, rng| life.drift(rng, 30))),
    WorldStory::healthy("storm-dark-in-figures", "A storm: a tenth of the town is dark, told as 0.")
        .life(|people| darken(people, 10, Light::Zero)),
    WorldStory::healthy("storm-dark-in-words", "A storm: a tenth of the town is dark, told as LOS.")
        .life(|people| darken(people, 10, Light::Word("LOS"))),
    WorldStory::healthy("storm-a-third", "A heavy storm: a third of the town is dark, told in both ways.")
        .life(|people| {
            darken(people, 17, Light::Zero);
            darken(people, 17, Light::Word("LOS"));
        }),
    WorldStory::healthy(
        "storm-almost-half",
        "The feeder of the larger district is cut: just less than half of the town is dark.",
    )
    .life(|people| darken(people, 44, Light::Zero)),
    WorldStory::healthy(
        "storm-more-than-half",
        "The POP is without power: six of ten are dark. A person has to look once.",
    )
    .life(|people| darken(people, 65, Light::Zero))
    .words(&["error", "status", "light"])
    .ends(HELD),
    WorldStory::healthy("pon-dark", "One PON, sixty-odd customers, is dark.").life(|people| {
        people.change(usize::MAX, |life| life.pon == 2 && life.is_lit(), |life, _| life.light = Light::Zero);
    }),
    WorldStory::healthy("three-pons-dark", "The card with three PONs failed, told as LOS.").life(|people| {
        people.live_on();
        people.change(
            usize::MAX,
            |life| life.pon < 3 && life.is_lit(),
            |life, _| life.light = Light::Word("LOS"),
        );
    }),
    WorldStory::healthy("power-restored", "A third of the town was dark for a day and has light again.")
        .past(|people| darken(people, 33, Light::Zero))
        .life(restore),
    WorldStory::healthy(
        "power-restored-after-words",
        "A third of the town was LOS for a day and has light again.",
    )
    .past(|people| darken(people, 33, Light::Word("LOS")))
    .life(restore),
    WorldStory::healthy("power-restored-after-a-blackout", "Everybody was dark, and has light again.")
        .past(|people| darken(people, 100, Light::Zero))
        .life(restore),
    WorldStory::healthy("a-splice-on-a-pon", "A bad splice takes 3 dB from everybody on one PON.").life(
        |people| {
            people.change(usize::MAX, |life| life.pon == 1, |life, _| life.step(-300));
        },
    ),
    WorldStory::healthy("a-splice-on-a-feeder", "A bad splice takes 3 dB from a third of the town.").life(
        |people| {
            let pons = people.lives.iter().map(|life| life.pon).max().unwrap_or_default();
            people.change(usize::MAX, |life| life.pon * 3 <= pons, |life, _| life.step(-300));
        },
    ),
    WorldStory::healthy("a-bent-fibre", "A bent fibre takes 8 dB from fifteen customers.").life(|people| {
        people.live_on();
        people.change(15, Life::is_lit, |life, _| life.step(-800));
    }),
    WorldStory::healthy(
        "repairs",
        "Twenty bad connectors were cleaned: each customer gained between 2 and 9 dB.",
    )
    .life(|people| {
        people.live_on();
        people.change(20, Life::is_lit, |life, rng| {
            let by = rng.random_range(200..900);
            life.step(by);
        });
    }),
    WorldStory::healthy("new-optics", "The OLTs got stronger optics: everybody gained 2 dB.")
        .life(|people| change(people, 100, |life, _| life.step(200))),
    WorldStory::healthy("weaker-optics", "A spare OLT has weaker optics: everybody lost 5 dB.")
        .life(|people| change(people, 100, |life, _| life.step(-500))),
    WorldStory::healthy(
        "splitters-replaced",
        "Splitters were replaced in a fifth of the town: between 4 dB less and 4 dB more.",
    )
    .life(|people| {
        change(people, 20, |life, rng| {
            let by = rng.random_range(-400..400);
            life.step(by);
        });
    }),
    WorldStory::healthy(
        "a-few-impossible-figures",
        "Eight ONUs at the edge of their receivers read −38.5 to −41.",
    )
    .life(|people| {
        people.live_on();
        let mut power = -3850;
        people.change(
            8,
            |life| life.is_lit() && !life.reserved,
            |life, _| {
                life.light = Light::Measured(power);
                power -= 35;
            },
        );
    }),
    WorldStory::healthy(
        "reservations-at-minus-40",
        "Four reserved ONUs read −40: no light, and never an implantation.",
    )
    .life(|people| {
        people.live_on();
        people.change(4, Life::is_waiting, |life, _| life.light = Light::Measured(-4000));
    })
    .words(&["implausible", "outside", "implant"])
    .ends(&[WorldEnd::Held(READING_FIELDS), WorldEnd::Finished]),
];

fn change(people: &mut People, percent: usize, change: impl FnMut(&mut Life, &mut StdRng)) {
    let count = people.percent(percent);
    people.change(count, Life::is_lit, change);
}

fn darken(people: &mut People, percent: usize, light: Light) {
    change(people, percent, |life, _| life.light = light);
}

/// Everybody but a few has light again, some hundredths from what it was.
fn restore(people: &mut People) {
    people.change(
        usize::MAX,
        |life| life.is_dark() && !life.reserved,
        |life, rng| {
            life.light_up();
            life.drift(rng, 20);
        },
    );
}
