//! Keeps OZmap in step with INT6.

pub mod sandbox;
