//! The models of a partition: the event detectors of its accounts, its live series, and the series that its events
//! become.

use std::collections::BTreeMap;
use std::sync::Arc;

use manazir_ingest::Sampled;
use manazir_ingest::worker::Judge;
use manazir_model::{Event, EventVerdict, GraphEvent, SeriesFinding, SeriesSamples, Timestamp};
use manazir_rca::discover;
use manazir_rollup::aggregate::Distinct;
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::live::{EventRollup, EventSeries, LiveSeries, SampleOutcomes};

/// The first byte of what is stored. Before there were versions, it was the number of accounts, which is far below.
const VERSION: u8 = 0x82;

/// The most accounts that a partition without a version had.
const ACCOUNTS_OF_OLD_MAX: u8 = 8;

/// How events were counted then: accounts with their actors' minutes. It is read over, for what is counted is told
/// again within minutes; what was learnt takes weeks.
type CountedOfOld = (BTreeMap<String, (Timestamp, i64, BTreeMap<String, ActorOfOld>)>, u64);
type ActorOfOld = (i64, BTreeMap<i64, (u32, Distinct)>);

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
    /// Series that events become beside those that are always there.
    type Setting = Arc<[EventRollup]>;

    fn fresh() -> Self {
        Self::default()
    }

    fn load(state: &[u8]) -> Result<Self, String> {
        match state.split_first() {
            Some((&VERSION, state)) => postcard::from_bytes(state).map_err(|error| error.to_string()),
            Some((..=ACCOUNTS_OF_OLD_MAX, _)) => Ok(of_old(state)),
            _ => Err("they are of a version that this one does not know".to_owned()),
        }
    }

    fn set(self, series: &Self::Setting) -> Self {
        Self { counted: self.counted.configured(series), ..self }
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("the models are numbers and texts")
    }

    fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        self.accounts.update(event)
    }

    fn counted(&mut self, received_at: Timestamp, event: &Event<'_>) -> Sampled {
        let samples = self.counted.event(received_at, event);
        if samples.is_empty() { Sampled::default() } else { sampled(self.judge(received_at, &samples)) }
    }

    fn happened(
        &self,
        received_at: Timestamp,
        event: &Event<'_>,
        verdict: &EventVerdict,
    ) -> Option<GraphEvent> {
        let line = || discover::logs::strange_line(event, received_at, verdict);
        discover::actions::graph_event(event, received_at).or_else(line)
    }

    fn episode(&self, finding: &SeriesFinding) -> Option<GraphEvent> {
        Some(discover::episodes::of_finding(finding))
    }

    fn samples(&mut self, received_at: Timestamp, series: &[SeriesSamples]) -> Sampled {
        sampled(self.judge(received_at, series))
    }
}

/// Models that were stored before there were versions. The service goes on without what does not fit.
fn of_old(state: &[u8]) -> Partition {
    match postcard::from_bytes::<(Accounts, CountedOfOld, LiveSeries)>(state) {
        Ok((accounts, _, live)) => Partition { accounts, counted: EventSeries::default(), live },
        Err(error) => {
            tracing::warn!(%error, "models of an older version cannot be read; they are learnt anew");
            Partition::default()
        }
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
    use manazir_ingest::decode;

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
        assert!(Partition::load(&whole.save()[..100]).is_err());
    }

    #[test]
    fn writes_and_alerts_stand_on_the_event_graph_and_reads_do_not() {
        let read = br#"{"eventID":"1","eventTime":"2024-05-01T09:00:00Z","eventSource":"s3.amazonaws.com",
            "eventName":"ListBuckets","readOnly":true,"recipientAccountId":"7"}"#;
        let write = br#"{"eventID":"2","eventTime":"2024-05-01T09:00:00Z","eventSource":"lambda.amazonaws.com",
            "eventName":"UpdateFunctionCode20150331v2","awsRegion":"eu-west-1","readOnly":false,"recipientAccountId":"7",
            "userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::7:user/ann"},
            "requestParameters":{"functionName":"checkout"},
            "resources":[{"ARN":"arn:aws:lambda:eu-west-1:7:function:checkout"}]}"#;
        let alert = br#"{"version":"4","alerts":[{"status":"firing","fingerprint":"f1","startsAt":"2024-05-01T08:59:00Z",
            "labels":{"alertname":"HighErrorRate","job":"shop","severity":"page"}}]}"#;
        let partition = Partition::fresh();
        let now = Timestamp::from_seconds(1_714_554_001);
        let records =
            [read.as_slice(), write].map(|json| decode::cloudtrail::decode_record(json, 1).unwrap().event);
        let [none, deploy] = records.map(|event| partition.happened(now, &event, &EventVerdict::default()));
        assert_eq!(none, None);
        let deploy = deploy.unwrap();
        let said = |event: &GraphEvent| (event.id.clone(), event.entity.clone(), event.event_type.clone());
        let texts = |texts: [&str; 3]| (texts[0].to_owned(), texts[1].to_owned(), texts[2].to_owned());
        assert_eq!(said(&deploy), texts(["cloudtrail/2", "checkout", "deploy"]));
        let line = decode::alertmanager::decode(alert).lines.remove(0);
        let fires = partition
            .happened(now, &decode::generic::decode(&line.body, 1).unwrap().event, &EventVerdict::default())
            .unwrap();
        assert_eq!(said(&fires), texts(["alertmanager/f1/2024-05-01T08:59:00Z", "shop", "error_spike"]));
        assert_eq!((fires.from, fires.received_at), (Timestamp::from_seconds(1_714_553_940), now));
    }

    /// Models without a version, with one actor of one minute.
    #[test]
    fn models_of_an_older_version_go_on_and_those_that_do_not_fit_begin_anew() {
        let mut partition = Partition::fresh();
        partition.update(&event(0));
        let sample = manazir_model::Sample { at: Timestamp::from_seconds(0), value: 1.0 };
        let key = manazir_model::SeriesKey::new("load", []);
        let samples = SeriesSamples { key, kind: None, samples: vec![sample] };
        partition.judge(Timestamp::from_seconds(0), &[samples]);
        let actor: ActorOfOld = (0, BTreeMap::from([(0, (1, Distinct::default()))]));
        let actors = BTreeMap::from([("build".to_owned(), actor)]);
        let counted: CountedOfOld = (BTreeMap::from([("1".to_owned(), (Timestamp(0), -3, actors))]), 0);
        let Partition { accounts, live, .. } = &partition;
        let old = postcard::to_extend(&(accounts, counted, live), Vec::new()).unwrap();
        let loaded = Partition::load(&old).unwrap();
        assert_eq!(loaded.save(), { partition.save() });
        let cut = Partition::load(&old[..old.len() / 2]).unwrap();
        assert_eq!(cut.save(), Partition::fresh().save());
    }

    #[test]
    fn series_of_the_configuration_are_counted_and_a_new_one_leaves_the_others_alone() {
        let rollup = |metric: &str, only: &str| -> EventRollup {
            let rest = "by = ['account', 'actor']\nevery_seconds = 300\naggregate = 'count'\nonly";
            toml::from_str(&format!("metric = '{metric}'\n{rest} = {{ {only} }}")).unwrap()
        };
        let failed = rollup("errors_per_5_minutes", "field = 'error', is_not = ''");
        let mut partition = Partition::fresh().set(&vec![failed.clone()].into());
        let mut told = BTreeMap::new();
        for second in (0..3_600).step_by(50) {
            if second == 1_800 {
                let made = rollup("keys_made", "field = 'action', is = 'iam:CreateAccessKey'");
                partition =
                    Partition::load(&partition.save()).unwrap().set(&vec![made, failed.clone()].into());
            }
            let error = if second % 100 == 0 { "AccessDenied" } else { "" };
            let event = Event { error: error.into(), ..event(second) };
            for series in partition.counted(Timestamp::from_seconds(second), &event).rows {
                let values = series.samples.iter().map(|row| row.value);
                told.entry(series.key.to_string()).or_insert_with(Vec::new).extend(values);
            }
        }
        let errors = &told["errors_per_5_minutes{account=1, actor=build}"];
        // Those of the first half hour, whose last buckets were closed after the restart, and of the second.
        assert_eq!(errors, &[3.0; 11]);
        assert!(!told.contains_key("keys_made{account=1, actor=build}"), "{told:?}");
        assert_eq!(told.len(), 3);
    }
}
