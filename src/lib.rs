//! The gateway between INT6, which provisions and monitors an ISP's ONUs, and OZmap, the map of its fibre network.
//!
//! A tour, from the middle to the edges; imports go downwards only, and `tests/architecture.rs` holds that. The whole plan, its
//! invariants and a glossary stand in `docs/ARCHITECTURE.md`.
//!
//! - [`gateway_core`] (a crate of its own): the words of the field as types that cannot be built wrong, and everything that
//!   decides: the sync's plan, what a command makes of a client. No clock, no network, no database.
//! - [`upstream`]: the one way to call another system: limits, time-outs, repeats, circuit breaker, redacted errors.
//! - [`ozmap`], [`int6`]: one system each, in our words; their JSON stops at each one's `wire`.
//! - [`store`]: what is remembered, on SQLite or PostgreSQL: runs, changes, findings, activations, operations, locks; `payload` has
//!   the stored forms with their versions.
//! - [`mirror`]: a tenant's network in memory: sites, drop splitters, free ports.
//! - [`provisioning`]: what INT6 asks for while a technician waits: calculated power, splitters nearby, commands, and the queue of
//!   those that were accepted to be carried out later.
//! - [`sync`]: INT6 → OZmap, every 10 minutes; its engine is the single entry point of timer, API and command line.
//! - [`http`]: the API, its description and its errors.
//! - [`doctor`]: looks at settings, machine, database and both systems, and says what to mend.
//! - [`config`], [`key`], [`telemetry`], [`app`]: settings, keys, logs and metrics, and a gateway put together from all of it.
//!
//! The command line is the binary's (`src/main.rs`, `src/cli/`). The pretend systems of the command `sandbox` and of the tests are a
//! crate that shares no type with this one, so that a misunderstanding cannot pass on both sides.

pub mod app;
pub mod config;
pub mod doctor;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod int6;
pub mod key;
pub mod mirror;
pub mod notices;
pub mod ozmap;
pub mod provisioning;
mod schedule;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod upstream;
