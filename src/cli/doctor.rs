//! `doctor`: checks what the gateway depends on, and says the remedy.

use std::process::ExitCode;

use int6_ozmap_gateway::app::{self, Upstreams};
use int6_ozmap_gateway::config::Purpose;
use int6_ozmap_gateway::store::Store;
use int6_ozmap_gateway::telemetry;
use int6_ozmap_gateway::upstream::{CallError, Kind};
use secrecy::ExposeSecret;

use super::config_file::ConfigFile;
use super::failure::{FAILED, failed};

pub(super) async fn run(file: ConfigFile) -> ExitCode {
    telemetry::start("error");
    let config = match file.load(Purpose::Serve) {
        Ok(config) => config,
        Err(mistakes) => return failed(&mistakes.to_string()),
    };
    println!("ok    settings: {} tenant(s)", config.tenants.len());
    let mut sound = true;
    let mut tell = |what: &str, result: Result<(), String>| match result {
        Ok(()) => println!("ok    {what}"),
        Err(why) => {
            sound = false;
            println!("FAIL  {what}: {why}");
        }
    };
    tell("database", database(config.database_url.expose_secret()).await);
    for tenant in &config.tenants {
        match app::upstreams(tenant) {
            Err(why) => tell(&format!("{}: calls", tenant.name), Err(why.to_string())),
            Ok(Upstreams { ozmap, int6 }) => {
                let at = |system: &str, url: &url::Url| format!("{}: {system} at {url}", tenant.name);
                tell(&at("OZmap", &tenant.ozmap_host.base), ozmap.check().await.map_err(|e| with_remedy(&e)));
                tell(&at("INT6", &tenant.int6_host.base), int6.check().await.map_err(|e| with_remedy(&e)));
            }
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

async fn database(url: &str) -> Result<(), String> {
    let store = Store::open(url).await.map_err(|e| e.to_string())?;
    store.ping().await.map_err(|e| e.to_string())
}

fn with_remedy(error: &CallError) -> String {
    let remedy = match error.kind {
        Kind::Unauthorized { .. } => {
            "ask the ISP for a new key or token; is this machine's address on its list?"
        }
        Kind::RateLimited { .. } | Kind::CircuitOpen | Kind::QuotaExhausted | Kind::Busy => {
            "wait, then try again"
        }
        Kind::Failing { .. } => "the host is there, but fails: ask its operator",
        Kind::Rejected { .. } | Kind::Malformed { .. } | Kind::Page { .. } => {
            "is the URL the right one? Does the path of the bulk read fit?"
        }
        Kind::Untrusted { .. } => {
            "the certificate is at fault, not the network: do what is said there, then try again"
        }
        Kind::Unreachable { .. } => "is the URL right, and does the firewall on the way admit this machine?",
    };
    format!("{error}\n      remedy: {remedy}")
}
