//! Cached lookups of a client's power under load, beside a bare axum handler that returns the same JSON.
//!
//! `cargo bench --bench power [-- CONNECTIONS]`; default 64 connections that are kept open, 5 s each. The gateway and the bare
//! handler run in processes of their own, the pretend systems and the callers in this one.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::header;
use axum::routing::get;
use gateway_sandbox::{Options, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "the-key-of-the-gateway";
const LASTS: Duration = Duration::from_secs(5);
/// In the environment of the process that is the bare handler: what it answers.
const BARE: &str = "BENCH_BARE_BODY";

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listen = std::env::var("GATEWAY_LISTEN");
    if let (Ok(body), Ok(listen)) = (std::env::var(BARE), listen) {
        return runtime.block_on(bare(&listen, body));
    }
    let connections = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(64);
    runtime.block_on(compare(connections));
}

/// The least that can answer: a route and a text.
async fn bare(listen: &str, body: String) {
    let answer = move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], body.clone()));
    let router = axum::Router::new().route("/v1/clients/{code}/power", get(answer));
    let listener = TcpListener::bind(listen).await.expect("loopback can be bound");
    axum::serve(listener, router).await.expect("it serves");
}

async fn compare(connections: usize) {
    let sandbox = Sandbox::start(Options { clients: 200, messy: false, ..Options::default() }).await;
    let sandbox = sandbox.expect("loopback can be bound");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _gateway = Process(
        Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"))
            .arg("serve")
            .env("GATEWAY_LISTEN", address.to_string())
            .env("GATEWAY_API_KEY", KEY)
            .env("GATEWAY_REQUESTS_PER_MINUTE", "0")
            .env("GATEWAY_LOG", "warn")
            .env("SYNC_INTERVAL_SECONDS", "0")
            .env("DATABASE_URL", format!("sqlite://{}", folder.path().join("gateway.db").display()))
            .env("OZMAP_URL", sandbox.ozmap_url())
            .env("OZMAP_API_KEY", sandbox.ozmap_key())
            .env("INT6_URL", sandbox.int6_url())
            .env("INT6_EMAIL", sandbox.int6_email())
            .env("INT6_TOKEN", sandbox.int6_token())
            .env("PROVISIONING_POWER_CACHE_SECONDS", "3600")
            .stdin(Stdio::null())
            .spawn()
            .expect("the gateway can be started"),
    );
    let body = first_answer(address).await;
    let bare_address = free_address();
    let _bare = Process(
        Command::new(std::env::current_exe().expect("this program"))
            .env("GATEWAY_LISTEN", bare_address.to_string())
            .env(BARE, body)
            .spawn()
            .expect("this program can be started"),
    );
    first_answer(bare_address).await;
    println!("{connections} connections, {} s each", LASTS.as_secs());
    println!("{:<24} {:>12} {:>10} {:>10}", "", "answers/s", "p50 µs", "p99 µs");
    // Twice, because what comes first finds a colder machine.
    for _ in 0..2 {
        let base = measure("bare axum handler", bare_address, connections).await;
        let ours = measure("gateway, cached power", address, connections).await;
        println!("{:<24} {:>12.2}", "  the gateway's share", ours / base);
    }
}

/// Answers in a second.
async fn measure(name: &str, address: SocketAddr, connections: usize) -> f64 {
    let until = Instant::now() + LASTS;
    let callers: Vec<_> = (0..connections).map(|_| tokio::spawn(call_until(address, until))).collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await.expect("a caller"));
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
    let rate = times.len() as f64 / LASTS.as_secs_f64();
    println!("{name:<24} {rate:>12.0} {:>10} {:>10}", at(0.5), at(0.99));
    rate
}

async fn call_until(address: SocketAddr, until: Instant) -> Vec<Duration> {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.set_nodelay(true).expect("an option");
    let mut times = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        let (status, _) = call(&mut connection).await;
        assert_eq!(status, 200);
        times.push(begun.elapsed());
    }
    times
}

/// One request on a kept connection: so little that the callers do not take the machine from the called.
async fn call(connection: &mut TcpStream) -> (u16, String) {
    let request = format!(
        "GET /v1/clients/10001/power?read_dbm=-20.1&limit_db=3 HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    let (mut answer, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let read = connection.read(&mut piece).await.expect("an answer");
        assert!(read > 0, "the connection was ended");
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
            let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
            return (status, body.to_owned());
        }
    }
}

/// Waits until it listens, and until the answer is cached.
async fn first_answer(address: SocketAddr) -> String {
    for _ in 0..200 {
        if let Ok(mut connection) = TcpStream::connect(address).await {
            call(&mut connection).await;
            let (status, body) = call(&mut connection).await;
            assert_eq!(status, 200, "{body}");
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing listens at {address}");
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    listener.local_addr().expect("an address")
}

/// Ends with this program.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
