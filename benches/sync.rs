//! One run of the sync over real HTTP at the size of a large ISP, writes grouped by value beside one PATCH per client.
//!
//! `cargo bench --bench sync [-- CLIENTS]`; default 200,000 clients, 2,200 different values, every power changed. The pretend
//! systems run in this process, the gateway (`sync`) in one of its own, so that its memory and CPU are its own.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gateway_sandbox::{Options, Sandbox};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde_json::json;

const VALUES: usize = 2_200;

fn main() {
    let clients = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(200_000);
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
    for (name, batching) in [("grouped by value", "on"), ("one per client", "off")] {
        for code in &codes {
            sandbox.ozmap().set_potency_read(code, Some(-40.0));
        }
        measure(&sandbox, name, batching);
    }
}

fn measure(sandbox: &Sandbox, name: &str, batching: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    sandbox.ozmap().calls().reset();
    let (before, begun) = (usage(), Instant::now());
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"))
        .arg("sync")
        .env("DATABASE_URL", format!("sqlite://{}", folder.path().join("gateway.db").display()))
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
