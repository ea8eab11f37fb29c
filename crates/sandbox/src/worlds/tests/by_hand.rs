//! The rails reckoned by hand, so that what the stories ask for is what the table says, and the table is enough.

mod sides;

use self::sides::{Part, Sides};
use super::{all, begun};
use crate::worlds::story::WorldStory;
use crate::worlds::{WorldEnd, WorldField};

fn field(part: Part) -> WorldField {
    match part {
        Part::Power => WorldField::ReadPower,
        Part::Status => WorldField::Status,
        Part::Implantation => WorldField::Implantation,
        Part::Onu => WorldField::Onu,
    }
}

/// Whether these rows are in plain shapes, and nothing but the rows and the records matters.
fn is_plain(story: &WorldStory) -> bool {
    const ODD: [&str; 9] = [
        "figures-",
        "serials-in-",
        "macs-in-every",
        "onus-unknown-in-some",
        "onus-replaced-with",
        "users-that-are",
        "times-",
        "power-as-value",
        "one-mac-for-all",
    ];
    let is_map = story.name.starts_with("map-")
        && !["map-codes", "map-imported", "map-of-another", "map-lost"]
            .iter()
            .any(|start| story.name.starts_with(start));
    !is_map
        && story.settings.is_empty()
        && story.ends != [WorldEnd::Failed]
        && !ODD.iter().any(|odd| story.name.starts_with(odd))
}

#[tokio::test]
async fn the_rails_by_hand_end_each_plain_world_as_its_story_says_and_are_enough() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for story in all().iter().filter(|story| is_plain(story)) {
        let sandbox = begun(story).await;
        let world = story.begin(&sandbox);
        let last = (!story.first_run).then(|| Sides::of(&sandbox).measure());
        let judge = world.turn(&sandbox);
        if sandbox.int6().has_page_habit() {
            continue;
        }
        tried += 1;
        let mut sides = Sides::of(&sandbox);
        let halt = sides.halt(last);
        let mut held = Vec::new();
        if halt.is_none() {
            sides.hold(last);
            held = sides.apply(&sandbox).into_iter().map(field).collect();
        }
        let verdict = judge.verdict();
        let state = if halt.is_some() { "halted" } else { "finished" };
        if !story.allows(state, &held) {
            wrong.push(format!("{}: {state} {halt:?} {held:?} but {:?}", story.name, story.ends));
        }
        if !verdict.is_harmless() {
            let some: Vec<_> = verdict.wrongly_touched.iter().take(3).collect();
            wrong.push(format!(
                "{}: {} wrongly touched, {some:?}",
                story.name,
                verdict.wrongly_touched.len()
            ));
        }
        sandbox.stop().await;
    }
    assert_eq!(wrong, [""; 0], "of {tried} worlds");
    assert!(tried > 100, "{tried} worlds only");
}
