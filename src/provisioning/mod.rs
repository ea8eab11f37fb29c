//! INT6 asks: the light of a client, and what an installation makes of him in OZmap.
//!
//! `power` reads; `activation` looks, decides (by `domain::activation`, which is pure), writes and looks again;
//! `operations` keeps the promises that were given with a 202.

pub mod activation;
mod callback;
mod failure;
pub mod operations;
pub mod power;

pub use callback::Callbacks;
pub use failure::Failure;
