//! A world of the gallery, to be looked at: what the gateway makes of an INT6 or an OZmap that is broken, or only looks so.

use std::fmt::Write as _;
use std::sync::Arc;

use gateway_core::sync::{Mode, Rails, Trigger};
use gateway_sandbox::Sandbox;
use gateway_sandbox::worlds::{self, BegunWorld, Health, Judge, WorldStory};
use int6_ozmap_gateway::app;
use int6_ozmap_gateway::config::Config;
use int6_ozmap_gateway::store::{Process, Store};
use int6_ozmap_gateway::sync::{Observer, Progress};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use crate::cli::output;

/// The story of this name.
///
/// # Errors
/// What to do about a name that is none.
pub(super) fn find(name: &str) -> Result<&'static WorldStory, String> {
    worlds::find(name).ok_or_else(|| {
        let meant =
            worlds::nearest(name).map_or_else(|| ".".to_owned(), |near| format!(": did you mean {near}?"));
        format!("there is no world called {name}{meant} `sandbox --world list` shows all")
    })
}

/// Every world, one a line.
pub(super) fn print_all() {
    let mut text = String::new();
    for (health, title) in [(Health::Broken, "broken"), (Health::Healthy, "healthy")] {
        let stories = worlds::all().iter().filter(|story| story.health == health);
        let _ = writeln!(text, "# {title}");
        for story in stories {
            let _ = writeln!(text, "{:<40} {}", story.name, story.says);
        }
    }
    output::print(&text);
}

/// Lets the gateway run once on the sound town, unless the story is of a first run; then the world turns.
///
/// # Errors
/// Why the gateway could not run.
pub(super) async fn turned(
    story: &WorldStory,
    begun: BegunWorld,
    sandbox: &Sandbox,
    config: &Config,
) -> Result<Judge, String> {
    output::print(&format!("\nThe world \"{}\": {}\n", story.name, story.says));
    if !story.first_run {
        let store = Store::open(config.database_url.expose_secret()).await.map_err(|e| e.to_string())?;
        let (process, stop) = (Process::current(), CancellationToken::new());
        for tenant in &config.tenants {
            let engine = app::engine(tenant, &store, &process, &stop).map_err(|e| e.to_string())?;
            let observer: Observer = Arc::new(|_: Progress<'_>| ());
            let run = engine.run(Trigger::Cli, Mode::Apply, Rails::Hold, &observer);
            run.await.map_err(|e| e.to_string())?;
        }
        process.leave(&store).await;
        store.close().await;
        output::print("The gateway has run once on the sound town; now the world turns.\n");
    }
    Ok(begun.turn(sandbox))
}

/// What the gateway did to OZmap since the world turned, held against the truth.
pub(super) fn verdict(judge: &Judge) -> String {
    let verdict = judge.verdict();
    format!(
        "Since the world turned {} of {} clients were touched, {} of them wrongly; {} wrongly implanted, {} un-implanted; {} of {} changes that were due are made.",
        verdict.touched,
        verdict.clients,
        verdict.wrongly_touched.len(),
        verdict.wrongly_implanted.len(),
        verdict.un_implanted.len(),
        verdict.written_of_truth,
        verdict.due
    )
}
