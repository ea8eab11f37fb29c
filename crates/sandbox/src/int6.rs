//! A pretend INT6: rows as its bulk read sends them ([`reading`]), its HTTP face ([`routes`]), and what tests hold ([`handle`]).
//!
//! Source of every rule: `docs/contracts/int6-api.md`, which is made of INT6's public documentation and of what ISPs' own clients
//! use; what rests on neither is marked `Inferred:`.

pub(crate) mod handle;
pub(crate) mod reading;
pub(crate) mod routes;
#[cfg(test)]
mod tests;
