//! One world: what it is called, what happens in it, and what an operator must see.

use std::collections::HashMap;

use super::end::{READING_FIELDS, WorldEnd, WorldField};
use super::habits::Habits;
use super::judge::{Judge, Snapshot, Truth};
use super::people::People;
use super::telling::Telling;
use crate::options::Options;
use crate::ozmap::id::Id;
use crate::ozmap::state::State;
use crate::sandbox::Sandbox;

/// Whether a world tells lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// One of the two systems says what is not so.
    Broken,
    /// Everything that is said is so, however odd it looks.
    Healthy,
}

/// A world of the gallery.
///
/// A story has four parts, each of which may be empty: what the town was like, what truly happens in it, and how the two systems
/// come to tell it. The truth is kept apart from what is told, so that a [`Judge`] knows what may be written.
#[derive(Clone, Copy, Debug)]
pub struct WorldStory {
    /// In kebab-case, e.g. `codes-shifted-by-one`.
    pub name: &'static str,
    /// What goes on, in one sentence.
    pub says: &'static str,
    /// Whether it tells lies.
    pub health: Health,
    /// Clients in OZmap, 1 to 2,000.
    pub clients: usize,
    /// Whether the gateway meets it on its first run; else it has run once on the sound town before.
    pub first_run: bool,
    /// Settings of the gateway, as environment variables, from the first run on.
    pub settings: &'static [(&'static str, &'static str)],
    /// How the run may end; any of these.
    pub ends: &'static [WorldEnd],
    /// At least one of these is in the reason that an operator reads, in any case; none are asked for if it is empty.
    pub words: &'static [&'static str],
    pub(crate) habits: Habits,
    pub(crate) past: fn(&mut People),
    pub(crate) map: fn(&mut State),
    pub(crate) life: fn(&mut People),
    pub(crate) told: fn(&mut Telling<'_>),
}

impl WorldStory {
    const fn new(name: &'static str, says: &'static str, health: Health, clients: usize) -> WorldStory {
        WorldStory {
            name,
            says,
            health,
            clients,
            first_run: false,
            settings: &[],
            ends: &[],
            words: &[],
            habits: Habits { dark: 20, all_known: false, next_urls: true, batch_update: true },
            past: |_| (),
            map: |_| (),
            life: People::live_on,
            told: |_| (),
        }
    }

    /// A broken world of a thousand clients, so that one client is the promised 0.1 %.
    pub(crate) const fn broken(name: &'static str, says: &'static str) -> WorldStory {
        WorldStory::new(name, says, Health::Broken, 1000)
    }

    /// A healthy world of five hundred clients, which ends well and holds nothing.
    pub(crate) const fn healthy(name: &'static str, says: &'static str) -> WorldStory {
        WorldStory::new(name, says, Health::Healthy, 500).ends(&[WorldEnd::Finished])
    }

    pub(crate) const fn ends(mut self, ends: &'static [WorldEnd]) -> WorldStory {
        self.ends = ends;
        self
    }

    /// It halts, and the reason has one of these words.
    pub(crate) const fn halts(mut self, words: &'static [&'static str]) -> WorldStory {
        self.words = words;
        self.ends(&[WorldEnd::Halted])
    }

    /// It fails, and the reason has one of these words.
    pub(crate) const fn fails(mut self, words: &'static [&'static str]) -> WorldStory {
        self.words = words;
        self.ends(&[WorldEnd::Failed])
    }

    /// What a reading says is held, and the reason has one of these words.
    pub(crate) const fn holds(mut self, words: &'static [&'static str]) -> WorldStory {
        self.words = words;
        self.ends(&[WorldEnd::Held(READING_FIELDS)])
    }

    pub(crate) const fn words(mut self, words: &'static [&'static str]) -> WorldStory {
        self.words = words;
        self
    }

    pub(crate) const fn clients(mut self, clients: usize) -> WorldStory {
        self.clients = clients;
        self
    }

    pub(crate) const fn first_run(mut self) -> WorldStory {
        self.first_run = true;
        self
    }

    pub(crate) const fn settings(mut self, settings: &'static [(&'static str, &'static str)]) -> WorldStory {
        self.settings = settings;
        self
    }

    /// Clients in a thousand that are implanted and have no light; 20 if it is not said.
    pub(crate) const fn dark(mut self, dark: usize) -> WorldStory {
        self.habits.dark = dark;
        self
    }

    pub(crate) const fn all_known(mut self) -> WorldStory {
        self.habits.all_known = true;
        self
    }

    pub(crate) const fn without_next_urls(mut self) -> WorldStory {
        self.habits.next_urls = false;
        self
    }

    pub(crate) const fn without_batch_update(mut self) -> WorldStory {
        self.habits.batch_update = false;
        self
    }

    /// What the town was like, before OZmap is made to agree with it.
    pub(crate) const fn past(mut self, past: fn(&mut People)) -> WorldStory {
        self.past = past;
        self
    }

    /// What OZmap holds, after it was made to agree with the town.
    pub(crate) const fn map(mut self, map: fn(&mut State)) -> WorldStory {
        self.map = map;
        self
    }

    /// What truly happens; if it is not said, a few readings drift, a few lights go out and a few come back.
    pub(crate) const fn life(mut self, life: fn(&mut People)) -> WorldStory {
        self.life = life;
        self
    }

    /// How the two systems tell it.
    pub(crate) const fn told(mut self, told: fn(&mut Telling<'_>)) -> WorldStory {
        self.told = told;
        self
    }

    /// The sandbox that this world needs, on any free ports of loopback.
    pub fn options(&self) -> Options {
        Options {
            clients: self.clients,
            messy: false,
            next_urls: self.habits.next_urls,
            batch_update: self.habits.batch_update,
            ..Options::default()
        }
    }

    /// Lays out the sound town in a sandbox that was started with [`WorldStory::options`]: customers, reservations without light,
    /// a few outages, and both systems agreeing. The gateway may then run once, before the world [turns](BegunWorld::turn).
    pub fn begin(&self, sandbox: &Sandbox) -> BegunWorld {
        let mut people = People::settle(sandbox, self.habits);
        (self.past)(&mut people);
        people.agree();
        if self.first_run {
            people.forget();
        }
        (self.map)(&mut sandbox.ozmap().state());
        sandbox.int6().set_rows(people.rows());
        BegunWorld { story: *self, people }
    }

    /// Whether the gateway's run may end like this: `state` as the gateway names it (`finished`, `halted`, `failed`), and the fields
    /// of which something is held.
    pub fn allows(&self, state: &str, held: &[WorldField]) -> bool {
        self.ends.iter().any(|end| match end {
            WorldEnd::Finished => state == "finished" && held.is_empty(),
            WorldEnd::Held(fields) => {
                state == "finished" && !held.is_empty() && held.iter().all(|field| fields.contains(field))
            }
            WorldEnd::Halted => state == "halted",
            WorldEnd::Failed => state == "failed",
        })
    }

    /// Whether the reason that an operator reads has one of the words that it must have.
    pub fn is_told_by(&self, reason: &str) -> bool {
        let reason = reason.to_lowercase();
        self.words.is_empty() || self.words.iter().any(|word| reason.contains(&word.to_lowercase()))
    }
}

/// A world whose sound town stands, and which has not turned yet.
pub struct BegunWorld {
    story: WorldStory,
    people: People,
}

impl BegunWorld {
    /// Lets the world turn: life goes on, and the two systems tell of it what the story says. The judge has seen OZmap as it is then.
    pub fn turn(mut self, sandbox: &Sandbox) -> Judge {
        self.live(sandbox);
        self.tell(sandbox)
    }

    /// What truly happens, told truly.
    pub(crate) fn live(&mut self, sandbox: &Sandbox) {
        (self.story.life)(&mut self.people);
        sandbox.int6().set_rows(self.people.rows());
    }

    /// What is so at the moment.
    #[cfg(test)]
    pub(crate) fn truths(&self) -> HashMap<Id, Truth> {
        self.people.truths()
    }

    /// What the two systems make of it.
    pub(crate) fn tell(self, sandbox: &Sandbox) -> Judge {
        let mut telling = Telling::new(sandbox, &self.people);
        (self.story.told)(&mut telling);
        let Telling { rows, nobody_is_ours, .. } = telling;
        sandbox.int6().set_rows(rows);
        let truths: HashMap<Id, Truth> = if nobody_is_ours { HashMap::new() } else { self.people.truths() };
        Judge::new(sandbox.ozmap().clone(), Snapshot::of(&sandbox.ozmap().state()), truths)
    }
}
