//! The life cycle of an alarm: open, escalate, close.

use serde::{Deserialize, Serialize};

/// When an alarm opens, grows and closes. All lengths are in samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlarmConfig {
    /// Score at which an alarm opens.
    pub open_score: f64,
    /// A later peak is told again only if it is higher than the last by this share.
    pub escalation: f64,
    /// Samples after the last telling in which a lower peak belongs to the same alarm.
    pub hold_samples: u32,
    /// The alarm's run ends when the score has stayed under this share of `open_score` …
    pub close_share: f64,
    /// … for this many samples.
    pub close_samples: u32,
}

impl Default for AlarmConfig {
    fn default() -> Self {
        Self { open_score: 8.0, escalation: 0.5, hold_samples: 120, close_share: 0.5, close_samples: 8 }
    }
}

/// What one sample does to the alarm of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// No alarm, and none before.
    Quiet,
    /// A new alarm starts here: people are told.
    Opened,
    /// The alarm is markedly worse than when it was last told: people are told again.
    Escalated,
    /// Part of an alarm that was told already.
    Continued,
    /// Strange enough, but within the hold of an alarm that has closed: not told.
    Held,
    /// The alarm ended with the sample before the quiet ones.
    Closed,
}

impl Transition {
    /// True if people are told.
    pub fn tells(self) -> bool {
        matches!(self, Self::Opened | Self::Escalated)
    }
}

/// The alarm of one series; 24 bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Highest score that was told, while the hold lasts.
    told_score: f64,
    hold_left: u32,
    quiet_run: u32,
    open: bool,
}

impl Alarm {
    /// True between opening and close.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Moves on by one sample.
    pub fn update(&mut self, score: f64, config: &AlarmConfig) -> Transition {
        let was_open = self.open;
        self.hold_left = self.hold_left.saturating_sub(1);
        if self.hold_left == 0 && !self.open {
            self.told_score = 0.0;
        }
        if score < config.open_score {
            return self.quiet(score, config);
        }
        self.quiet_run = 0;
        if self.told_score == 0.0 || score > self.told_score * (1.0 + config.escalation) {
            self.told_score = score;
            self.hold_left = config.hold_samples;
            self.open = true;
            return if was_open { Transition::Escalated } else { Transition::Opened };
        }
        if was_open { Transition::Continued } else { Transition::Held }
    }

    fn quiet(&mut self, score: f64, config: &AlarmConfig) -> Transition {
        if !self.open {
            return Transition::Quiet;
        }
        if score >= config.open_score * config.close_share {
            self.quiet_run = 0;
            return Transition::Continued;
        }
        self.quiet_run += 1;
        if self.quiet_run < config.close_samples {
            return Transition::Continued;
        }
        self.open = false;
        self.quiet_run = 0;
        Transition::Closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use manazir_testkit::series;

    /// One letter a sample: `.` quiet, `O` opened, `E` escalated, `c` continued, `h` held, `X` closed.
    #[track_caller]
    fn check(scores: &str, expected: Expect) {
        let config = AlarmConfig {
            open_score: 5.0,
            escalation: 0.5,
            hold_samples: 10,
            close_share: 0.5,
            close_samples: 2,
        };
        let mut alarm = Alarm::default();
        let letters: String = series(scores)
            .into_iter()
            .map(|score| match alarm.update(score, &config) {
                Transition::Quiet => '.',
                Transition::Opened => 'O',
                Transition::Escalated => 'E',
                Transition::Continued => 'c',
                Transition::Held => 'h',
                Transition::Closed => 'X',
            })
            .collect();
        expected.assert_eq(&letters);
    }

    #[test]
    fn an_alarm_is_told_once_and_closes_after_two_quiet_samples() {
        check("0x2 6x3 0x4", expect!["..OcccX.."]);
    }

    #[test]
    fn only_a_markedly_higher_peak_escalates() {
        check("6 7 8 9.1 9.2 14", expect!["OccEcE"]);
    }

    #[test]
    fn a_score_between_close_and_open_keeps_it_open() {
        check("6 3x4 0x2 3", expect!["OcccccX."]);
    }

    #[test]
    fn a_lower_peak_within_the_hold_is_held_and_a_later_one_opens() {
        check("6 0x3 6 0x5 6", expect!["OcX.h.....O"]);
    }
}
