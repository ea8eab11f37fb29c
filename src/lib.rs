//! The gateway between INT6, which provisions and monitors an ISP's ONUs, and OZmap, the map of its fibre network.
//!
//! A tour of the house, from the pure middle to the edges; imports go downwards only:
//!
//! - [`domain`]: the words of the trade as types that cannot be built wrong, and the rule that turns a reading into what
//!   OZmap shall hold. Pure.
//! - [`upstream`]: the one way to call another system: limits, time-outs, repeats, circuit breaker, redacted errors.
//! - [`ozmap`], [`int6`]: one system each, in our words; their JSON stops at each one's `wire`.
//! - [`store`]: what is remembered: runs, changes, findings, activations, promises, locks. SQLite or PostgreSQL.
//! - [`mirror`]: a tenant's network in memory: sites, drop splitters, free ports.
//! - [`provisioning`]: what INT6 asks for while a technician waits: light, splitters nearby, activation. What may be done to a
//!   port is decided in [`domain::activation`].
//! - [`sync`]: INT6 → OZmap, every 10 minutes. `snapshot`, `plan` and `batch` decide and are pure; `apply` carries out;
//!   `engine` is the single entry point for timer, API and command line.
//! - [`http`]: the API, its description and its errors.
//! - [`config`], [`key`], [`telemetry`], [`app`], [`cli`]: settings, keys, logs, the rooms put together, the command line.
//! - [`sandbox`]: a pretend OZmap, a pretend INT6 and a made-up town. It shares no type with the rest, so that a
//!   misunderstanding cannot pass on both sides.

pub mod app;
pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod int6;
pub mod key;
pub mod mirror;
pub mod ozmap;
pub mod provisioning;
mod schedule;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod upstream;
