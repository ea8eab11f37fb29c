//! Whatever a caller may send as a body.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| int6_ozmap_gateway::fuzzing::api_bodies(data));
