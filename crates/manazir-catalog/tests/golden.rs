//! Each folder of `tests/data` is a source; what it must come to stands in its `expected.md`.
//!
//! `UPDATE_EXPECT=1` rewrites the expectations; the difference is read in review.

mod common;

use std::path::Path;

use expect_test::expect_file;

#[track_caller]
fn check(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let (collection, rejects) = common::read_folder(&folder);
    let expected = folder.join("expected.md");
    expect_file![expected].assert_eq(&common::words(&collection, &rejects));
}

macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_folder_is_checked() {
            let named = [$(stringify!($name)),*];
            let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")).unwrap();
            for folder in folders {
                let name = folder.unwrap().file_name().into_string().unwrap();
                assert!(named.contains(&name.as_str()), "no test reads tests/data/{name}");
            }
        }
    };
}

golden! {
    file_each
    long
    wide
    row_numbers
    epochs
    day_or_month
    date_and_clock
    clock_turned
    zone_told
    all_told
    broken
    json
    parts
    hive
    no_series
    quality
    quoted
    parquet
    zst
}
