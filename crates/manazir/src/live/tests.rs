//! Live series as a worker sees them: batches in, rows and findings out.

use manazir_detect::Random;
use manazir_model::{EpisodeState, Sample};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_406_000 + MINUTE * minute)
}

fn of(metric: &str, samples: &[(i64, f64)]) -> SeriesSamples {
    let samples = samples.iter().map(|&(minute, value)| Sample { at: at(minute), value }).collect();
    SeriesSamples {
        key: SeriesKey::new(metric, [("country".to_owned(), "BR".to_owned())]),
        kind: None,
        samples,
    }
}

/// Two days of minutes with noise around 100, from minute 0 on.
fn calm() -> Vec<(i64, f64)> {
    let mut random = Random::new(3);
    (0..2_880).map(|minute| (minute, 100.0 + 3.0 * random.normal())).collect()
}

fn taught(metric: &str, samples: &[(i64, f64)]) -> LiveSeries {
    let mut live = LiveSeries::default();
    live.samples(at(2_880), &[of(metric, samples)]);
    live
}

/// What people are told when these samples follow the history: the state and the sentence of each.
fn told(metric: &str, history: &[(i64, f64)], then: &[(i64, f64)]) -> Vec<(EpisodeState, String)> {
    let outcomes = taught(metric, history).samples(at(4_000), &[of(metric, then)]);
    outcomes.findings.into_iter().map(|finding| (finding.state, finding.sentence)).collect()
}

#[test]
fn an_episode_is_told_when_it_opens_and_when_it_closes() {
    let then: Vec<(i64, f64)> =
        (2_880..2_930).map(|minute| (minute, if minute < 2_885 { 180.0 } else { 101.0 })).collect();
    let told = told("orders", &calm(), &then);
    let opened = "Orders (country BR) were 78 % above their recent level (180 instead of 101), since 23:00 on 3 Mar 2026";
    assert_eq!(told[0], (EpisodeState::Opened, opened.to_owned()));
    let (state, closed) = &told[told.len() - 1];
    assert_eq!(*state, EpisodeState::Closed);
    assert!(
        closed.starts_with(
            "Orders (country BR) were 78 % above their recent level (180 instead of 101), 23:00 to "
        ),
        "{closed}"
    );
}

#[test]
fn a_counter_is_judged_by_its_rate_and_a_reset_is_none() {
    let mut random = Random::new(4);
    let mut total = 0.0;
    let history: Vec<(i64, f64)> = (0..2_880)
        .map(|minute| {
            total = if minute == 1_000 { 600.0 } else { total + 600.0 + 20.0 * random.normal() };
            (minute, total)
        })
        .collect();
    let mut live = LiveSeries::default();
    let outcomes = live.samples(at(2_880), &[of("requests_total", &history)]);
    assert!(
        !outcomes.findings.iter().any(|finding| finding.start_at == at(1_000)),
        "{:?}",
        outcomes.findings
    );
    let last = outcomes.rows[0].samples.last().unwrap();
    assert!((8.0..12.0).contains(&last.rate) && (9.0..11.0).contains(&last.expected), "{last:?}");
    let then: Vec<(i64, f64)> = (1..4).map(|step| (2_879 + step, total + 6_000.0 * step as f64)).collect();
    let told = told("requests_total", &history, &then);
    assert!(told[0].1.starts_with("Requests total (country BR) was 10 times its recent level"), "{told:?}");
}

#[test]
fn what_comes_late_is_judged_by_the_expectation_of_its_slot_and_teaches_nobody() {
    let mut live = taught("orders", &calm());
    let mut twin = taught("orders", &calm());
    let late = live.samples(at(2_890), &[of("orders", &[(2_875, 101.0), (2_875, 101.0), (2_875, 400.0)])]);
    assert_eq!((late.counts.late, late.counts.repeated), (2, 1));
    let rows = &late.rows[0].samples;
    assert!(rows.iter().all(|row| row.late && row.detector == "late" && row.received_at == at(2_890)));
    assert_eq!(rows.iter().map(|row| row.revision).collect::<Vec<_>>(), [1, 2]);
    assert!(rows[0].score < 3.0 && rows[1].score > 8.0, "{rows:?}");
    assert_eq!(late.findings.len(), 1);
    assert_eq!(late.findings[0].state, EpisodeState::Late);
    let sentence = &late.findings[0].sentence;
    assert!(sentence.ends_with(", at 22:55 on 3 Mar 2026; the sample came late"), "{sentence}");
    let next = [of("orders", &[(2_881, 100.0)])];
    let (one, other) = (live.samples(at(2_891), &next), twin.samples(at(2_891), &next));
    assert_eq!(written(&one), written(&other), "late samples taught the detector something");
    let forgotten = live.samples(at(2_892), &[of("orders", &[(5, 1.0)])]);
    let row = &forgotten.rows[0].samples[0];
    assert!(row.late && row.score.is_nan(), "{row:?}");
}

#[test]
fn bounds_are_said() {
    let mut live = LiveSeries::new(LiveLimits { series_max: 2, labels_max: 1, name_bytes_max: 8 });
    let one = [(0, 1.0), (1, 2.0)];
    let outcomes = live.samples(
        at(1),
        &[
            of("a", &one),
            of("longer than 8", &one),
            of("b", &[(0, 1.0), (12, 2.0)]),
            of("c", &one),
            of("a", &one),
        ],
    );
    assert_eq!(live.len(), 2);
    assert_eq!((outcomes.counts.unjudged, outcomes.counts.repeated, outcomes.counts.refused), (3, 2, 5));
    let refused: Vec<(Refusal, u64)> = outcomes.refused.into_iter().collect();
    assert_eq!(refused, [(Refusal::TooManySeries, 2), (Refusal::KeyTooLong, 2), (Refusal::Ahead, 1)]);
    live.samples(at(29 * 24 * 60), &[of("a", &[(100, 1.0)])]);
    live.samples(at(32 * 24 * 60), &[of("a", &[(101, 1.0)])]);
    assert_eq!(live.len(), 1, "b was silent for more than 30 days");
}

/// Everything that is told, as bytes: NaN equals NaN.
fn written(outcomes: &SampleOutcomes) -> Vec<u8> {
    postcard::to_allocvec(&(&outcomes.rows, &outcomes.findings)).unwrap()
}

/// All rows of each series in one, whatever batches they came in.
fn together(batches: impl IntoIterator<Item = SampleOutcomes>) -> Vec<u8> {
    let (mut rows, mut findings) = (BTreeMap::<SeriesKey, Vec<_>>::new(), Vec::new());
    for outcomes in batches {
        for series in outcomes.rows {
            rows.entry(series.key).or_default().extend(series.samples);
        }
        findings.extend(outcomes.findings);
    }
    findings.sort_by(|one, other| one.series.cmp(&other.series));
    postcard::to_allocvec(&(rows, findings)).unwrap()
}

/// Samples of two series, some late, some repeated, some without a number.
fn samples() -> impl Strategy<Value = Vec<(bool, i64, f64)>> {
    let value = prop_oneof![8 => 90.0..110.0f64, 1 => Just(f64::NAN), 1 => Just(100.0), 1 => 0.0..1e4f64];
    let back = prop_oneof![8 => Just(0i64), 1 => 0..40i64];
    prop::collection::vec((any::<bool>(), back, value), 0..220).prop_map(|steps| {
        let step = |(minute, (series, back, value)): (i64, (bool, i64, f64))| (series, minute - back, value);
        (0i64..).zip(steps).map(step).collect()
    })
}

fn batch(samples: &[(bool, i64, f64)]) -> Vec<SeriesSamples> {
    let name = |counter: bool| if counter { "requests_total" } else { "load" };
    samples.iter().map(|&(counter, minute, value)| of(name(counter), &[(minute, value)])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the samples are cut, and wherever the state is saved and restored: the same bits.
    #[test]
    fn batches_and_restarts_change_nothing(samples in samples(), cuts in prop::collection::vec(0..220usize, 0..6)) {
        let whole = LiveSeries::default().samples(at(300), &batch(&samples));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(samples.len())).collect();
        cuts.extend([0, samples.len()]);
        cuts.sort_unstable();
        let mut live = LiveSeries::default();
        let parts: Vec<SampleOutcomes> = cuts.windows(2).map(|cut| {
            let outcomes = live.samples(at(300), &batch(&samples[cut[0]..cut[1]]));
            let saved = postcard::to_allocvec(&live).unwrap();
            live = postcard::from_bytes(&saved).unwrap();
            outcomes
        }).collect();
        prop_assert_eq!(together(parts), together([whole]));
    }

    #[test]
    fn a_prefix_gets_the_verdicts_of_the_whole(samples in samples()) {
        let rows = |samples: &[(bool, i64, f64)]| {
            let mut rows: BTreeMap<SeriesKey, Vec<_>> = BTreeMap::new();
            for series in LiveSeries::default().samples(at(300), &batch(samples)).rows {
                rows.entry(series.key).or_default().extend(series.samples);
            }
            rows
        };
        let (prefix, whole) = (rows(&samples[..samples.len() / 2]), rows(&samples));
        for (key, of_prefix) in prefix {
            let of_whole = &whole[&key][..of_prefix.len()];
            prop_assert_eq!(postcard::to_allocvec(&of_prefix[..]).unwrap(), postcard::to_allocvec(of_whole).unwrap());
        }
    }
}
