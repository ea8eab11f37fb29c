//! temporary
pub mod domain;
pub mod int6;
pub mod ozmap;
pub mod sync;
pub mod upstream;
pub mod config;
