//! Worlds that tell lies.

mod clocks;
mod fields;
mod figures;
mod joins;
mod map;
mod onu;
mod pages;
mod rows;
mod some_figures;
mod wire;
mod words;

use super::story::WorldStory;

pub(super) const STORIES: &[&[WorldStory]] = &[
    rows::STORIES,
    joins::STORIES,
    figures::STORIES,
    some_figures::STORIES,
    words::STORIES,
    fields::STORIES,
    onu::STORIES,
    clocks::STORIES,
    pages::STORIES,
    wire::STORIES,
    map::STORIES,
];
