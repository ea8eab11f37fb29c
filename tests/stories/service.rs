//! What runs the gateway: a platform that asks by starting a program, a service manager that wants to be told, packages.

use std::os::unix::net::UnixDatagram;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::commands::serve;
use crate::world::World;

const BINARY: &str = env!("CARGO_BIN_EXE_int6-ozmap-gateway");
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sends a signal to a process that this test started.
async fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([name, &process.to_string()]).status().await.expect("kill");
    assert!(status.success(), "kill {name} {process}");
}

#[tokio::test]
async fn a_gateway_that_works_is_healthy_and_one_that_is_gone_is_not() {
    let world = World::empty().await;
    let (mut gateway, url) = serve(&world).await;
    let address = url.strip_prefix("http://").expect("an address");
    // As in an image: where it listens is a variable, and a mistake beside it does not make a living gateway ill.
    let settings = [("GATEWAY_LISTEN", address), ("SYNC_INTERVAL_SECONDS", "never")];
    let ready = run(&["healthcheck"], &settings).await;
    assert_eq!(ready.status.code(), Some(0), "{}", text(&ready.stderr));
    assert!(text(&ready.stdout).contains(r#""status":"ok""#), "{}", text(&ready.stdout));
    let live = run(&["healthcheck", "--live", "--address", address], &[]).await;
    assert_eq!(live.status.code(), Some(0), "{}", text(&live.stderr));

    gateway.kill().await.expect("it ends");
    let gone = run(&["healthcheck"], &settings).await;
    assert_eq!(gone.status.code(), Some(1), "an engine knows 0 and 1");
    assert!(text(&gone.stderr).contains(&format!("{address} does not answer")), "{}", text(&gone.stderr));
}

#[tokio::test]
async fn where_to_ask_is_read_from_the_file_that_serve_reads() {
    let world = World::empty().await;
    let (_gateway, url) = serve(&world).await;
    let address = url.strip_prefix("http://").expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.toml");
    let asked = async |text: &str| {
        std::fs::write(&file, text).expect("it can be written");
        run(&["healthcheck", "--config", &file.display().to_string()], &[]).await
    };
    let found = asked(&format!("listen = \"{address}\"\n[[tenant]]\nname = 7\n")).await;
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    let spoilt = asked("listen = \"127.0.0.1:80").await;
    assert_eq!(spoilt.status.code(), Some(1));
    assert!(text(&spoilt.stderr).contains("gateway.toml"), "{}", text(&spoilt.stderr));
    let unknown = asked("listen = \"127.0.0.1:0\"\n").await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("--address"), "{}", text(&unknown.stderr));
}

/// What was told until `last` was, in order.
fn told_until(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let (mut told, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length =
            socket.recv(&mut buffer).unwrap_or_else(|error| panic!("no {last} after {told:?}: {error}"));
        let message = text(&buffer[..length]);
        told.extend(message.lines().map(str::to_owned));
        if told.iter().any(|line| line == last) {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_when_it_works_as_long_as_it_works_and_when_it_stops() {
    let world = World::empty().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut gateway = Command::new(BINARY)
        .arg("serve")
        .env_clear()
        .envs(world.settings())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .kill_on_drop(true)
        .spawn()
        .expect("it can be started");
    let process = gateway.id().expect("it runs");

    let told = told_until(&socket, "WATCHDOG=1");
    assert_eq!(told[0], "READY=1", "first that it works: {told:?}");
    assert!(told.iter().any(|line| line.starts_with("STATUS=listens on 127.0.0.1:")), "{told:?}");

    // A process that hangs says nothing, so that the watchdog sees it.
    signal("-STOP", process).await;
    socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out");
    let mut buffer = [0; 4096];
    while socket.recv(&mut buffer).is_ok() {}
    signal("-CONT", process).await;
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    told_until(&socket, "WATCHDOG=1");

    signal("-TERM", process).await;
    let told = told_until(&socket, "STOPPING=1");
    assert!(told.iter().any(|line| line.starts_with("STATUS=stops")), "{told:?}");
    let ended = tokio::time::timeout(PATIENCE, gateway.wait()).await.expect("it ends").expect("its status");
    assert!(ended.success());
}

#[tokio::test]
async fn packages_get_completions_and_a_manual_of_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell], &[]).await;
        assert_eq!(script.status.code(), Some(0), "{shell}");
        let script = text(&script.stdout);
        for command in ["serve", "sync", "doctor", "healthcheck"] {
            assert!(script.contains(command), "{shell} completes {command}");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let written = run(&["man", &folder.path().display().to_string()], &[]).await;
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    for page in ["int6-ozmap-gateway.1", "int6-ozmap-gateway-serve.1", "int6-ozmap-gateway-healthcheck.1"] {
        let page = std::fs::read_to_string(folder.path().join(page)).expect("a page");
        assert!(page.contains(".TH int6-ozmap-gateway"), "{page}");
    }
    let nowhere = run(&["man", "/nowhere/at/all"], &[]).await;
    assert_eq!(nowhere.status.code(), Some(2));
}
