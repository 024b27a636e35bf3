//! The models of a partition: the event detectors of its accounts, its live series, and the series that its events
//! become.

use manazir_ingest::Sampled;
use manazir_ingest::worker::Judge;
use manazir_model::{Event, EventVerdict, SeriesSamples, Timestamp};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::live::{EventSeries, LiveSeries, SampleOutcomes};

/// All that a partition has learnt; a plain value.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Partition {
    accounts: Accounts,
    counted: EventSeries,
    live: LiveSeries,
}

impl Partition {
    /// Live series that are known.
    pub fn series(&self) -> usize {
        self.live.len()
    }

    /// Judges samples that arrived at one time, and says what was refused.
    pub fn judge(&mut self, received_at: Timestamp, series: &[SeriesSamples]) -> SampleOutcomes {
        self.live.samples(received_at, series)
    }
}

impl Judge for Partition {
    fn fresh() -> Self {
        Self::default()
    }

    fn load(state: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(state).map_err(|error| error.to_string())
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_extend(self, Vec::new()).expect("the models are numbers and texts")
    }

    fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        self.accounts.update(event)
    }

    fn counted(&mut self, received_at: Timestamp, event: &Event<'_>) -> Sampled {
        let samples = self.counted.event(received_at, event);
        if samples.is_empty() { Sampled::default() } else { sampled(self.judge(received_at, &samples)) }
    }

    fn samples(&mut self, received_at: Timestamp, series: &[SeriesSamples]) -> Sampled {
        sampled(self.judge(received_at, series))
    }
}

/// What is stored; what was refused is said.
fn sampled(outcomes: SampleOutcomes) -> Sampled {
    for (why, samples) in outcomes.refused {
        tracing::warn!(samples, "samples were refused: {why}");
        metrics::counter!("manazir_judge_refused_samples_total", "reason" => why.word()).increment(samples);
    }
    Sampled { rows: outcomes.rows, findings: outcomes.findings }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64) -> Event<'static> {
        Event {
            account: "1".into(),
            at: Timestamp::from_seconds(second),
            actor: "build".into(),
            action: "s3:GetObject".into(),
            ..Event::default()
        }
    }

    #[test]
    fn events_become_series_and_a_restart_is_not_seen() {
        let (mut whole, mut restarted) = (Partition::fresh(), Partition::fresh());
        let mut rows = 0;
        for second in (0..7_200).step_by(7) {
            let received_at = Timestamp::from_seconds(second + 1);
            let verdict = whole.update(&event(second));
            let sampled = whole.counted(received_at, &event(second));
            if second % 700 == 0 {
                restarted = Partition::load(&restarted.save()).unwrap();
            }
            assert_eq!(restarted.update(&event(second)), verdict);
            let again = restarted.counted(received_at, &event(second));
            assert_eq!(format!("{again:?}"), format!("{sampled:?}"));
            rows += sampled.len();
        }
        // Two hours but for the last minutes, which are open, twice: events, and different actions.
        assert_eq!((whole.series(), rows), (2, 2 * 117));
        assert!(Partition::load(b"nothing").is_err());
    }
}
