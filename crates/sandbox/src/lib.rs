//! A pretend OZmap and a pretend INT6 over real HTTP on loopback, and a made-up town that both know.
//!
//! Tests tell a story to them, let the gateway run against their addresses, and ask what came of it:
//!
//! ```no_run
//! # async fn story() -> std::io::Result<()> {
//! use gateway_sandbox::{Fault, Options, Sandbox, TestClient};
//!
//! let sandbox = Sandbox::start(Options { clients: 20, messy: false, ..Options::default() }).await?;
//! sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0));
//! sandbox.int6().set_row("147", serde_json::json!({ "gpon_client_id": 147, "rx_power": "-21,53" }));
//! sandbox.ozmap().faults().fail_route("PATCH /properties", 1, Fault::DoThenCut);
//! // … the gateway syncs `sandbox.ozmap_url()` with `sandbox.int6_url()` …
//! assert_eq!(sandbox.ozmap().property_of("147").expect("a property")["potencyRead"], -21.53);
//! assert_eq!(sandbox.ozmap().calls().counts().updates, 1);
//! # Ok(())
//! # }
//! ```
//!
//! People use the same thing as a demonstration: `int6-ozmap-gateway sandbox`.
//!
//! # A tour
//!
//! State comes first and does no input or output; HTTP comes second.
//!
//! 1. `town` draws a network and its clients: what OZmap holds, what INT6 reads, and the noise that is in real data.
//! 2. `ozmap` is the one system, `int6` the other. Each has a state, routes that answer a call from it, and a handle by which a
//!    test changes it past HTTP.
//! 3. `exchange` is a call and its answer, `simulator` what a system is to the server.
//! 4. `faults` is what goes wrong on purpose, `call_log` who called.
//! 5. `serve` takes a request from socket to socket, with the cuttable sockets of `socket`.
//! 6. [`worlds`] is a gallery of broken and of healthy worlds, each with the truth that it knows, and the judge of what was done.
//! 7. `sandbox` starts and stops all of it, as `options` say. `lock` and `secret` are tools. `postgres`, a
//!    feature for tests, is a throw-away database server.
//!
//! # Walls
//!
//! **It shares no type with the gateway**, and is written from `docs/contracts/ozmap-api.md` and `docs/contracts/int6-api.md` alone,
//! so that a misspelt field cannot pass on both sides. Where those say nothing, a rule is marked `Inferred:`. What it does not know
//! it answers with 501 instead of a guess.
//!
//! Files import downwards: `worlds` → `sandbox` → `town` → `ozmap`, `int6` → `simulator` → `faults`, `call_log` → `exchange`. `serve` knows no
//! system but what `simulator` says of it, and the two systems do not know each other.

mod call_log;
mod exchange;
mod faults;
mod int6;
mod lock;
mod options;
mod ozmap;
#[cfg(feature = "postgres")]
mod postgres;
mod sandbox;
mod secret;
mod serve;
mod simulator;
mod socket;
#[cfg(test)]
mod tests;
mod town;
pub mod worlds;

pub use call_log::{CallCounts, CallLog, RecordedCall};
pub use faults::{Fault, FaultInjector, Gate};
pub use int6::handle::Int6Handle;
pub use options::Options;
pub use ozmap::handle::OzmapHandle;
pub use ozmap::manners::{FilterManner, OzmapManners, PageManner, TotalManner, WriteManner};
pub use ozmap::test_client::{AddedClient, TestClient};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use sandbox::Sandbox;
