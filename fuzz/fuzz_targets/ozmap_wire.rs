//! Whatever OZmap may answer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| int6_ozmap_gateway::fuzzing::ozmap_wire(data));
