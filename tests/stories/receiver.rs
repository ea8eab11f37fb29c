//! Somebody who is told: keeps every post, and answers as the test says.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A secret of the test's.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Signs as the public specification of Standard Webhooks says, with nothing but Python's own library.
const SIGN: &str = "import base64, hashlib, hmac, sys
secret, message_id, timestamp = sys.argv[1:4]
key = base64.b64decode(secret.removeprefix('whsec_'))
signed = b'.'.join([message_id.encode(), timestamp.encode(), sys.stdin.buffer.read()])
print('v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())";

/// What it does with a post.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reply {
    Status(u16),
    /// Another page, which is somewhere else.
    Redirect,
    /// No answer, for a minute.
    Hang,
    /// It dislikes what has this in it, and takes all else.
    Dislikes(&'static str),
}

/// A post.
#[derive(Debug, Clone)]
pub struct Told {
    pub path: String,
    pub id: String,
    pub timestamp: String,
    pub signature: Option<String>,
    pub body: String,
    /// What it was answered.
    pub reply: Reply,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Its type, of a notice.
    pub fn event(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// Whether one of its signatures is that of this secret.
    pub async fn is_signed_with(&self, secret: &str) -> bool {
        let mut python = tokio::process::Command::new("python3")
            .args(["-c", SIGN, secret, &self.id, &self.timestamp])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let mut input = python.stdin.take().expect("a pipe");
        input.write_all(self.body.as_bytes()).await.expect("it reads");
        drop(input);
        let output = python.wait_with_output().await.expect("it ends");
        let own = String::from_utf8(output.stdout).expect("a text");
        self.signature.iter().flat_map(|all| all.split(' ')).any(|one| one == own.trim())
    }
}

#[derive(Clone)]
struct Ear {
    told: Arc<Mutex<Vec<Told>>>,
    reply: Arc<Mutex<Reply>>,
}

pub struct Receiver {
    pub address: SocketAddr,
    ear: Ear,
    server: Option<JoinHandle<()>>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        let ear = Ear { told: Arc::default(), reply: Arc::new(Mutex::new(Reply::Status(204))) };
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be bound");
        let address = socket.local_addr().expect("an address");
        let server = Some(serve(socket, ear.clone()));
        Receiver { address, ear, server }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it answers so.
    pub fn replies(&self, reply: Reply) {
        *self.ear.reply.lock().expect("nobody panicked") = reply;
    }

    /// Its port is closed.
    pub async fn goes_away(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// It is there again, on the same port.
    pub async fn comes_back(&mut self) {
        let socket = TcpListener::bind(self.address).await.expect("the port is free");
        self.server = Some(serve(socket, self.ear.clone()));
    }

    /// All posts so far.
    pub fn told(&self) -> Vec<Told> {
        self.ear.told.lock().expect("nobody panicked").clone()
    }

    /// The posts that it accepted.
    pub fn accepted(&self) -> Vec<Told> {
        let mut told = self.told();
        told.retain(|told| matches!(told.reply, Reply::Status(200..=299)));
        told
    }

    /// The types of the notices that it accepted.
    pub fn events(&self) -> Vec<String> {
        self.accepted().iter().map(Told::event).collect()
    }

    /// Waits until this is so of what it was told: within a minute, in which what a killed process had is another's.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Receiver) -> bool) {
        for _ in 0..3_000 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: not in a minute; {:#?}", self.told());
    }
}

fn serve(socket: TcpListener, ear: Ear) -> JoinHandle<()> {
    let app = Router::new().fallback(hear).with_state(ear);
    tokio::spawn(async move { axum::serve(socket, app).await.expect("it serves") })
}

async fn hear(State(ear): State<Ear>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| Some(headers.get(name)?.to_str().expect("a text").to_owned());
    let reply = match *ear.reply.lock().expect("nobody panicked") {
        Reply::Dislikes(word) if body.contains(word) => Reply::Status(422),
        Reply::Dislikes(_) => Reply::Status(204),
        reply => reply,
    };
    let told = Told {
        path: uri.path().to_owned(),
        id: header("webhook-id").expect("webhook-id"),
        timestamp: header("webhook-timestamp").expect("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
        reply,
    };
    ear.told.lock().expect("nobody panicked").push(told);
    match reply {
        Reply::Dislikes(_) => StatusCode::NO_CONTENT.into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Reply::Redirect => (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
