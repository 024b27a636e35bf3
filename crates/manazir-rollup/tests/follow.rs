//! A file that is followed while others write, truncate and replace it.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use manazir_rollup::follow::{Follow, LINE_BYTES_MAX, Line, Place, TooLong};
use proptest::prelude::*;
use tempfile::TempDir;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("finding.csv");
    (folder, path)
}

fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

fn line(position: u64, bytes: impl AsRef<[u8]>) -> Line {
    Line { position, bytes: Ok(bytes.as_ref().to_vec()) }
}

/// All that is there now, as `position:line`.
fn all(follow: &mut Follow) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let lines = follow.read(3).unwrap();
        if lines.is_empty() {
            return all;
        }
        all.extend(lines.into_iter().map(|Line { position, bytes }| {
            let bytes = bytes.map_or_else(|why| why.to_string(), |bytes| String::from_utf8(bytes).unwrap());
            format!("{position}:{bytes}")
        }));
    }
}

#[test]
fn a_file_that_is_there_is_read_from_its_first_line() {
    let (_folder, path) = file();
    let written: Vec<String> = (0..100).map(|line| format!("{line}:finding {line}")).collect();
    append(&path, (0..100).map(|line| format!("finding {line}\n")).collect::<String>());
    assert_eq!(all(&mut Follow::open(&path, None)), written);
}

#[test]
fn a_file_that_is_not_there_yet_has_nothing_and_may_come() {
    let (_folder, path) = file();
    let mut follow = Follow::open(&path, None);
    assert_eq!(follow.read(10).unwrap(), []);
    append(&path, "a\n");
    assert_eq!(all(&mut follow), ["0:a"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(follow.read(10).unwrap(), []);
    append(&path, "b\n");
    assert_eq!(all(&mut follow), ["0:b"]);
}

#[test]
fn a_line_waits_for_its_end_however_it_is_cut() {
    let (_folder, path) = file();
    let mut follow = Follow::open(&path, None);
    let mut given = Vec::new();
    for byte in "998,Zoë 😀\r\n\r\n\nx\ry\n".bytes() {
        append(&path, [byte]);
        given.extend(all(&mut follow));
    }
    assert_eq!(given, ["0:998,Zoë 😀", "1:", "2:", "3:x\ry"]);
}

#[test]
fn a_last_line_without_end_is_given_when_the_file_is_at_its_end() {
    let (_folder, path) = file();
    append(&path, "a\nb");
    let mut follow = Follow::open(&path, None);
    assert_eq!(all(&mut follow), ["0:a"]);
    let place = follow.place();
    assert_eq!(follow.finish(), Some(line(1, "b")));
    append(&path, "c\nd\n");
    let mut later = Follow::open(&path, Some(place));
    assert_eq!(all(&mut later), ["1:bc", "2:d"]);
    assert_eq!(later.finish(), None);
}

#[test]
fn bytes_that_are_no_text_pass() {
    let (_folder, path) = file();
    append(&path, b"\xff\xfe,\0\n\xc3");
    let mut follow = Follow::open(&path, None);
    assert_eq!(follow.read(10).unwrap(), [line(0, b"\xff\xfe,\0")]);
    assert_eq!(follow.finish(), Some(line(1, b"\xc3")));
}

#[test]
fn no_more_lines_are_given_than_asked_for_and_a_restart_goes_on_behind_them() {
    let (_folder, path) = file();
    append(&path, "a\nb\r\nc\nd\n");
    let mut follow = Follow::open(&path, None);
    assert_eq!(follow.read(2).unwrap(), [line(0, "a"), line(1, "b")]);
    let stored = follow.place().to_string();
    assert_eq!(follow.read(10).unwrap(), [line(2, "c"), line(3, "d")]);
    let again = || Follow::open(&path, Some(stored.parse().unwrap()));
    assert_eq!(
        again().place().to_string(),
        stored,
        "before anything is read the place is the one that was given"
    );
    assert_eq!(all(&mut again()), ["2:c", "3:d"]);
    let mut to_the_end = again();
    all(&mut to_the_end);
    assert_eq!(to_the_end.place(), follow.place());
    assert_eq!(all(&mut Follow::open(&path, Some(follow.place()))), [""; 0]);
}

#[test]
fn a_truncated_file_begins_again_at_position_0() {
    let (_folder, path) = file();
    append(&path, "a\nb\nhalf");
    let mut follow = Follow::open(&path, None);
    assert_eq!(all(&mut follow), ["0:a", "1:b"]);
    File::create(&path).unwrap();
    assert_eq!(all(&mut follow), [""; 0]);
    assert_eq!(follow.place(), Place::default());
    append(&path, "a\nx\n");
    assert_eq!(all(&mut follow), ["0:a", "1:x"]);
}

/// The file is as long as before, or longer, when it is looked at next.
#[test]
fn a_truncated_file_that_has_grown_again_begins_again_too() {
    let (_folder, path) = file();
    for (before, after) in [("a\nb\n", "a\nc\n"), ("a\nb\n", "1\n2\n3\n4\n"), ("a\nha", "b\nhalf\n")] {
        let _ = fs::remove_file(&path);
        append(&path, before);
        let mut follow = Follow::open(&path, None);
        all(&mut follow);
        let place = follow.place();
        fs::write(&path, after).unwrap();
        let expected: Vec<String> = after.lines().zip(0..).map(|(line, at)| format!("{at}:{line}")).collect();
        assert_eq!(all(&mut follow), expected, "{before:?} {after:?}");
        assert_eq!(
            all(&mut Follow::open(&path, Some(place))),
            expected,
            "{before:?} {after:?}, after a restart"
        );
    }
}

#[test]
fn a_file_that_was_replaced_is_read_to_its_end_and_then_the_other() {
    let (folder, path) = file();
    append(&path, "a\n");
    let mut follow = Follow::open(&path, None);
    assert_eq!(all(&mut follow), ["0:a"]);
    let place = follow.place();
    append(&path, "b\nhalf");
    fs::rename(&path, folder.path().join("old.csv")).unwrap();
    append(&path, "a\nc\n");
    assert_eq!(all(&mut follow), ["1:b", "0:a", "1:c"]);
    append(&path, "d\n");
    assert_eq!(all(&mut follow), ["2:d"]);
    // A restart cannot read what is gone.
    assert_eq!(all(&mut Follow::open(&path, Some(place))), ["0:a", "1:c", "2:d"]);
}

#[test]
fn a_restart_before_the_file_is_there_begins_with_it() {
    let (folder, path) = file();
    append(&path, "a\nb\n");
    let mut follow = Follow::open(&path, None);
    follow.read(1).unwrap();
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    let mut again = Follow::open(&path, Some(follow.place()));
    assert_eq!(all(&mut again), [""; 0]);
    assert_eq!(again.place(), follow.place());
    fs::rename(&away, &path).unwrap();
    assert_eq!(all(&mut again), ["1:b"]);
}

#[test]
fn a_line_that_is_too_long_is_told_and_let_go() {
    let (_folder, path) = file();
    let (longest, longer) = ("x".repeat(LINE_BYTES_MAX), "y".repeat(LINE_BYTES_MAX + 1));
    append(&path, format!("a\n{longest}\r\n{longer}\n{longer}{longer}{longer}\nb\n"));
    let mut follow = Follow::open(&path, None);
    let expected = [line(0, "a"), line(1, longest), too_long(2), too_long(3), line(4, "b")];
    let mut given = Vec::new();
    let mut restarted = Vec::new();
    let mut place = None;
    for _ in 0..5 {
        given.extend(follow.read(1).unwrap());
        let mut again = Follow::open(&path, place);
        restarted.extend(again.read(1).unwrap());
        place = Some(again.place());
    }
    assert!(given == expected && restarted == expected);
    assert_eq!(place, Some(follow.place()));
}

/// The place is before it until it ends, however much of it has gone by.
#[test]
fn a_line_that_is_too_long_may_come_in_pieces() {
    let (_folder, path) = file();
    append(&path, "a\n");
    let mut follow = Follow::open(&path, None);
    assert_eq!(all(&mut follow), ["0:a"]);
    let place = follow.place();
    for _ in 0..5 {
        append(&path, "y".repeat(LINE_BYTES_MAX / 2));
        assert_eq!(follow.read(10).unwrap(), []);
        assert_eq!(follow.place(), place);
    }
    let mut again = Follow::open(&path, Some(place));
    assert_eq!(again.read(10).unwrap(), []);
    assert_eq!(again.finish(), Some(too_long(1)));
    append(&path, "\nb\n");
    assert_eq!(follow.read(10).unwrap(), [too_long(1), line(2, "b")]);
    assert_eq!(all(&mut Follow::open(&path, Some(follow.place()))), [""; 0]);
}

fn too_long(position: u64) -> Line {
    Line { position, bytes: Err(TooLong) }
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut follow = Follow::open(folder.path(), None);
    assert!(follow.read(10).is_err());
    assert!(follow.read(10).is_err());
}

proptest! {
    /// However the writes are cut, with restarts in between, the lines are those of the file.
    #[test]
    fn any_splitting_of_writes_gives_the_same_lines(
        text in "([ab,é😀\r]{0,6}\n){0,40}[ab\r]{0,3}",
        cuts in proptest::collection::vec(0..400usize, 0..12),
        lines_max in 1..9usize,
        restart: bool,
    ) {
        let (_folder, path) = file();
        let mut follow = Follow::open(&path, None);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut given = Vec::new();
        for piece in cuts.windows(2) {
            append(&path, &text.as_bytes()[piece[0]..piece[1]]);
            if restart {
                follow = Follow::open(&path, Some(follow.place()));
            }
            loop {
                let lines = follow.read(lines_max).unwrap();
                prop_assert!(lines.len() <= lines_max);
                if lines.is_empty() {
                    break;
                }
                given.extend(lines);
            }
        }
        given.extend(follow.finish());
        let mut parts: Vec<&str> = text.split('\n').collect();
        if parts.last() == Some(&"") {
            parts.pop();
        }
        let expected: Vec<Line> = parts
            .into_iter()
            .zip(0..)
            .map(|(part, position)| line(position, part.strip_suffix('\r').unwrap_or(part)))
            .collect();
        prop_assert_eq!(given, expected);
    }
}
