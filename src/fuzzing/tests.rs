//! What the fuzzer began with and what it found (`fuzz/corpus`) is held on a stable compiler too.

use std::path::Path;

use rstest::rstest;

use super::{api_bodies, int6_wire, ozmap_wire};

#[rstest]
#[case("int6_wire", int6_wire)]
#[case("ozmap_wire", ozmap_wire)]
#[case("api_bodies", api_bodies)]
fn every_input_of_the_corpus_is_read_as_promised(#[case] target: &str, #[case] read: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = std::fs::read_dir(&folder).expect("the corpus").flatten().collect();
    assert!(files.len() >= 10, "{} has seeds", folder.display());
    for file in files {
        println!("{}", file.path().display());
        read(&std::fs::read(file.path()).expect("a file"));
    }
}
