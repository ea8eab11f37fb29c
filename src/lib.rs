//! temporary
pub mod config;
pub mod domain;
pub mod http;
pub mod int6;
pub mod ozmap;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod upstream;
