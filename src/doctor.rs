//! Tells an operator whether the gateway can work here, and what to do where it cannot.
//!
//! Each check is a value ([`Check`]). What is looked at is looked at once, at the edges ([`of_tenant`], [`of_database`],
//! [`of_machine`]); what it means is decided by pure functions, one file for each noun. Nothing is written to either system; to the
//! database one row, which is deleted again.
//!
//! A check is `ok` only where something was seen that says so. What cannot be tried without writing is said to be untried.

mod ages;
mod calls;
mod check;
mod clock;
mod codes;
mod database;
mod fields;
mod int6;
mod keys;
mod last_run;
mod machine;
mod ozmap;
mod pages;
mod place;
mod powers;
mod rows;
mod suggestion;
mod tenant;
mod words;

pub use check::{Check, CheckStatus, Diagnosis};
pub use database::of_database;
pub use machine::of_machine;
pub use tenant::{not_callable, of_tenant};
