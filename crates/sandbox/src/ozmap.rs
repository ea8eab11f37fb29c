//! A pretend OZmap.
//!
//! - State: [`state`] holds the records of [`record`] by their [`id`]; [`property`] and [`change`] change them as OZmap grants it,
//!   with the readers of [`fields`]; a [`refusal`] says why not.
//! - Answers: [`list`] by [`collection`], [`filter`], [`sort`] and [`projection`]; [`potency`] calculates power; [`geometry`] knows
//!   the map.
//! - HTTP: [`routes`] says which request means what, [`credentials`] whose it may be, [`manners`] what differs from the contract.
//! - Tests: [`handle`] is what they hold, [`test_client`] what they add.
//!
//! Source of every rule: `docs/contracts/ozmap-api.md`, which is made of OZmap's SDK 1.1.8, its help centre, and answers seen in
//! production; what rests on none of them is marked `Inferred:`.

mod change;
mod collection;
mod credentials;
mod fields;
mod filter;
pub(crate) mod geometry;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod list;
pub(crate) mod manners;
pub(crate) mod potency;
mod projection;
mod property;
pub(crate) mod record;
mod refusal;
pub(crate) mod routes;
mod sort;
pub(crate) mod state;
pub(crate) mod test_client;
#[cfg(test)]
mod test_tenant;
#[cfg(test)]
mod tests;
