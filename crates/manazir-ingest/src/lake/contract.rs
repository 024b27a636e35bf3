//! What every lake must do, checked on a fresh one each time.
#![allow(clippy::unwrap_used, reason = "a contract ends at the first surprise as tests do")]

use std::borrow::Cow;

use manazir_model::{EpisodeState, HeldBack, JudgedSample, SeriesFinding, SeriesKey, SeriesRows, Timestamp};

use super::compact::CompactConfig;
use super::keep::KeptLake;
use super::{Lake, SampleQuery, SeriesFilter, series_id};

/// A minute sample of `minute` that arrived in minute `received`, with a verdict.
pub fn row(minute: i64, received: i64, value: f64) -> JudgedSample {
    let at = |minute: i64| Timestamp::from_seconds(1_772_323_200 + 60 * minute);
    JudgedSample {
        expected: 100.0,
        lower: 90.5,
        upper: 110.25,
        score: value.abs() as f32 / 10.0,
        p_value: 0.25,
        detector: Cow::Borrowed("mean 8"),
        alarm: value > 150.0,
        held_back: (value > 150.0).then_some(HeldBack::AlarmOpen),
        late: received > minute,
        ..JudgedSample::unjudged(at(minute), value, at(received))
    }
}

/// The key of a series with one label.
pub fn key(metric: &str, host: &str) -> SeriesKey {
    SeriesKey::new(metric, [("host".to_owned(), host.to_owned())])
}

/// All samples of a series.
pub fn all(key: &SeriesKey) -> SampleQuery {
    SampleQuery {
        series: series_id(key),
        from: Timestamp(i64::MIN),
        until: Timestamp(i64::MAX),
        as_of: None,
        revisions: true,
        max: usize::MAX,
    }
}

/// Rows as text, in which NaN equals NaN.
pub fn text(rows: &[JudgedSample]) -> String {
    format!("{rows:#?}")
}

/// All of it; `fresh` makes an empty lake.
pub async fn check<L: Lake>(fresh: impl Fn() -> L) {
    what_was_stored_is_read(&fresh()).await;
    revisions_stand_beside_each_other(&fresh()).await;
    series_are_listed(&fresh()).await;
    episodes_take_their_own_place(&fresh()).await;
}

/// What a lake that somebody keeps must do besides.
pub async fn check_kept(lake: &impl KeptLake) {
    // Times at the ends of the calendar are stored as any other.
    let times = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1];
    let sample = |at| JudgedSample { at: Timestamp(at), received_at: Timestamp(at), ..row(0, 0, 1.0) };
    let (key, samples) = (key("load", "a"), times.map(sample));
    store(lake, &key, &samples).await;
    assert_eq!(text(&lake.samples(&all(&key)).await.unwrap()), text(&samples));
    let mut keeping = lake.keep().await.unwrap().expect("nobody else keeps it");
    keeping.compact(samples[4].at, &at_once()).await.unwrap();
    assert_eq!(text(&lake.samples(&all(&key)).await.unwrap()), text(&samples));
}

/// Whatever is in the head is due.
pub fn at_once() -> CompactConfig {
    CompactConfig { age_micros: i64::MIN, ..CompactConfig::default() }
}

async fn store(lake: &impl Lake, key: &SeriesKey, samples: &[JudgedSample]) {
    lake.append(&[SeriesRows { key: key.clone(), samples: samples.to_vec() }], &[]).await.unwrap();
}

async fn what_was_stored_is_read(lake: &impl Lake) {
    let (one, other) = (key("load", "a"), key("load", "b"));
    let mut samples: Vec<JudgedSample> =
        (0..3_000).map(|minute| row(minute, minute, minute as f64)).collect();
    samples[7].value = f64::NAN;
    samples[8] = JudgedSample::unjudged(samples[8].at, -0.0, samples[8].received_at);
    samples[9].rate = 12.5;
    store(lake, &one, &samples).await;
    store(lake, &other, &samples[..1]).await;
    store(lake, &one, &samples[..5]).await;
    assert_eq!(
        text(&lake.samples(&all(&one)).await.unwrap()),
        text(&samples),
        "what is stored again is there once"
    );
    let part = SampleQuery { from: samples[10].at, until: samples[2_000].at, max: 20, ..all(&one) };
    assert_eq!(text(&lake.samples(&part).await.unwrap()), text(&samples[10..30]));
    assert_eq!(lake.samples(&all(&other)).await.unwrap().len(), 1);
    assert!(lake.samples(&all(&key("load", "c"))).await.unwrap().is_empty());
}

async fn revisions_stand_beside_each_other(lake: &impl Lake) {
    let key = key("load", "a");
    store(lake, &key, &[row(0, 0, 1.0), row(1, 1, 2.0), row(2, 2, 3.0)]).await;
    let first = JudgedSample { revision: 1, ..row(1, 60, 20.0) };
    store(lake, &key, std::slice::from_ref(&first)).await;
    let second = JudgedSample { revision: 2, ..row(1, 120, 21.0) };
    store(lake, &key, std::slice::from_ref(&second)).await;
    let values = |rows: Vec<JudgedSample>| -> Vec<(u16, f64)> {
        rows.iter().map(|row| (row.revision, row.value)).collect()
    };
    let ask = |as_of: Option<Timestamp>, revisions: bool| SampleQuery { as_of, revisions, ..all(&key) };
    let read = |query: SampleQuery| async move { values(lake.samples(&query).await.unwrap()) };
    assert_eq!(read(ask(None, true)).await, [(0, 1.0), (0, 2.0), (1, 20.0), (2, 21.0), (0, 3.0)]);
    assert_eq!(read(ask(None, false)).await, [(0, 1.0), (2, 21.0), (0, 3.0)]);
    assert_eq!(read(ask(Some(first.received_at), false)).await, [(0, 1.0), (1, 20.0), (0, 3.0)]);
    assert_eq!(read(ask(Some(row(2, 2, 0.0).at), true)).await, [(0, 1.0), (0, 2.0), (0, 3.0)]);
    assert_eq!(read(ask(Some(row(1, 1, 0.0).at), true)).await, [(0, 1.0), (0, 2.0)]);
    // A series that has forgotten a sample gives it without a verdict: it is known here.
    let forgotten = |value, received| JudgedSample {
        late: true,
        ..JudgedSample::unjudged(row(0, 0, 0.0).at, value, row(0, received, 0.0).received_at)
    };
    store(lake, &key, &[forgotten(1.0, 200)]).await;
    store(lake, &key, &[forgotten(5.0, 201)]).await;
    assert_eq!(read(ask(None, false)).await, [(1, 5.0), (2, 21.0), (0, 3.0)]);
    assert_eq!(read(ask(None, true)).await.len(), 6);
    // It is known in the batch that brings it, too.
    let again = JudgedSample {
        late: true,
        ..JudgedSample::unjudged(row(9, 9, 0.0).at, 9.0, row(9, 202, 0.0).received_at)
    };
    store(lake, &key, &[row(9, 9, 9.0), again]).await;
    assert_eq!(read(ask(None, true)).await.len(), 7);
}

async fn series_are_listed(lake: &impl Lake) {
    let keys: Vec<SeriesKey> = (0..10).map(|host| key("load", &host.to_string())).collect();
    for key in &keys {
        store(lake, key, &[row(0, 0, 1.0)]).await;
    }
    store(lake, &key("orders", "1"), &[row(0, 0, 1.0)]).await;
    let (mut listed, mut after) = (Vec::new(), None);
    let load = SeriesFilter { metric: Some("load".to_owned()), ..SeriesFilter::default() };
    loop {
        let page = lake.series(&load, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        listed.extend(page);
    }
    assert!(listed.iter().all(|series| series.id == series_id(&series.key)));
    let mut listed: Vec<SeriesKey> = listed.into_iter().map(|series| series.key).collect();
    listed.sort();
    assert_eq!(listed, keys);
    let host = SeriesFilter { labels: vec![("host".to_owned(), "1".to_owned())], ..SeriesFilter::default() };
    assert_eq!(lake.series(&host, None, 10).await.unwrap().len(), 2);
    assert_eq!(lake.series_of(series_id(&keys[3])).await.unwrap().as_ref(), Some(&keys[3]));
    assert_eq!(lake.series_of(1).await.unwrap(), None);
}

/// An episode of a series.
pub fn finding(key: &SeriesKey, minute: i64, state: EpisodeState) -> SeriesFinding {
    let row = row(minute, minute, 160.0);
    SeriesFinding {
        series: key.clone(),
        state,
        start_at: row.at,
        end_at: row.at,
        peak_at: row.at,
        received_at: row.received_at,
        direction: None,
        observed: row.value,
        expected: 100.0,
        lower: 90.0,
        upper: 110.0,
        score: 16.0,
        p_value: 1e-5,
        detector: "value".to_owned(),
        sentence: format!("Load was high ({state:?})"),
    }
}

async fn episodes_take_their_own_place(lake: &impl Lake) {
    let (one, other) = (key("load", "a"), key("load", "b"));
    let opened = |key, minute| finding(key, minute, EpisodeState::Opened);
    lake.append(&[], &[opened(&one, 1), opened(&other, 1), opened(&one, 5)]).await.unwrap();
    let closed = finding(&one, 1, EpisodeState::Closed);
    lake.append(&[], std::slice::from_ref(&closed)).await.unwrap();
    // A late sample where an episode began takes nothing from it; alone it is told.
    let late = |minute| finding(&one, minute, EpisodeState::Late);
    lake.append(&[], &[late(1)]).await.unwrap();
    let told = lake.episodes(None, 10).await.unwrap();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0], opened(&one, 5));
    assert!(told.contains(&closed) && told.contains(&opened(&other, 1)));
    assert_eq!(lake.episodes(Some((told[0].start_at, 0)), 10).await.unwrap().len(), 2);
    // Two began together: a page may end between them.
    let (mut pages, mut before) = (Vec::new(), None);
    while let Some(one) = lake.episodes(before, 1).await.unwrap().pop() {
        before = Some((one.start_at, series_id(&one.series)));
        pages.push(one);
    }
    assert_eq!(pages, told);
    lake.append(&[], &[late(9)]).await.unwrap();
    assert_eq!(lake.episodes(None, 1).await.unwrap(), [late(9)]);
}
