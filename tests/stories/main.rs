//! Stories told to the pretend OZmap and INT6 over real HTTP, with a real database.
//!
//! Each group begins with "nothing to do"; a test's name is the behaviour.

#![allow(unreachable_pub)] // A test binary has no public face.
#![allow(clippy::disallowed_methods)] // The stories are callers, not the gateway.

mod activation;
mod activation_away;
mod api;
mod auth;
mod batches;
mod certificates;
mod clients;
mod commands;
mod description;
mod doctor;
mod edits;
mod faults;
mod gallery;
mod int6_pages;
mod int6_side;
mod interleavings;
mod logs;
mod metrics;
mod mirror;
mod monitoring;
mod nearby;
mod notices;
mod on_postgres;
mod operations;
mod ozmap_lists;
mod ozmap_rows;
mod pauses;
mod plans;
mod power;
mod promises;
mod races;
mod rails;
mod readings;
mod receiver;
mod releases;
mod reload;
mod replicas;
mod roles;
mod rules;
mod sdk;
mod series;
mod service;
mod switches;
mod technician;
mod town;
mod wire_bodies;
mod world;
mod writer;
mod writes;
