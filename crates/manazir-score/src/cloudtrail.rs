//! Attack techniques hidden in two weeks of an ordinary account, and one real log of an attack.
//!
//! A folder holds `stratus_detonations.ndjson.gz`, records of techniques, and may hold `invictus.ndjson.gz` with
//! `invictus.labels.csv.gz`, a log whose attack events are known. The techniques are set into a background that is
//! drawn from a seed: one a day from the second week on, by a principal of the background, from its own machine,
//! with its own program, in its own region, while it works. Nothing is fitted to the techniques.

mod background;
mod catalogue;
mod people;
mod real;
mod record;
mod report;
mod technique;
#[cfg(test)]
mod tests;

use std::path::Path;

use background::Background;
use manazir_model::Random;
use people::PRINCIPALS;
pub use real::Real;
pub use report::{Report, Tally, TechniqueReport};
use technique::Technique;

use crate::Result;

/// Days of a background.
pub const DAYS: usize = 14;
/// Days on which nothing is hidden, for the detectors to learn.
pub const DAYS_LEARNT: usize = 7;
/// A background each.
pub const SEEDS: [u64; 3] = [11, 23, 47];

/// What the folder holds.
#[derive(Clone, Debug)]
pub struct Suite {
    techniques: Vec<Technique>,
    /// The real log, if there is one.
    pub real: Option<Real>,
}

/// Two weeks of a seed, with some of the techniques in the second.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    techniques: &'a [Technique],
    seed: u64,
    /// Position of the first technique.
    first: usize,
}

/// One day as CloudTrail delivers it.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Number of the day, from 0.
    pub day: usize,
    /// A record a line, in order of time.
    pub lines: Vec<u8>,
    /// Where each record comes from.
    pub origins: Vec<Origin>,
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Microseconds since 1970.
    pub at: i64,
    /// Position of the principal.
    pub who: usize,
    /// Position of the technique it belongs to; `None` for what is ordinary.
    pub technique: Option<usize>,
}

/// What a detector said of one record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scored {
    /// Strangeness, higher is stranger; NaN if it gave none.
    pub score: f64,
    /// True if it belongs to an alarm.
    pub alarm: bool,
}

/// Two weeks of a seed in which nothing is hidden, for whoever needs records as an account writes them.
pub fn ordinary(seed: u64) -> Pass<'static> {
    Pass { techniques: &[], seed, first: 0 }
}

impl Suite {
    /// Reads a folder.
    pub fn load(dir: &Path) -> Result<Self> {
        let techniques = technique::load(&dir.join("stratus_detonations.ndjson.gz"))?;
        Ok(Self { techniques, real: Real::load(dir)? })
    }

    /// Every technique once with every seed.
    pub fn passes(&self) -> Vec<Pass<'_>> {
        let per_pass = DAYS - DAYS_LEARNT;
        let pass = |seed| {
            (0..self.techniques.len()).step_by(per_pass).map(move |first| Pass {
                techniques: &self.techniques,
                seed,
                first,
            })
        };
        SEEDS.into_iter().flat_map(pass).collect()
    }

    /// An empty account of what was found.
    pub fn tally(&self) -> Tally {
        Tally::new(self.techniques.iter().map(|technique| technique.name.clone()).collect())
    }
}

impl Pass<'_> {
    /// The days, one after the other.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        let mut background = Background::new(self.seed);
        let mut random = Random::new(self.seed ^ (self.first as u64 + 1).wrapping_mul(0x9E37_79B9));
        let mut next_id = 1u64;
        (0..DAYS).map(move |day| {
            let acts = background.day(day);
            let technique = day.checked_sub(DAYS_LEARNT).map(|after| self.first + after);
            let placed = technique
                .and_then(|index| self.techniques.get(index))
                .map(|technique| technique.place(&acts, &mut random, u64::MAX >> 33))
                .unwrap_or_default();
            let mut placed = placed.into_iter().peekable();
            let mut of_day = Day { day, ..Day::default() };
            for act in &acts {
                while let Some(hidden) = placed.next_if(|hidden| hidden.at <= act.at) {
                    of_day.hide(hidden, technique);
                }
                act.write(&PRINCIPALS[act.who], next_id, &mut of_day.lines);
                of_day.origins.push(Origin { at: act.at, who: act.who, technique: None });
                next_id += 1;
            }
            placed.for_each(|hidden| of_day.hide(hidden, technique));
            of_day
        })
    }
}

impl Day {
    fn hide(&mut self, hidden: technique::Placed, technique: Option<usize>) {
        self.lines.extend_from_slice(hidden.line.as_bytes());
        self.lines.push(b'\n');
        self.origins.push(Origin { at: hidden.at, who: hidden.who, technique });
    }
}
