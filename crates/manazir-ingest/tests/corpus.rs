//! Every file of `tests/corpus` is read without a panic, and what comes of it is written down.

use std::fmt::Write;

use expect_test::expect_file;
use manazir_ingest::decode::{cloudtrail, plain};

#[test]
fn broken_files_give_what_they_hold() {
    let mut paths: Vec<_> =
        std::fs::read_dir("tests/corpus").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut said = String::new();
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let decoded = cloudtrail::decode(&bytes);
        writeln!(said, "{}", path.file_name().unwrap().to_string_lossy()).unwrap();
        for record in &decoded.parsed {
            let event = &record.event;
            writeln!(said, "  {:?} {} {:?} {:?}", event.id, event.action, event.actor, event.resources)
                .unwrap();
        }
        for reject in &decoded.rejects {
            writeln!(said, "  ! {reject}").unwrap();
        }
        assert!(plain::decode(&bytes, 1).is_err());
    }
    expect_file!["corpus.txt"].assert_eq(&said);
}
