//! Worlds that tell the truth, however odd it looks.

mod first_runs;
mod growth;
mod hosts;
mod light;
mod messy;
mod onus;
mod pages;
mod shapes;
mod small;
mod times;

use super::story::WorldStory;

pub(super) const STORIES: &[&[WorldStory]] = &[
    growth::STORIES,
    light::STORIES,
    onus::STORIES,
    shapes::STORIES,
    messy::STORIES,
    times::STORIES,
    small::STORIES,
    first_runs::STORIES,
    pages::STORIES,
    hosts::STORIES,
];
