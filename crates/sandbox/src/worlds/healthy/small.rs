//! ISPs so small that every share is one client: the rails leave them alone.

use crate::worlds::life::{Life, Light};
use crate::worlds::story::WorldStory;

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("one-client", "An ISP with one client, whose light drifts.").clients(1).dark(0).life(
        |people| {
            people.change(1, Life::is_lit, |life, rng| life.drift(rng, 20));
        },
    ),
    WorldStory::healthy("one-client-dark", "An ISP with one client, who is dark.").clients(1).dark(0).life(
        |people| {
            people.change(1, Life::is_lit, |life, _| life.light = Light::Zero);
        },
    ),
    WorldStory::healthy("five-clients-dark", "An ISP with five clients, all of them dark.")
        .clients(5)
        .dark(0)
        .life(|people| {
            people.change(5, Life::is_lit, |life, _| life.light = Light::Word("LOS"));
        }),
    WorldStory::healthy("five-clients-with-new-onus", "An ISP with five clients, all of them with new ONUs.")
        .clients(5)
        .dark(0)
        .life(|people| {
            people.change(5, Life::is_lit, Life::get_onu);
        }),
    WorldStory::healthy("five-clients-alike", "An ISP with five clients in one house, who all read −19.50.")
        .clients(5)
        .dark(0)
        .life(|people| {
            people.change(5, Life::is_lit, |life, _| life.light = Light::Measured(-1950));
        }),
    WorldStory::healthy("nine-clients-on-the-first-run", "An ISP with nine clients, on its first run.")
        .clients(9)
        .dark(0)
        .first_run(),
    WorldStory::healthy("nineteen-clients-dark", "An ISP with nineteen clients, all of them dark.")
        .clients(19)
        .dark(0)
        .life(|people| {
            people.change(19, Life::is_lit, |life, _| life.light = Light::Zero);
        }),
    WorldStory::healthy(
        "nineteen-clients-from-order-to-light",
        "An ISP with nineteen clients, all of them connected at once.",
    )
    .clients(19)
    .dark(0)
    .past(|people| {
        people.change(
            19,
            |_| true,
            |life, _| {
                life.reserved = true;
                life.row = true;
                life.light = Light::Zero;
            },
        );
    })
    .life(|people| {
        people.change(19, Life::is_waiting, |life, rng| {
            life.drift(rng, 4);
            life.light_up();
        });
    }),
    WorldStory::healthy("sixty-clients", "An ISP with sixty clients, on an ordinary day.").clients(60),
];
