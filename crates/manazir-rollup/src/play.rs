//! Plays a stream from a file as if it happened now: each line is appended to another file when its time has come.
//!
//! A column of the input holds the days since the stream began. It sets the pace and is not written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use crate::follow::{Follow, Line, TooLong};

/// Lines of the input that are taken at a time.
const LINES: usize = 1_000;

/// Of what stands where a number should, so much is told.
const SHOWN_CHARS: usize = 40;

/// How a stream is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// How long a day of the stream takes; at 0 nothing is waited for.
    pub secs_per_day: f64,
    /// The column that holds the days, from 0 on.
    pub offset_column: usize,
    /// Lets the output begin empty, rather than behind what is there.
    pub truncate: bool,
}

impl Default for Play {
    /// As the original's generator: a second a day, the third column, into an empty file.
    fn default() -> Self {
        Self { secs_per_day: 1.0, offset_column: 2, truncate: true }
    }
}

/// Where a stream is played: it has the clock, and hears what is left out.
pub trait Stage {
    /// Waits before the next line, which may be no time at all; `Break` ends the play before that line.
    fn wait(&mut self, time: Duration) -> ControlFlow<()>;

    /// A line of the input, from 1 on, is left out.
    fn broken(&mut self, line: u64, why: Broken);
}

/// Why a line cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// It has too few columns.
    #[error("the line has no column {0}, counted from 0, with its day")]
    NoOffset(usize),
    /// The column holds something else.
    #[error("`{0}` is no number of days")]
    NoNumber(String),
}

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Lines that were written.
    pub written: u64,
    /// Lines that were left out.
    pub broken: u64,
    /// True if the stage ended it before the input did.
    pub stopped: bool,
}

impl Play {
    /// Plays `input` into `output`, to the end of the input or until the stage ends it. Each line is one write, so that
    /// whoever follows the output sees it at once, and sees it whole.
    ///
    /// Before a line it waits for as long as the line is further on than all before it: one that goes back waits for
    /// nothing, and the stream as a whole takes as long as from its first day to its last.
    pub fn play(&self, input: &Path, output: &Path, stage: &mut impl Stage) -> io::Result<Played> {
        // A stream that is not there is a mistake, not one that is still to come.
        File::open(input)?;
        if fs::canonicalize(output)
            .is_ok_and(|output| fs::canonicalize(input).is_ok_and(|input| input == output))
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a stream cannot be played into itself"));
        }
        let output = self.open(output)?;
        let mut follow = Follow::open(input, None);
        let mut performance =
            Performance { play: self, stage, output, reached: None, played: Played::default() };
        loop {
            let mut lines = follow.read(LINES)?;
            let at_end = lines.is_empty();
            lines.extend(follow.finish().filter(|_| at_end));
            for line in lines {
                if performance.perform(line)?.is_break() {
                    return Ok(Played { stopped: true, ..performance.played });
                }
            }
            if at_end {
                return Ok(performance.played);
            }
        }
    }

    fn open(&self, output: &Path) -> io::Result<File> {
        if self.truncate {
            File::create(output)?;
        }
        // Whoever truncates it while it is played finds the next line at its beginning.
        OpenOptions::new().append(true).create(true).open(output)
    }

    /// The day of a line, and the line without it.
    fn split(&self, line: &[u8]) -> Result<(f64, Vec<u8>), Broken> {
        let mut columns: Vec<&[u8]> = line.split(|&byte| byte == b',').collect();
        if columns.len() <= self.offset_column {
            return Err(Broken::NoOffset(self.offset_column));
        }
        let offset = String::from_utf8_lossy(columns.remove(self.offset_column));
        let days = offset.trim().parse().ok().filter(|days: &f64| days.is_finite());
        let Some(days) = days else {
            return Err(Broken::NoNumber(offset.chars().take(SHOWN_CHARS).collect()));
        };
        let mut rest = columns.join(&b',');
        rest.push(b'\n');
        Ok((days, rest))
    }

    fn pause(&self, days: f64) -> Duration {
        Duration::try_from_secs_f64((self.secs_per_day * days).max(0.0)).unwrap_or(Duration::MAX)
    }
}

/// A play that is under way.
struct Performance<'a, S> {
    play: &'a Play,
    stage: &'a mut S,
    output: File,
    /// The furthest day so far.
    reached: Option<f64>,
    played: Played,
}

impl<S: Stage> Performance<'_, S> {
    fn perform(&mut self, Line { position, bytes }: Line) -> io::Result<ControlFlow<()>> {
        let (days, line) = match bytes.map_err(Broken::from).and_then(|line| self.play.split(&line)) {
            Ok(split) => split,
            Err(why) => {
                self.stage.broken(position + 1, why);
                self.played.broken += 1;
                return Ok(ControlFlow::Continue(()));
            }
        };
        let reached = self.reached.unwrap_or(days);
        if self.stage.wait(self.play.pause(days - reached)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.reached = Some(days.max(reached));
        self.output.write_all(&line)?;
        self.played.written += 1;
        Ok(ControlFlow::Continue(()))
    }
}
