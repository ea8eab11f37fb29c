//! A gallery of worlds: what really breaks in pollers, back ends, firewalls, clocks and maps, and what only looks broken.
//!
//! Each [`WorldStory`] is begun on a sandbox of its own, where both systems agree; the gateway runs once; then the world turns, and
//! the gateway runs again. The [`Judge`] knows the truth, apart from what was told:
//!
//! ```no_run
//! # async fn gallery() -> std::io::Result<()> {
//! use gateway_sandbox::{Sandbox, worlds};
//!
//! let story = worlds::find("codes-shifted-by-one").expect("it is in the gallery");
//! let sandbox = Sandbox::start(story.options()).await?;
//! let world = story.begin(&sandbox);
//! // … unless `story.first_run`, the gateway runs once here, with `story.settings` …
//! let judge = world.turn(&sandbox);
//! // … the gateway runs, ends in `state`, holds something of the fields `held`, and shows `reason` …
//! # let (state, held, reason) = ("halted", [], "the serial numbers do not fit");
//! assert!(story.allows(state, &held) && story.is_told_by(reason));
//! let verdict = judge.verdict();
//! assert!(verdict.is_harmless(), "{:?}", verdict.wrongly_touched);
//! # Ok(())
//! # }
//! ```
//!
//! Broken worlds are beyond the limits of `docs/contracts/rules.md`; where one is not, its run may finish, and does no harm.

mod broken;
mod end;
mod habits;
mod healthy;
mod judge;
mod life;
mod people;
mod story;
mod telling;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use end::{WorldEnd, WorldField};
pub use judge::{Judge, Verdict};
pub use story::{BegunWorld, Health, WorldStory};

/// Names that are less alike than this are no suggestion.
const LEAST_LIKENESS: f64 = 0.6;

/// Every world: the broken ones first.
pub fn all() -> &'static [WorldStory] {
    static ALL: LazyLock<Vec<WorldStory>> =
        LazyLock::new(|| [broken::STORIES, healthy::STORIES].concat().concat());
    &ALL
}

/// The world with this name.
pub fn find(name: &str) -> Option<&'static WorldStory> {
    all().iter().find(|story| story.name == name)
}

/// The name that was perhaps meant, for a "did you mean …".
pub fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |story: &WorldStory| strsim::jaro_winkler(&name.to_lowercase(), story.name);
    let best = all().iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(best) >= LEAST_LIKENESS).then_some(best.name)
}
