//! Scores of the engines as odds against "none of these".
//!
//! odds of an event      = (score / `event_none`)^`event_power`
//! odds of an entity     = (score / (`entity_none` · score_min))^`entity_power`
//! odds of an event at an entity that was measured too = their product
//! confidence            = odds / (1 + Σ odds)
//!
//! The product takes what was reported and what was measured as two witnesses who do not know of one another.

/// How scores become odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The power of an event's score.
    pub event_power: f64,
    /// An event of this score is as likely the cause as that none of those is.
    pub event_none: f64,
    /// The power of an entity's score.
    pub entity_power: f64,
    /// An entity of this part of the score that is thin is as likely the cause as that none of those is.
    pub entity_none: f64,
}

/// The log of no odds is larger: one witness alone is never certain.
const LOG_ODDS_MAX: f64 = 12.0;

impl Default for Scale {
    /// Fitted by `manazir score`, see docs/reference/accuracy.md; rounded.
    fn default() -> Self {
        Self { event_power: 2.5, event_none: 0.043, entity_power: 3.8, entity_none: 0.8 }
    }
}

impl Scale {
    /// Log odds of an event by its score in [`crate::events::CascadeRank`].
    pub fn of_event(&self, score: f64) -> f64 {
        log_odds(self.event_power, score, self.event_none)
    }

    /// Log odds of an entity by its score in [`crate::evidence::rank`], and what is thin there.
    pub fn of_entity(&self, score: f64, score_min: f64) -> f64 {
        log_odds(self.entity_power, score, self.entity_none * score_min)
    }
}

fn log_odds(power: f64, score: f64, none: f64) -> f64 {
    let log = power * (score.max(1e-12) / none.max(1e-12)).ln();
    log.clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX)
}

/// The probability of each candidate, and that of none of them, from log odds against the latter. They sum to 1.
pub fn confidences(log_odds: &[f64]) -> (Vec<f64>, f64) {
    let largest = log_odds.iter().copied().fold(0.0, f64::max);
    let odds: Vec<f64> = log_odds.iter().map(|log| (log - largest).exp()).collect();
    let none = (-largest).exp();
    // In one order always, for the last digits of a sum depend on it.
    let mut sorted = odds.clone();
    sorted.sort_by(f64::total_cmp);
    let total = none + sorted.iter().sum::<f64>();
    (odds.into_iter().map(|odds| odds / total).collect(), none / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one() {
        for log_odds in [vec![], vec![0.0], vec![12.0, -12.0, 3.0], vec![-12.0; 40]] {
            let (confidences, none) = confidences(&log_odds);
            assert!((confidences.iter().sum::<f64>() + none - 1.0).abs() < 1e-12, "{log_odds:?}");
        }
        assert_eq!(confidences(&[0.0]), (vec![0.5], 0.5));
        assert_eq!(confidences(&[]), (vec![], 1.0));
    }
}
