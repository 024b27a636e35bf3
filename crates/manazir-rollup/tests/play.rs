//! A stream that is played by a clock of the test's.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use manazir_rollup::follow::{Follow, LINE_BYTES_MAX};
use manazir_rollup::play::{Broken, Play, Played, Stage};
use tempfile::TempDir;

/// Notes what is there whenever it is asked to wait.
struct Clock {
    output: PathBuf,
    notes: Vec<String>,
    /// It ends the play at so many notes.
    end: usize,
}

impl Stage for Clock {
    fn wait(&mut self, time: Duration) -> ControlFlow<()> {
        let lines = fs::read_to_string(&self.output).unwrap().lines().count();
        self.notes.push(format!("{lines} lines, {} ms", time.as_millis()));
        if self.notes.len() == self.end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn broken(&mut self, line: u64, why: Broken) {
        self.notes.push(format!("line {line}: {why}"));
    }
}

struct Theatre {
    _folder: TempDir,
    input: PathBuf,
    clock: Clock,
}

impl Theatre {
    fn new(input: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [path, output] = ["finding_offsets.csv", "finding.csv"].map(|name| folder.path().join(name));
        fs::write(&path, input).unwrap();
        Self { _folder: folder, input: path, clock: Clock { output, notes: Vec::new(), end: usize::MAX } }
    }

    fn play(&mut self, play: &Play) -> Played {
        play.play(&self.input, &self.clock.output.clone(), &mut self.clock).unwrap()
    }

    fn output(&self) -> String {
        fs::read_to_string(&self.clock.output).unwrap()
    }
}

const STREAM: &str =
    "1,2019-02-01 00:00:00,0.25,85\n2,2019-02-01 12:00:00,0.75,36\n3,2019-02-02 00:00:00,1.25,7";

#[test]
fn lines_come_at_the_pace_of_their_days_and_without_them() {
    let mut theatre = Theatre::new(STREAM);
    let played = theatre.play(&Play { secs_per_day: 4.0, ..Play::default() });
    assert_eq!(played, Played { written: 3, broken: 0, stopped: false });
    assert_eq!(theatre.clock.notes, ["0 lines, 0 ms", "1 lines, 2000 ms", "2 lines, 2000 ms"]);
    let written = "1,2019-02-01 00:00:00,85\n2,2019-02-01 12:00:00,36\n3,2019-02-02 00:00:00,7\n";
    assert_eq!(theatre.output(), written);
    theatre.play(&Play::default());
    assert_eq!(theatre.output(), written, "a second play begins with an empty file");
    theatre.play(&Play { truncate: false, secs_per_day: 0.0, ..Play::default() });
    assert_eq!(theatre.output(), written.repeat(2));
    assert_eq!(theatre.clock.notes[6..], ["3 lines, 0 ms", "4 lines, 0 ms", "5 lines, 0 ms"]);
}

#[test]
fn going_back_waits_for_nothing_and_is_not_waited_for_twice() {
    let mut theatre = Theatre::new("0,a\n2,b\r\n1,c\n1.5,d\n2.25,e\n-3,f\n");
    theatre.play(&Play { secs_per_day: 1.0, offset_column: 0, truncate: true });
    let waited: Vec<&str> = theatre.clock.notes.iter().map(|note| note.split_once(", ").unwrap().1).collect();
    assert_eq!(waited, ["0 ms", "2000 ms", "0 ms", "0 ms", "250 ms", "0 ms"]);
    assert_eq!(theatre.output(), "a\nb\nc\nd\ne\nf\n");
}

#[test]
fn broken_lines_are_told_and_do_not_stop_the_rest() {
    let long = "9".repeat(LINE_BYTES_MAX + 1);
    let mut theatre = Theatre::new(
        [
            b"1,t,0,a\n\n2,t\n3,t,soon,b\n4,t,NaN,c\n5,t,\xff,d\n".as_slice(),
            long.as_bytes(),
            b"\n6,t, 1 ,\xff\n",
        ]
        .concat(),
    );
    let played = theatre.clock.output.clone();
    let played = Play::default().play(&theatre.input, &played, &mut Quiet(&mut theatre.clock)).unwrap();
    assert_eq!(played, Played { written: 2, broken: 6, stopped: false });
    assert_eq!(
        theatre.clock.notes,
        [
            "line 2: the line has no column 2, counted from 0, with its day",
            "line 3: the line has no column 2, counted from 0, with its day",
            "line 4: `soon` is no number of days",
            "line 5: `NaN` is no number of days",
            "line 6: `\u{fffd}` is no number of days",
            "line 7: the line is longer than 1048576 bytes",
        ]
    );
    assert_eq!(fs::read(&theatre.clock.output).unwrap(), b"1,t,a\n6,t,\xff\n");
}

/// Hears what is left out alone.
struct Quiet<'a>(&'a mut Clock);

impl Stage for Quiet<'_> {
    fn wait(&mut self, _: Duration) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn broken(&mut self, line: u64, why: Broken) {
        self.0.broken(line, why);
    }
}

#[test]
fn the_stage_ends_the_play_before_the_line_that_it_waits_for() {
    let mut theatre = Theatre::new(STREAM);
    theatre.clock.end = 2;
    assert_eq!(theatre.play(&Play::default()), Played { written: 1, broken: 0, stopped: true });
    assert_eq!(theatre.output(), "1,2019-02-01 00:00:00,85\n");
}

#[test]
fn a_pace_that_is_none_waits_for_nothing_or_until_it_is_ended() {
    for (secs_per_day, waits) in [(f64::NAN, 0), (-1.0, 0), (f64::MAX, Duration::MAX.as_millis())] {
        let mut theatre = Theatre::new(STREAM);
        theatre.clock.end = 2;
        theatre.play(&Play { secs_per_day, ..Play::default() });
        assert_eq!(theatre.clock.notes[1], format!("1 lines, {waits} ms"));
    }
}

#[test]
fn a_stream_that_is_not_there_or_is_its_own_output_is_not_played() {
    let mut theatre = Theatre::new(STREAM);
    let input = theatre.input.clone();
    let error = Play::default().play(&input, &input, &mut theatre.clock).unwrap_err();
    assert_eq!(error.to_string(), "a stream cannot be played into itself");
    assert_eq!(fs::read_to_string(&input).unwrap(), STREAM, "it is as it was");
    let missing = input.with_file_name("missing");
    let output = theatre.clock.output.clone();
    assert!(Play::default().play(&missing, &output, &mut theatre.clock).is_err());
    assert!(!output.exists());
}

/// The generator truncates the file under whoever follows it: all lines of both plays are seen.
#[test]
fn whoever_follows_the_output_sees_each_play() {
    let mut theatre = Theatre::new(STREAM);
    let mut follow = Follow::open(&theatre.clock.output, None);
    let mut positions = Vec::new();
    for _ in 0..2 {
        theatre.play(&Play::default());
        positions.extend(follow.read(10).unwrap().into_iter().map(|line| line.position));
        fs::write(&theatre.input, "7,later,0,1\n8,later,0,2\n").unwrap();
    }
    assert_eq!(positions, [0, 1, 2, 0, 1]);
}
