//! One run of the sync over real HTTP at the size of a large ISP, writes grouped by value beside one PATCH per client.
//!
//! `cargo bench --bench sync [-- CLIENTS] [--beside BINARY]`; default 200,000 clients, 2,200 different values, every power changed.
//! `BINARY` is another build of the gateway, which is measured in the same run. The pretend systems run in this process, the
//! gateway (`sync`) in one of its own, so that its memory and CPU are its own.
//!
//! At last the plan of a dry run is listed page by page and applied by its id.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gateway_sandbox::{Options, Sandbox};
use int6_ozmap_gateway::store::{ChangeFilter, RunFilter, Store};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde_json::json;

const VALUES: usize = 2_200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let clients = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(200_000);
    let beside = arguments.iter().skip_while(|argument| *argument != "--beside").nth(1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = Options { clients, messy: false, ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("loopback can be bound");
    let codes = sandbox.ozmap().codes();
    sandbox.int6().clear();
    for (i, code) in codes.iter().enumerate() {
        let power = -8.0 - ((i * 7_919) % VALUES) as f64 / 100.0;
        sandbox.int6().push_row(
            json!({ "gpon_client_id": code.parse::<u64>().ok(), "rx_power": format!("{power:.2}") }),
        );
    }
    println!("{clients} clients, every power changed, {} different values", VALUES.min(clients));
    println!(
        "{:<18} {:>8} {:>8} {:>10} {:>10} {:>9}",
        "writes", "calls", "reads", "wall s", "CPU s", "peak MB"
    );
    let again = || {
        for code in &codes {
            sandbox.ozmap().set_potency_read(code, Some(-40.0));
        }
        tempfile::tempdir().expect("a temporary folder")
    };
    // Twice, because machines are noisy.
    for _ in 0..2 {
        measure(&sandbox, "grouped by value", OURS, &["sync"], "on", &again());
        if let Some(beside) = beside {
            measure(&sandbox, "  the other build", beside, &["sync"], "on", &again());
        }
    }
    measure(&sandbox, "one per client", OURS, &["sync"], "off", &again());
    let folder = again();
    measure(&sandbox, "a dry run", OURS, &["sync", "--dry-run"], "on", &folder);
    let plan = runtime.block_on(listed(&folder));
    measure(&sandbox, "applied by id", OURS, &["sync", "--plan", &plan], "on", &folder);
}

const OURS: &str = env!("CARGO_BIN_EXE_int6-ozmap-gateway");

fn database(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("gateway.db").display())
}

/// Lists the newest run's changes page by page; returns its id.
async fn listed(folder: &tempfile::TempDir) -> String {
    let store = Store::open(&database(folder)).await.expect("the database of the dry run");
    let runs = store.runs("default", &RunFilter::default(), 1).await.expect("the runs");
    let (id, begun) = (runs[0].id, Instant::now());
    let (mut listed, mut after) = (0, None);
    loop {
        let page = store.changes(id, &ChangeFilter::default(), after, 1_000).await.expect("a page");
        let Some(last) = page.last() else { break };
        (listed, after) = (listed + page.len(), Some(last.seq));
    }
    println!("{:<18} {listed} changes in pages of 1,000: {:.2} s", "  listed", begun.elapsed().as_secs_f64());
    store.close().await;
    id.to_string()
}

fn measure(
    sandbox: &Sandbox,
    name: &str,
    binary: &str,
    arguments: &[&str],
    batching: &str,
    folder: &tempfile::TempDir,
) {
    sandbox.ozmap().calls().reset();
    let (before, begun) = (usage(), Instant::now());
    let mut gateway = Command::new(binary)
        .args(arguments)
        .env("DATABASE_URL", database(folder))
        .env("OZMAP_URL", sandbox.ozmap_url())
        .env("OZMAP_API_KEY", sandbox.ozmap_key())
        .env("INT6_URL", sandbox.int6_url())
        .env("INT6_EMAIL", sandbox.int6_email())
        .env("INT6_TOKEN", sandbox.int6_token())
        .env("SYNC_BATCHING", batching)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the gateway can be started");
    let mut peak_mb = 0;
    let status = loop {
        peak_mb = peak_mb.max(peak_memory_mb(gateway.id()));
        match gateway.try_wait().expect("the gateway is our child") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let (wall, after) = (begun.elapsed(), usage());
    assert!(status.success(), "the run ended with {status}");
    let counts = sandbox.ozmap().calls().counts();
    let cpu = cpu(&after).saturating_sub(cpu(&before));
    println!(
        "{name:<18} {:>8} {:>8} {:>10.2} {:>10.2} {peak_mb:>9}",
        counts.writes(),
        counts.reads,
        wall.as_secs_f64(),
        cpu.as_secs_f64()
    );
}

/// The high-water mark of a process's resident memory. `getrusage` would tell the larger one of this process, which forks it.
fn peak_memory_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn usage() -> Usage {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells")
}

fn cpu(usage: &Usage) -> Duration {
    let time =
        |t: nix::sys::time::TimeVal| Duration::from_micros((t.tv_sec() * 1_000_000 + t.tv_usec()) as u64);
    time(usage.user_time()) + time(usage.system_time())
}
