//! t
pub mod apply;
pub mod batch;
pub mod plan;
pub mod snapshot;
