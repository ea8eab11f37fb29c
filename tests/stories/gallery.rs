//! The gateway in every world of the gallery: broken ones do no harm and are explained, healthy ones are carried out.

use gateway_core::sync::{Field, RunState};
use gateway_sandbox::worlds::{self, Health, WorldField, WorldStory};
use int6_ozmap_gateway::sync::Report;
use rstest::rstest;

use crate::world::World;

/// Tests that share the gallery, so that they run side by side.
const SHARES: usize = 16;

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_world_is_harmed_and_each_is_explained(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)] share: usize,
) {
    let mut faults = Vec::new();
    for story in worlds::all().iter().skip(share).step_by(SHARES) {
        faults.extend(faults_in(story).await);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_gallery_has_sixty_of_each_kind_and_every_share_has_some() {
    let of = |health| worlds::all().iter().filter(|story| story.health == health).count();
    assert!(of(Health::Broken) >= 60 && of(Health::Healthy) >= 60);
    assert!(worlds::all().len() >= SHARES);
}

async fn faults_in(story: &WorldStory) -> Vec<String> {
    let mut world = World::new(story.options(), false).await;
    for (name, value) in story.settings {
        world.set(name, value);
    }
    let begun = story.begin(&world.sandbox);
    // One process, as in an ISP's day: what the host can do was learnt.
    let engine = world.engine();
    let run =
        async || world.run(&engine, gateway_core::sync::Mode::Apply, gateway_core::sync::Rails::Hold).await;
    if !story.first_run {
        let first = run().await;
        if first.state != RunState::Finished {
            return vec![format!(
                "{}: the sound town ended {:?}: {}",
                story.name,
                first.state,
                reason(&first)
            )];
        }
    }
    let judge = begun.turn(&world.sandbox);
    let report = run().await;
    let held = held_fields(&report);
    let (state, reason) = (report.state.name(), reason(&report));
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{} ({}): {what}", story.name, story.says));
    if !story.allows(state, &held) {
        fault(format!("ended {state}, held {held:?}: {reason}"));
    }
    if !story.is_told_by(&reason) {
        fault(format!("is not told by: {reason}"));
    }
    // A run that was halted or held must not become the measure.
    run().await;
    let verdict = judge.verdict();
    if !verdict.is_harmless() {
        let wrongly: Vec<_> = verdict.wrongly_touched.iter().take(5).collect();
        fault(format!(
            "{} of {} wrongly touched, {wrongly:?}, {} wrongly implanted, {} un-implanted; {state}: {reason}",
            verdict.wrongly_touched.len(),
            verdict.clients,
            verdict.wrongly_implanted.len(),
            verdict.un_implanted.len()
        ));
    }
    if story.health == Health::Healthy {
        if !verdict.wrongly_touched.is_empty() {
            fault(format!("wrongly touched: {:?}", verdict.wrongly_touched));
        }
        let missed = verdict.missed_but_in(&held);
        if !missed.is_empty() {
            fault(format!(
                "{} changes were due and not made, such as {:?}; {reason}",
                missed.len(),
                missed[0]
            ));
        }
    }
    faults
}

fn held_fields(report: &Report) -> Vec<WorldField> {
    let mut held: Vec<WorldField> = Vec::new();
    for counts in report.notes.fields.iter().filter(|counts| counts.held > 0) {
        held.push(match counts.field.parse().expect("a field") {
            Field::ReadPower => WorldField::ReadPower,
            Field::Status => WorldField::Status,
            Field::Implantation => WorldField::Implantation,
            Field::Onu => WorldField::Onu,
        });
    }
    held
}

/// All that an operator reads of a run.
fn reason(report: &Report) -> String {
    let held = report.notes.held.iter().map(|held| held.because.clone());
    let others = report.halted_because.iter().chain(&report.error).chain(&report.notes.remarks).cloned();
    others.chain(held).collect::<Vec<_>>().join("; ")
}
