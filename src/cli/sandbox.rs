//! `sandbox`: the whole integration on one machine, for people who have neither system at hand.

mod walkthrough;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use gateway_sandbox::worlds::WorldStory;
use gateway_sandbox::{Options, Sandbox};
use int6_ozmap_gateway::app::{self, Gateway};
use int6_ozmap_gateway::config::{Config, Purpose};
use int6_ozmap_gateway::key::NewKey;
use int6_ozmap_gateway::telemetry;

use super::failure::failed;
use super::output;

#[derive(clap::Args)]
pub(super) struct SandboxArguments {
    /// Clients in the made-up town, 1 to 500,000.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=500_000))]
    clients: u32,
    /// Added to each answer of both pretend systems, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    latency: u32,
    /// Share of their answers that fail, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    fail: f64,
    /// Beat of the sync in seconds; 0 is off.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    interval: u32,
    /// How often the readings drift, in seconds; 0 keeps them still.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    drift: u32,
    /// Seed of the town; the same seed makes the same town.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// A world of the gallery, broken or healthy, in the place of the town: the gateway runs once, then the world turns. `list` shows
    /// all names.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["clients", "seed", "drift", "fail"])]
    world: Option<String>,
    /// Port of the gateway; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|p| (0.0..=100.0).contains(p))
        .ok_or_else(|| "a number from 0 to 100 is expected".to_owned())
}

pub(super) async fn run(arguments: SandboxArguments) -> ExitCode {
    if arguments.world.as_deref() == Some("list") {
        world::print_all();
        return ExitCode::SUCCESS;
    }
    let story = match arguments.world.as_deref().map(world::find).transpose() {
        Ok(story) => story,
        Err(why) => return failed(&why),
    };
    if let Err(error) = telemetry::start("info") {
        return failed(&error.to_string());
    }
    match start(&arguments, story).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => failed(&why),
    }
}

async fn start(arguments: &SandboxArguments, story: Option<&WorldStory>) -> Result<(), String> {
    let seconds = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let latency = Duration::from_millis(arguments.latency.into());
    let options = match story {
        Some(story) => Options { latency, ..story.options() },
        None => Options {
            clients: arguments.clients as usize,
            seed: arguments.seed,
            latency,
            fail_percent: arguments.fail,
            drift: seconds(arguments.drift),
            messy: true,
            ..Options::default()
        },
    };
    let clients = options.clients;
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|e| format!("the pretend systems cannot listen on loopback: {e}"))?;
    let begun = story.map(|story| (story, story.begin(&sandbox)));
    if story.is_none() {
        walkthrough::prepare(&sandbox);
    }
    // From here on there is a folder to be cleared away.
    let stop = app::stop_asked();
    let folder = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let NewKey { key, sha256: _ } = NewKey::generate();
    let database = format!("sqlite://{}", folder.path().join("gateway.db").display());
    let settings = [
        ("GATEWAY_LISTEN", format!("127.0.0.1:{}", arguments.port)),
        ("GATEWAY_API_KEY", key.clone()),
        ("DATABASE_URL", database),
        ("SYNC_INTERVAL_SECONDS", arguments.interval.to_string()),
        ("OZMAP_URL", sandbox.ozmap_url()),
        ("OZMAP_API_KEY", sandbox.ozmap_key()),
        ("INT6_URL", sandbox.int6_url()),
        ("INT6_EMAIL", sandbox.int6_email()),
        ("INT6_TOKEN", sandbox.int6_token()),
    ];
    let of_story = story.map_or(&[][..], |story| story.settings);
    let of_story = of_story.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let config = Config::load(environment.chain(of_story), None, Purpose::Serve)
        .map_err(|mistakes| mistakes.to_string())?;
    let judge = match begun {
        Some((story, begun)) => Some(world::turned(story, begun, &sandbox, &config).await?),
        None => None,
    };
    let gateway = Gateway::start(&config).await.map_err(|e| e.to_string())?;
    let url = format!("http://{}", gateway.address);
    let place = walkthrough::GatewayAccess { url: &url, key: &key };
    output::print(&walkthrough::greeting(&sandbox, &settings[4..], &place, clients));
    stop.await;
    gateway.stop().await;
    if let Some(judge) = judge {
        output::print(&format!("{}\n", world::verdict(&judge)));
    }
    sandbox.stop().await;
    Ok(())
}
