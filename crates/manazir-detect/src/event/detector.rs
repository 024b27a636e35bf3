//! What detectors of rarity share: a question about an event, and what is remembered when it is answered.

use manazir_model::Event;
use serde::{Deserialize, Serialize};

use super::backoff::{Answer, Backoff, Question};
use super::calibrate::Calibration;
use super::facts::{Facts, RESOURCES_MAX};
use super::names::Names;
use super::words;

/// Questions of one expectation about one event; the most surprising counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    questions: [Option<Question>; RESOURCES_MAX],
}

impl Asked {
    pub(super) fn one(question: Question) -> Self {
        Self::many([question])
    }

    pub(super) fn many(questions: impl IntoIterator<Item = Question>) -> Self {
        let mut asked = [None; RESOURCES_MAX];
        for (slot, question) in asked.iter_mut().zip(questions) {
            *slot = Some(question);
        }
        Self { questions: asked }
    }
}

/// One expectation: what it asks of an event and how it says that it was broken.
#[derive(Clone, Copy)]
pub(super) struct Expectation {
    /// Its name in verdicts and in the reference.
    pub(super) name: &'static str,
    /// What it notices, in one line.
    pub(super) summary: &'static str,
    /// Share of its surprise in the score.
    pub(super) weight: f64,
    /// True if it is about what was done: only then does it matter what the action could do.
    pub(super) ranked: bool,
    pub(super) ask: fn(&Facts) -> Asked,
    pub(super) say: fn(&Event<'_>, &Seen<'_>) -> String,
}

/// What is remembered of the value that surprised.
pub(super) struct Seen<'a> {
    pub(super) memory: &'a Backoff,
    pub(super) names: &'a Names,
    pub(super) question: Question,
    /// Which of the questions it was.
    pub(super) index: usize,
    pub(super) hour: u32,
    /// Days since the actor was first seen.
    pub(super) known_days: f64,
}

impl Seen<'_> {
    /// Days since it was last seen on a level of its contexts before this hour; `None` if never.
    pub(super) fn last(&self, level: usize) -> Option<f64> {
        let pair = self.memory.memory(&self.question, level)?;
        let before = if pair.hour() >= self.hour { pair.before } else { pair.hour() };
        (before > 0).then(|| f64::from(self.hour.saturating_sub(before)) / 24.0)
    }

    /// What peers and others did: `; none of its peers did, role/ops did 3 days ago`.
    pub(super) fn others(&self) -> String {
        let by = |level: usize| {
            let pair = self.memory.memory(&self.question, level)?;
            let who = [pair.who(), pair.who_before]
                .into_iter()
                .find(|&who| who != 0 && who != self.question.actor)?;
            Some((self.names.get(who)?, self.last(level)?))
        };
        match (by(1), by(0)) {
            (Some((who, days)), _) => {
                format!("; of its peers {} did, {} ago", words::actor(who), words::days(days))
            }
            (None, Some((who, days))) => {
                format!("; none of its peers did, {} did {} ago", words::actor(who), words::days(days))
            }
            (None, None) => "; nor did anyone else".to_owned(),
        }
    }
}

/// The memory and the scale of one expectation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rarity {
    memory: Backoff,
    calibration: Calibration,
}

/// What an expectation says of one event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surprise {
    /// −log₁₀ of a probability, calibrated.
    pub(super) surprise: f64,
    /// The question it came from.
    pub(super) question: Option<(usize, Question)>,
    /// Judged now, for the first time in this hour.
    pub(super) fresh: bool,
    /// The actor did it for the first time.
    pub(super) first: bool,
}

impl Rarity {
    pub(super) fn new(entries: usize) -> Self {
        Self { memory: Backoff::new(entries), calibration: Calibration::new(entries / 16) }
    }

    pub(super) fn judge(&mut self, expectation: &Expectation, facts: &Facts) -> Surprise {
        let rank = if expectation.ranked { facts.rank } else { 0 };
        let mut most = Surprise::default();
        for (index, question) in (expectation.ask)(facts).questions.iter().enumerate() {
            let Some(question) = question else { break };
            let (surprise, fresh, first) = match self.memory.ask(question, facts.hour) {
                Answer::Known(surprise) => (surprise, false, false),
                Answer::Fresh { raw, first } => {
                    // Where nothing ever happened a small novelty has no equal: the model's own probability
                    // is the bound, or a new colleague would be the event of the year.
                    let calibrated = self.calibration.judge(raw, rank, facts.actor, facts.peers, facts.hour);
                    let surprise = calibrated.min(raw);
                    self.memory.keep(question, surprise);
                    (surprise, true, first)
                }
            };
            most.fresh |= fresh;
            most.first |= first;
            if surprise > most.surprise || most.question.is_none() {
                most = Surprise { surprise, question: Some((index, *question)), ..most };
            }
        }
        most
    }

    pub(super) fn memory(&self) -> &Backoff {
        &self.memory
    }

    pub(super) fn bytes(&self) -> usize {
        self.memory.bytes() + self.calibration.bytes()
    }
}
