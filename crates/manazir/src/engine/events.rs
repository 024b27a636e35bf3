//! Events through their decoder and their detectors.

use std::time::Duration;

use anyhow::{Result, ensure};
use manazir_detect::event::{EventConfig, EventJudge};
use manazir_ingest::decode::cloudtrail;
use manazir_score::cloudtrail::{Real, Scored, Suite, Tally};
use rayon::prelude::*;

use super::busy::Busy;
use crate::progress::Work;

/// What was found in all passes, and how long reading and judging worked.
pub struct EventScores {
    /// Of all passes, in their order.
    pub tally: Tally,
    /// Sum over all threads.
    pub busy: Duration,
}

/// Judges every pass of a suite with a judge of its own, in parallel across passes. `None` if the work was
/// stopped.
pub fn event_scores(suite: &Suite, work: &Work) -> Result<Option<EventScores>> {
    let passes = suite.passes();
    let judged: Vec<Result<Option<(Tally, Duration)>>> = passes
        .par_iter()
        .map(|pass| {
            let (mut tally, mut busy) = (suite.tally(), Duration::ZERO);
            let mut judge = EventJudge::new(EventConfig::default());
            for day in pass.days() {
                if work.stopped() {
                    return Ok(None);
                }
                let working = Busy::start();
                let scored = scored(&mut judge, &day.lines)?;
                busy += working.elapsed();
                tally.add(&day, &scored)?;
                work.advance(1);
            }
            Ok(Some((tally, busy)))
        })
        .collect();
    let mut all = EventScores { tally: suite.tally(), busy: Duration::ZERO };
    for pass in judged {
        let Some((tally, busy)) = pass? else { return Ok(None) };
        all.tally.merge(tally);
        all.busy += busy;
    }
    Ok(Some(all))
}

/// Average precision on the real log.
pub fn real_average_precision(real: &Real) -> Result<f64> {
    let mut judge = EventJudge::new(EventConfig::default());
    let scores: Vec<f64> = scored(&mut judge, &real.lines)?.iter().map(|of| of.score).collect();
    Ok(real.judge(&scores)?)
}

fn scored(judge: &mut EventJudge, lines: &[u8]) -> Result<Vec<Scored>> {
    let decoded = cloudtrail::decode(lines);
    if let Some(reject) = decoded.rejects.first() {
        ensure!(decoded.rejects.is_empty(), "{} records cannot be read: {reject}", decoded.rejects.len());
    }
    let verdicts = decoded.parsed.iter().map(|record| judge.update(&record.event));
    Ok(verdicts.map(|verdict| Scored { score: verdict.score, alarm: verdict.anomaly }).collect())
}
