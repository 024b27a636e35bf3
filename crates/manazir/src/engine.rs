//! From series to what is strange in them: the one place that calls the detectors.

mod busy;
mod events;
mod thorough;

pub use events::{EventScores, event_scores, real_average_precision};
use jiff::tz::TimeZone;
use manazir_catalog::rate_per_second;
use manazir_detect::alarm::AlarmConfig;
use manazir_detect::baseline::{Baseline, Repeats};
use manazir_detect::batch::Frame;
use manazir_detect::choose;
use manazir_detect::history::{History, HistoryConfig, judge};
use manazir_detect::live::{LiveConfig, LiveDetector, LiveGroup, open_score_for};
use manazir_detect::period::{Config, common_period, periods};
use manazir_detect::stream::Setting;
use manazir_model::{Anomaly, Grain, Sample, Series, SeriesKind, Timestamp};
use rayon::prelude::*;
pub use thorough::{Thorough, thorough};

use crate::finding::SeriesReport;
use crate::progress::Work;
use crate::report::number::{count, number, with_unit};
use crate::report::when::{duration, is_row_number};

/// Weeks of data from which on a weekly pattern can be told from chance.
const WEEKS_TRUSTED: i64 = 3;

/// How many false alarms people want to see, for each series and week; `None` for the usual opening score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensitivity {
    /// Expected number, positive.
    pub alarms_per_week: Option<f64>,
}

impl Sensitivity {
    /// The score at which an episode of a series begins.
    pub fn open_score(self, series: &Series) -> f64 {
        let grain = series.grain.or_else(|| mean_step(series));
        match self.alarms_per_week.zip(grain) {
            Some((alarms, grain)) => open_score_for(alarms, grain),
            None => AlarmConfig::default().open_score,
        }
    }
}

/// Mean distance of samples, for a series without a grain.
fn mean_step(series: &Series) -> Option<Grain> {
    let span = series.at.last()?.micros_since(*series.at.first()?);
    Grain::from_micros(span / series.len().saturating_sub(1).max(1) as i64)
}

/// Analyses series, each by all of its samples; in parallel across series, so that their order and the number
/// of threads change nothing. Stopped early, it gives those that are finished.
pub fn analyse(series: Vec<Series>, sensitivity: Sensitivity, work: &Work) -> Vec<SeriesReport> {
    let analyse_one = |series: Series| {
        if work.stopped() {
            return None;
        }
        let samples = series.len() as u64;
        let report = report(judged(series), sensitivity);
        work.advance(samples);
        Some(report)
    };
    series.into_par_iter().filter_map(analyse_one).collect()
}

/// The series that is judged: a counter's growth instead of the counter.
pub fn judged(series: Series) -> Series {
    match series.kind {
        SeriesKind::Counter => rate_per_second(&series),
        SeriesKind::Gauge => series,
    }
}

fn report(series: Series, sensitivity: Sensitivity) -> SeriesReport {
    let local_micros = local_clock(&series);
    let period_samples = strongest_period(&series, local_micros.is_empty());
    let alarm = AlarmConfig { open_score: sensitivity.open_score(&series), ..AlarmConfig::default() };
    let live = LiveConfig { alarm, ..LiveConfig::default() };
    let History { baseline, score, anomalies, .. } =
        judge(&series, &local_micros, &HistoryConfig { live, period_samples });
    let (below, above) = usual_outside(&series, &baseline, &anomalies);
    let end = |distance: f64| -> Vec<f64> {
        let ends = baseline.expected.iter().zip(&baseline.scatter);
        ends.map(|(expected, scatter)| expected + distance * scatter).collect()
    };
    SeriesReport {
        lower: end(below),
        upper: end(above),
        choice: choice_words(&baseline, series.unit.as_deref(), sensitivity),
        baseline_words: baseline_words(baseline.repeats),
        confidence_note: note(&series),
        total: None,
        expected: baseline.expected,
        score,
        anomalies,
        series,
    }
}

/// Distances from the expectation below and above which one sample in a thousand outside of all episodes lies,
/// at least three scatters from it: an incident must not widen the band that it is drawn against.
fn usual_outside(series: &Series, baseline: &Baseline, anomalies: &[Anomaly]) -> (f64, f64) {
    const TAIL: f64 = 0.001;
    const LEAST: f64 = 3.0;
    let mut episodes = anomalies.iter().peekable();
    let mut distances: Vec<f64> = Vec::with_capacity(series.len());
    for (index, &at) in series.at.iter().enumerate() {
        while episodes.next_if(|episode| episode.end_at < at).is_some() {}
        let distance = baseline.distance(&series.values, index);
        if distance.is_finite() && episodes.peek().is_none_or(|episode| at < episode.start_at) {
            distances.push(distance);
        }
    }
    distances.sort_unstable_by(f64::total_cmp);
    let Some(last) = distances.len().checked_sub(1) else { return (-LEAST, LEAST) };
    let tail = (TAIL * last as f64) as usize;
    (distances[tail].min(-LEAST), distances[last - tail].max(LEAST))
}

/// The local clock of each sample in microseconds; empty if rows are not instants.
pub fn local_clock(series: &Series) -> Vec<i64> {
    if is_row_number(series) {
        return Vec::new();
    }
    let zone = TimeZone::get(&series.zone).unwrap_or(TimeZone::UTC);
    let mut offsets = Offsets { zone, hour: i64::MIN, micros: 0 };
    series.at.iter().map(|&at| at.micros().saturating_add(offsets.at(at))).collect()
}

/// The offset of a zone, looked up once a quarter of an hour: no zone changes more often.
struct Offsets {
    zone: TimeZone,
    hour: i64,
    micros: i64,
}

impl Offsets {
    fn at(&mut self, at: Timestamp) -> i64 {
        let hour = at.micros().div_euclid(Grain::HOUR.micros() / 4);
        if hour != self.hour {
            self.hour = hour;
            let offset = at.to_jiff().map_or(0, |at| self.zone.to_offset(at).seconds());
            self.micros = i64::from(offset) * 1_000_000;
        }
        self.micros
    }
}

/// The strongest season in samples where no calendar tells it.
fn strongest_period(series: &Series, rows: bool) -> Option<usize> {
    let calendar = !rows && series.grain.is_some_and(|grain| grain >= Grain::MINUTE);
    if calendar {
        return None;
    }
    periods(&series.values, &Config::default()).first().map(|period| period.samples)
}

fn choice_words(baseline: &Baseline, unit: Option<&str>, sensitivity: Sensitivity) -> String {
    let season = match baseline.repeats {
        Repeats::HourOfWeek => "a profile of the week".to_owned(),
        Repeats::TimeOfDay => "a profile of the day".to_owned(),
        Repeats::Samples(period) => format!("a season of {} samples", count(period)),
        Repeats::Level => "its recent level, for no season was found".to_owned(),
    };
    let alarms = sensitivity.alarms_per_week.map_or(String::new(), |alarms| {
        format!("; {} {} a week expected", number(alarms), if alarms == 1.0 { "alarm" } else { "alarms" })
    });
    format!("{season}; usual scatter ±{}{alarms}", with_unit(baseline.sigma, unit))
}

fn baseline_words(repeats: Repeats) -> String {
    match repeats {
        Repeats::HourOfWeek => "what {weekday}s at that hour give",
        Repeats::TimeOfDay => "what that time of day gives",
        Repeats::Samples(_) => "what that part of its season gives",
        Repeats::Level => "its recent level",
    }
    .to_owned()
}

/// What makes a verdict less sure.
fn note(series: &Series) -> Option<String> {
    let grain = series.grain.map_or(0, Grain::micros);
    let span = series.at.last()?.micros_since(*series.at.first()?).saturating_add(grain);
    let short = span < WEEKS_TRUSTED * 7 * Grain::DAY.micros();
    let could_be_weekly = series.grain.is_some_and(|grain| grain >= Grain::MINUTE) && !is_row_number(series);
    (short && could_be_weekly)
        .then(|| format!("only {} of history, a weekly pattern needs {WEEKS_TRUSTED} weeks", duration(span)))
}

/// What live detection tells people of each sample, for series given as times and values: the score where an
/// alarm opens or escalates, 0 elsewhere. The times are taken as they are, as the clock of the series. `None`
/// if the work was stopped: a score of a part would mislead.
pub fn told_scores(series: &[(&[Timestamp], &[f64])], work: &Work) -> Option<Vec<Vec<f64>>> {
    series
        .par_iter()
        .map(|(at, values)| {
            if work.stopped() {
                return None;
            }
            let scores = told(at, values);
            work.advance(values.len() as u64);
            Some(scores)
        })
        .collect()
}

fn told(at: &[Timestamp], values: &[f64]) -> Vec<f64> {
    let setting = Setting { grain: first_grain(at), ..Setting::default() };
    let mut detector = LiveDetector::new(&setting, LiveConfig::default());
    let mut judge = |(&at, &value): (&Timestamp, &f64)| {
        let live = detector.update(Sample { at, value }, 0);
        live.filter(|live| live.transition.tells()).map_or(0.0, |live| live.verdict.score)
    };
    at.iter().zip(values).map(&mut judge).collect()
}

/// Rows whose distances give the grain: what a catalogue knows when a series is first watched.
const FIRST_ROWS: usize = 200;

fn first_grain(at: &[Timestamp]) -> Option<Grain> {
    let first = &at[..at.len().min(FIRST_ROWS)];
    let mut steps: Vec<i64> =
        first.windows(2).map(|pair| pair[1].micros_since(pair[0])).filter(|&step| step > 0).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1).and_then(Grain::from_micros)
}

/// The channels of one labelled entity.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a> {
    /// Each of shape `(n_samples,)`.
    pub values: &'a [Vec<f64>],
    /// Event times, if the data has any.
    pub timestamps: Option<&'a [Timestamp]>,
    /// Rows at the start that may be learnt from and are not scored.
    pub n_train: usize,
}

/// Scores of the rows that are scored, shape `(n_samples − n_train,)` both.
#[derive(Clone, Debug)]
pub struct ChannelScores {
    /// By the whole history.
    pub batch: Vec<f64>,
    /// By the past alone.
    pub stream: Vec<f64>,
    /// The strongest season, 0 if there is none.
    pub period_samples: usize,
}

/// Judges labelled entities. `None` if the
/// work was stopped.
pub fn channel_scores(entities: &[Channels<'_>], work: &Work) -> Option<Vec<ChannelScores>> {
    entities
        .par_iter()
        .map(|entity| {
            if work.stopped() {
                return None;
            }
            let scores = score_channels(entity);
            work.advance(entity.values.first().map_or(0, Vec::len) as u64);
            Some(scores)
        })
        .collect()
}

fn score_channels(entity: &Channels<'_>) -> ChannelScores {
    let n_samples = entity.values.first().map_or(0, Vec::len);
    let grain = entity.timestamps.and_then(first_grain);
    let config = Config { grain, ..Config::default() };
    let period = common_period(entity.values.iter().map(Vec::as_slice), &config).map(|period| period.samples);
    let frame = Frame::new(entity.values, entity.n_train.min(n_samples));
    let batch = choose::scores(&frame, &choose::choose(&frame, grain));
    let scored = |mut scores: Vec<f64>| scores.split_off(entity.n_train.min(n_samples));
    ChannelScores {
        batch: scored(batch),
        stream: scored(causal_scores(entity, grain)),
        period_samples: period.unwrap_or(0),
    }
}

/// The score of each row by a live group that knows the rows before it.
fn causal_scores(entity: &Channels<'_>, grain: Option<Grain>) -> Vec<f64> {
    let n_samples = entity.values.first().map_or(0, Vec::len);
    let mut group = LiveGroup::new(entity.values.len(), &Setting { grain, ..Setting::default() });
    let mut attribution = vec![0.0; entity.values.len()];
    let mut judge = |row: usize| {
        let at = entity.timestamps.map_or(Timestamp(row as i64), |at| at[row]);
        let values: Vec<f64> = entity.values.iter().map(|channel| channel[row]).collect();
        group.update(at, 0, &values, &mut attribution).unwrap_or(0.0)
    };
    (0..n_samples).map(&mut judge).collect()
}

#[cfg(test)]
mod tests {
    use manazir_detect::Random;
    use proptest::prelude::*;

    use super::*;

    /// Eight weeks of hours around 29 March 2026, when the clocks of Berlin go forward: busy from 8 to 18 by
    /// the clock on the wall.
    fn office(zone: &str) -> Series {
        let mut random = Random::new(5);
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        // Monday, 2 March 2026, 00:00 in Berlin.
        let at: Vec<Timestamp> =
            (0..8 * 7 * 24).map(|hour| Timestamp::from_seconds(1_772_406_000 + 3_600 * hour)).collect();
        let busy = |at: &Timestamp| (8..18).contains(&berlin.to_datetime(at.to_jiff().unwrap()).hour());
        let values =
            at.iter().map(|at| if busy(at) { 100.0 } else { 20.0 } + 2.0 * random.normal()).collect();
        Series { at, values, grain: Some(Grain::HOUR), zone: zone.to_owned(), ..Series::default() }
    }

    /// Samples that are far from what was expected of them.
    fn unexpected(series: Series) -> usize {
        let work = Work::start("judging", 0, crate::progress::Unit::Samples, true);
        let report = analyse(vec![series], Sensitivity::default(), &work).remove(0);
        let pairs = report.series.values.iter().zip(&report.expected);
        pairs.filter(|(value, expected)| (*value - *expected).abs() > 20.0).count()
    }

    #[test]
    fn a_profile_follows_the_clock_on_the_wall_when_it_changes() {
        assert_eq!(unexpected(office("Europe/Berlin")), 0);
        // By another clock, two hours of each day after the change are not what they were.
        assert!(unexpected(office("UTC")) > 20);
    }

    /// Series of as many hours as `lengths` says, each with a spike.
    fn fleet(seed: u64, lengths: &[usize]) -> Vec<Series> {
        let mut random = Random::new(seed);
        let one = |(index, &hours): (usize, &usize)| {
            let mut values: Vec<f64> = (0..hours).map(|_| random.normal()).collect();
            if let Some(middle) = values.get_mut(hours / 2) {
                *middle += 40.0;
            }
            let at = (0..hours as i64).map(|hour| Timestamp::from_seconds(3_600 * hour)).collect();
            let key = manazir_model::SeriesKey::new(format!("s{index}"), []);
            Series { key, at, values, grain: Some(Grain::HOUR), ..Series::default() }
        };
        lengths.iter().enumerate().map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn any_number_of_threads_gives_the_same_verdicts(
            seed: u64,
            lengths in proptest::collection::vec(0..900usize, 1..7),
            threads in 2..6usize,
        ) {
            let by = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let work = Work::start("judging", 0, crate::progress::Unit::Samples, true);
                let reports = pool.install(|| analyse(fleet(seed, &lengths), Sensitivity::default(), &work));
                // Text, so that what holds no number is equal to itself; it is exact.
                reports.iter().map(|report| format!("{report:?}")).collect::<Vec<_>>()
            };
            prop_assert_eq!(by(threads), by(1));
        }
    }

    #[test]
    fn the_wanted_alarms_set_where_an_episode_begins() {
        let series = office("UTC");
        let open = |alarms_per_week| Sensitivity { alarms_per_week }.open_score(&series);
        assert_eq!(open(None), AlarmConfig::default().open_score);
        assert!(open(Some(0.01)) > open(Some(0.1)));
        let irregular = Series { grain: None, ..office("UTC") };
        assert_eq!(Sensitivity { alarms_per_week: Some(0.1) }.open_score(&irregular), open(Some(0.1)));
    }
}
