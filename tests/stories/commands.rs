//! The binary as people and platforms use it: exit statuses, signals, crashes.

use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_sandbox::Fault;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::{KEY, World};

const BINARY: &str = env!("CARGO_BIN_EXE_int6-ozmap-gateway");

fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().envs(world.settings()).kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    tokio::time::timeout(Duration::from_secs(60), output).await.expect("it ends").expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `serve`, and the address at which it listens.
pub async fn serve(world: &World) -> (Child, String) {
    let (child, url, _) = serve_with_log(world).await;
    (child, url)
}

/// The lines that a process has logged so far.
pub type Log = Arc<Mutex<Vec<String>>>;

/// `serve`, the address at which it listens, and its log.
pub async fn serve_with_log(world: &World) -> (Child, String, Log) {
    serve_by(&world.settings()).await
}

/// The same by these settings alone.
pub async fn serve_by(settings: &[(String, String)]) -> (Child, String, Log) {
    let mut command = Command::new(BINARY);
    command.arg("serve").env_clear().envs(settings.iter().cloned());
    started(command).await
}

/// The same by this file alone.
pub async fn serve_from(file: &std::path::Path) -> (Child, String, Log) {
    let mut command = Command::new(BINARY);
    command.arg("serve").arg("--config").arg(file).env_clear();
    started(command).await
}

async fn started(mut command: Command) -> (Child, String, Log) {
    command.kill_on_drop(true);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it can be started");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let log = Log::default();
    let address = loop {
        let line = lines.next_line().await.expect("a line").expect("it says where it listens");
        log.lock().expect("the log").push(line.clone());
        // As text, and as JSON.
        let rest = line.split_once("address=").or_else(|| line.split_once(r#""address":""#));
        if let Some((_, rest)) = rest {
            break rest.split([' ', '"']).next().expect("an address").to_owned();
        }
    };
    let kept = Arc::clone(&log);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            kept.lock().expect("the log").push(line);
        }
    });
    (child, format!("http://{address}"), log)
}

async fn get(url: &str) -> Value {
    let answer = reqwest::Client::new().get(url).header("x-api-key", KEY).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn sync_prints_the_plan_and_a_summary_and_ends_with_0() {
    let world = World::empty().await;
    world.client("10234");
    world.reading("10234", json!(-21.75));
    let dry = output(command(&world, &["sync", "--dry-run"])).await;
    let printed = text(&dry.stdout);
    assert!(printed.starts_with("~ 10234  power -20.00 -> -21.75 dBm\n"), "{printed}");
    assert!(printed.contains("dry run, nothing was written") && printed.contains("1 to change"), "{printed}");
    assert_eq!((dry.status.code(), world.writes()), (Some(0), 0));
    let told = text(&dry.stderr);
    assert_eq!(told, "read 1 clients of OZmap, 1 rows of INT6\n", "plain lines where there is no terminal");

    let run = output(command(&world, &["sync"])).await;
    assert!(text(&run.stdout).contains("1 changed, 0 failed"), "{}", text(&run.stdout));
    assert_eq!((run.status.code(), world.held("10234").0), (Some(0), json!(-21.75)));
}

#[tokio::test]
async fn sync_ends_with_1_if_a_change_failed_and_with_2_if_the_run_did() {
    let world = World::town(30).await;
    let code = world.sandbox.ozmap().codes()[0].clone();
    world.reading(&code, json!(-31));
    world.sandbox.ozmap().refuse_client(&code);
    let some = output(command(&world, &["sync"])).await;
    assert_eq!(some.status.code(), Some(1), "{}", text(&some.stdout));
    assert!(text(&some.stdout).contains(&format!("! {code}  power")), "{}", text(&some.stdout));

    for code in world.sandbox.ozmap().codes() {
        world.reading(&code, json!("LOS"));
    }
    world.sandbox.ozmap().forgive();
    let held = output(command(&world, &["sync"])).await;
    let printed = text(&held.stdout);
    assert_eq!(held.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("HELD, status of 30 clients: 30 of 30 clients would turn to Error"),
        "{printed}"
    );
    let plan = printed.split_once("sync --plan ").expect("how to apply it").1;
    let plan = plan.split_whitespace().next().expect("an id");
    let refused = output(command(&world, &["sync", "--plan", plan, "--fields", "light"])).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("one of read_power, status, implantation, onu is expected"));
    let applied = output(command(&world, &["sync", "--plan", plan, "--fields", "status"])).await;
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stdout));
    assert!(text(&applied.stdout).contains("status: 30 changes: 30 written"), "{}", text(&applied.stdout));
    let again = output(command(&world, &["sync", "--plan", plan, "--fields", "status"])).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(
        text(&again.stderr).contains("status of this plan was applied already"),
        "{}",
        text(&again.stderr)
    );

    world.sandbox.int6().clear();
    assert_eq!(output(command(&world, &["sync"])).await.status.code(), Some(2));
}

#[tokio::test]
async fn wrong_settings_stop_the_start_with_all_mistakes() {
    let mut world = World::empty().await;
    world.set("OZMAP_URL", "nonsense");
    world.set("SYNC_INTERVALL_SECONDS", "600");
    world.set("INT6_TOKEN", "");
    for arguments in [vec!["serve"], vec!["sync"], vec!["doctor"]] {
        let refused = output(command(&world, &arguments)).await;
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        for part in [
            "3 mistake(s)",
            "OZMAP_URL",
            "SYNC_INTERVALL_SECONDS is no setting",
            "INT6_TOKEN (`int6.token` in the file) is missing",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_explained() {
    let world = World::empty().await;
    let none = output(command(&world, &[])).await;
    assert!(text(&none.stderr).contains("Usage:"), "help without arguments");
    for arguments in [
        vec!["sinc"],
        vec!["sync", "--dry"],
        vec!["sandbox", "--clients", "0"],
        vec!["sandbox", "--fail", "101"],
    ] {
        let refused = output(command(&world, &arguments)).await;
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(!refused.stderr.is_empty());
    }
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_and_says_the_remedy() {
    let mut world = World::empty().await;
    let sound = output(command(&world, &["doctor"])).await;
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stdout));
    world.set("OZMAP_API_KEY", "not-the-key");
    world.set("INT6_URL", "http://127.0.0.1:1");
    world.set("UPSTREAM_TIMEOUT_SECONDS", "2");
    let ill = output(command(&world, &["doctor"])).await;
    let told = text(&ill.stdout);
    assert_eq!(ill.status.code(), Some(2));
    assert!(
        told.contains("FAIL  default: OZmap at http://127.0.0.1") && told.contains("FAIL  default: INT6 at"),
        "{told}"
    );
    assert!(told.contains("remedy:") && !told.contains("not-the-key"), "{told}");
}

#[tokio::test]
async fn killed_in_mid_apply_and_started_again_it_converges_and_says_what_was_cut_off() {
    let mut world = World::town(200).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.005 - i as f64 / 50.0));
    }
    world.set("SYNC_INTERVAL_SECONDS", "3600");
    world.set("GATEWAY_LEASE_SECONDS", "4");
    world.sandbox.ozmap().faults().set_latency(Duration::from_millis(50));
    let (mut child, _) = serve(&world).await;
    while world.writes() < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().await.expect("it can be killed");
    let written = world.writes();
    assert!(written < 200, "it was killed in the middle");

    let (child, url) = serve(&world).await;
    // Its own beat is an hour away: that it goes on is the dead one's work taken over.
    let mut finished = false;
    for _ in 0..1_000 {
        let runs = get(&format!("{url}/v1/sync-runs?state=finished")).await;
        finished = runs["sync_runs"].as_array().is_some_and(|runs| !runs.is_empty());
        if finished {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(finished, "it goes on within twenty seconds");
    let runs = get(&format!("{url}/v1/sync-runs")).await;
    let oldest = runs["sync_runs"].as_array().and_then(|runs| runs.last()).cloned().expect("the first run");
    assert_eq!(oldest["state"], "failed");
    assert!(oldest["error"].as_str().is_some_and(|why| why.starts_with("cut off:")), "{oldest}");
    drop(child);
    world.sandbox.ozmap().faults().set_latency(Duration::ZERO);
    assert_eq!(world.sync().await.counts.changed, 0, "everything had been written");
}

#[tokio::test]
async fn sigterm_ends_the_process_cleanly_even_with_half_a_request_open() {
    use tokio::io::AsyncWriteExt;
    let world = World::town(20).await;
    let (mut child, url) = serve(&world).await;
    let address = url.trim_start_matches("http://");
    let mut half = tokio::net::TcpStream::connect(address).await.expect("it listens");
    half.write_all(b"GET /v1/sync-runs HTTP/1.1\r\nHost: x\r\n").await.expect("half a request");
    let pid = child.id().expect("it runs").to_string();
    let begun = std::time::Instant::now();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill").success());
    let status = tokio::time::timeout(Duration::from_secs(15), child.wait())
        .await
        .expect("it ends")
        .expect("a status");
    assert!(status.success() && begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn keygen_and_openapi_print_what_they_promise() {
    let world = World::empty().await;
    let keys = text(&output(command(&world, &["keygen"])).await.stdout);
    let lines: Vec<(&str, &str)> = keys.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!((lines[0].0, lines[1].0), ("GATEWAY_API_KEY", "GATEWAY_API_KEY_SHA256"));
    assert!(lines.iter().all(|(_, value)| value.len() == 64));
    let document = text(&output(command(&world, &["openapi"])).await.stdout);
    assert_eq!(document, int6_ozmap_gateway::http::openapi_json());
}

#[tokio::test]
async fn whoever_reads_no_further_is_no_failure_of_what_prints() {
    let world = World::empty().await;
    for arguments in
        [&["openapi"][..], &["keygen"], &["completions", "bash"], &["sandbox", "--world", "list"]]
    {
        let mut child = command(&world, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be started");
        drop(child.stdout.take());
        let ended = child.wait_with_output().await.expect("it ends");
        assert!(ended.status.success(), "{arguments:?}: {}", text(&ended.stderr));
        assert!(!text(&ended.stderr).contains("panicked"), "{arguments:?}: {}", text(&ended.stderr));
    }
}

#[tokio::test]
async fn a_log_level_that_there_is_not_is_told_before_anything_is_done() {
    let world = World::empty().await;
    for (name, value, told) in [
        ("GATEWAY_LOG", "warning", "did you mean `warn`?"),
        ("GATEWAY_LOG_FORMAT", "xml", "`xml` is neither text nor json"),
    ] {
        for arguments in [&["serve"][..], &["sync"], &["doctor"]] {
            let mut refused = command(&world, arguments);
            refused.env(name, value);
            let ended = output(refused).await;
            assert_eq!(ended.status.code(), Some(2), "{arguments:?}");
            let stderr = text(&ended.stderr);
            assert!(stderr.starts_with(&format!("error: {name}: ")) && stderr.contains(told), "{stderr}");
        }
    }
}

#[tokio::test]
async fn on_a_terminal_the_bar_says_how_much_of_both_sides_is_read() {
    let world = World::town(40).await;
    let slow = Fault::Hang(Duration::from_millis(700));
    world.sandbox.int6().faults().fail_route("/api/diag", 1, slow);
    // Python gives the command a terminal of its own, and passes on what comes there.
    let mut terminal = Command::new("python3");
    terminal.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])", BINARY, "sync", "--dry-run"]);
    terminal.env_clear().envs(world.settings()).env("TERM", "xterm");
    terminal.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let shown = text(&output(terminal).await.stdout);
    assert!(shown.contains("read 40 clients of OZmap, 0 rows of INT6"), "{shown}");
}
