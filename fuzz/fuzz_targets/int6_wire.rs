//! Whatever INT6 may answer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| int6_ozmap_gateway::fuzzing::int6_wire(data));
