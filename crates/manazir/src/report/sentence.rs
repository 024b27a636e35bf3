//! One plain sentence with numbers for an anomaly.

use manazir_model::{Anomaly, AnomalyKind, Direction, Grain};

use super::name::{printable, subject, verb};
use super::number::{counted, joined, number, pair, percent, range, with_unit};
use super::when::{Clock, duration};
use crate::finding::SeriesReport;

/// From so many times the expectation on, "12 times" is easier than "1,100 % above".
const TIMES_MIN: f64 = 10.0;

/// Units whose zero is a convention, or that are percentages themselves: differences, no ratios.
const ABSOLUTE_UNITS: [&str; 4] = ["°C", "°F", "C", "F"];

/// Where a percentage is silly: the band reaches as far as zero.
const BAND_SHARE_MAX: f64 = 2.0;

/// The sentence of an anomaly: what, how much against what, when. Dates of `year` do without it.
pub fn sentence(report: &SeriesReport, anomaly: &Anomaly, year: i16) -> String {
    let teller = Teller::new(report, anomaly, year);
    // A name may hold whatever a file holds; the words for it go to terminals.
    printable(&format!("{} {}, {}", who(report), teller.what(), teller.when()))
}

/// The same of an episode that goes on while it is told: `since 14:05 on 27 Jan`.
pub fn sentence_so_far(report: &SeriesReport, anomaly: &Anomaly, year: i16) -> String {
    let teller = Teller::new(report, anomaly, year);
    let since = teller.clock.since(anomaly.start_at);
    printable(&format!("{} {}, {since}", who(report), teller.what()))
}

/// A total says that it is one: a series of it may bear the same name.
fn who(report: &SeriesReport) -> String {
    let total = if report.total.is_some() { " in total" } else { "" };
    format!("{}{total}", subject(&report.series))
}

/// What one sentence needs at hand.
struct Teller<'a> {
    report: &'a SeriesReport,
    anomaly: &'a Anomaly,
    clock: Clock,
    verb: &'static str,
    baseline: String,
    /// Indices of the samples of the episode.
    first: usize,
    after: usize,
}

impl<'a> Teller<'a> {
    fn new(report: &'a SeriesReport, anomaly: &'a Anomaly, year: i16) -> Self {
        let clock = Clock::of(&report.series, year);
        let baseline = baseline(report, anomaly, &clock);
        let first = report.series.at.partition_point(|&at| at < anomaly.start_at);
        let after = report.series.at.partition_point(|&at| at <= anomaly.end_at);
        Self { report, anomaly, clock, verb: verb(&report.series), baseline, first, after: after.max(first) }
    }

    /// What is strange: the sentence without its subject and its time.
    fn what(&self) -> String {
        let anomaly = self.anomaly;
        match anomaly.kind {
            AnomalyKind::Spike => self.deviation(anomaly.peak_observed, anomaly.peak_expected),
            AnomalyKind::LevelShift => self.level_shift(),
            AnomalyKind::VarianceChange => self.variance(),
            AnomalyKind::Shape => self.shape(),
            AnomalyKind::FlatLine => self.flat_line(),
            AnomalyKind::Missing => self.missing(),
            AnomalyKind::Season => self.season(),
        }
    }

    fn unit(&self) -> Option<&'a str> {
        self.report.series.unit.as_deref()
    }

    /// `were 41 % below what Sundays give (312 instead of 529)`, or in absolute numbers.
    fn deviation(&self, observed: f64, expected: f64) -> String {
        let verb = self.verb;
        if !observed.is_finite() {
            return "came without a number".to_owned();
        }
        let (lower, upper) = self.band();
        if !expected.is_finite() {
            return self.without_expectation(observed, lower, upper);
        }
        let instead = joined(observed, "instead of", expected, self.unit());
        match ratio(observed, expected, lower, upper, self.unit()) {
            Some(ratio) if ratio >= TIMES_MIN => {
                let times = number(ratio.round());
                format!("{verb} {times} times {} ({instead})", self.baseline)
            }
            Some(ratio) => {
                let side = if ratio < 1.0 { "below" } else { "above" };
                format!("{verb} {} {side} {} ({instead})", percent(ratio - 1.0), self.baseline)
            }
            None => self.absolute(observed, expected, lower, upper),
        }
    }

    fn absolute(&self, observed: f64, expected: f64, lower: f64, upper: f64) -> String {
        let (verb, side) = (self.verb, if observed < expected { "below" } else { "above" });
        let outside = observed < lower || observed > upper;
        if lower.is_finite() && upper.is_finite() && outside {
            let edge = if observed < lower { lower } else { upper };
            let distance = self.difference(observed - edge);
            return format!("{verb} {distance} {side} the usual {}", range(lower, upper, self.unit()));
        }
        let instead = joined(observed, "instead of", expected, self.unit());
        let distance = self.difference(observed - expected);
        format!("{verb} {distance} {side} {} ({instead})", self.baseline)
    }

    /// The difference of two percentages is told in points.
    fn difference(&self, difference: f64) -> String {
        match self.unit() {
            Some("%") => format!("{} points", number(difference.abs())),
            unit => with_unit(difference.abs(), unit),
        }
    }

    fn without_expectation(&self, observed: f64, lower: f64, upper: f64) -> String {
        let (lower, upper) =
            if lower.is_finite() && upper.is_finite() { (lower, upper) } else { self.usual_range() };
        let seen = with_unit(observed, self.unit());
        if !lower.is_finite() {
            return format!("{} {seen}", self.verb);
        }
        format!("{} {seen}, usual are {}", self.verb, range(lower, upper, self.unit()))
    }

    fn level_shift(&self) -> String {
        let anomaly = self.anomaly;
        if !anomaly.expected.is_finite() || !anomaly.observed.is_finite() {
            return self.deviation(anomaly.observed, anomaly.expected);
        }
        let side = match anomaly.direction {
            Some(Direction::Down) => "down",
            Some(Direction::Up) => "up",
            None if anomaly.observed < anomaly.expected => "down",
            None => "up",
        };
        let (seen, usual) = pair(anomaly.observed, anomaly.expected, self.unit());
        let (lower, upper) = self.band();
        let how_far = match ratio(anomaly.observed, anomaly.expected, lower, upper, self.unit()) {
            Some(ratio) if ratio >= TIMES_MIN => {
                format!("{} times {} ({usual})", number(ratio.round()), self.baseline)
            }
            Some(ratio) => {
                let above = if ratio < 1.0 { "below" } else { "above" };
                format!("{} {above} {} ({usual})", percent(ratio - 1.0), self.baseline)
            }
            None => {
                let above = if anomaly.observed < anomaly.expected { "below" } else { "above" };
                let distance = self.difference(anomaly.observed - anomaly.expected);
                format!("{distance} {above} {} ({usual})", self.baseline)
            }
        };
        format!("moved {side} to {seen}, {how_far}")
    }

    fn variance(&self) -> String {
        let residual = |index: usize| {
            let (value, expected) = (self.report.series.values[index], self.report.expected[index]);
            if expected.is_finite() { value - expected } else { value }
        };
        let inside = deviation_of((self.first..self.after).map(residual));
        let outside = deviation_of(self.outside().map(residual));
        let (Some(inside), Some(outside)) = (inside, outside.filter(|&spread| spread > 0.0)) else {
            return "scattered unlike before".to_owned();
        };
        let (now, usual) = pair(inside, outside, self.unit());
        let ratio = inside / outside;
        let spread = format!("±{now} instead of ±{usual}");
        if ratio >= 1.95 {
            let times = number(if ratio < 9.95 { (ratio * 10.0).round() / 10.0 } else { ratio.round() });
            return format!("scattered {times} times as widely as usual ({spread})");
        }
        let side = if ratio >= 1.0 { "more" } else { "less" };
        format!("scattered {} {side} than usual ({spread})", percent(ratio - 1.0))
    }

    fn shape(&self) -> String {
        let (lower, upper) = self.usual_range();
        let inside = |value: &f64| !value.is_finite() || (lower..=upper).contains(value);
        let length = self.clock.length(self.anomaly.start_at, self.anomaly.end_at);
        let values = &self.report.series.values[self.first..self.after];
        if lower.is_finite() && values.iter().all(inside) {
            let usual = range(lower, upper, self.unit());
            return format!("ran unlike the rest for {length}, at values that are usual ({usual})");
        }
        let (low, high) = extremes(values);
        if low.is_finite() && lower.is_finite() {
            let (seen, usual) = (range(low, high, self.unit()), range(lower, upper, self.unit()));
            return format!("ran unlike the rest for {length} ({seen}; usual are {usual})");
        }
        format!("ran unlike the rest for {length}")
    }

    fn flat_line(&self) -> String {
        let seen = with_unit(self.anomaly.observed, self.unit());
        let length = self.clock.length(self.anomaly.start_at, self.anomaly.end_at);
        let mut steps: Vec<f64> = self
            .outside()
            .filter(|&index| index > 0)
            .map(|index| (self.report.series.values[index] - self.report.series.values[index - 1]).abs())
            .filter(|step| step.is_finite())
            .collect();
        match quantile(&mut steps, 0.5) {
            Some(step) if step > 0.0 => {
                let step = self.difference(step);
                format!("stood still at {seen} for {length} (usual steps are {step})")
            }
            _ => format!("stood still at {seen} for {length}"),
        }
    }

    fn missing(&self) -> String {
        let micros = self.anomaly.end_at.micros_since(self.anomaly.start_at);
        let length = self.clock.length(self.anomaly.start_at, self.anomaly.end_at);
        match self.report.series.grain {
            Some(grain) if !self.clock.counts_rows() => {
                let slots = grain.samples_in(micros.saturating_add(grain.micros()));
                let every = duration(grain.micros());
                let missed = counted(slots, "sample", "samples");
                format!("sent nothing for {length} ({missed} missing at one every {every})")
            }
            _ => format!("sent nothing for {length}"),
        }
    }

    fn season(&self) -> String {
        let words = self.deviation(self.anomaly.observed, self.anomaly.expected);
        let (lower, upper) = self.usual_range();
        if (lower..=upper).contains(&self.anomaly.observed) {
            format!("{words}, a value that is usual at other times")
        } else {
            words
        }
    }

    fn when(&self) -> String {
        let anomaly = self.anomaly;
        if !anomaly.open {
            return self.clock.span(anomaly.start_at, anomaly.end_at);
        }
        format!("{}, still so when the data ends", self.clock.since(anomaly.start_at))
    }

    /// Mean ends of the expected band over the episode.
    fn band(&self) -> (f64, f64) {
        let mean = |ends: &[f64]| {
            let finite = ends[self.first..self.after].iter().filter(|end| end.is_finite());
            let (sum, count) = finite.fold((0.0, 0u32), |(sum, count), end| (sum + end, count + 1));
            sum / f64::from(count)
        };
        let lower = mean(&self.report.lower);
        // What was never negative is not expected to be.
        let positive = self.report.series.values.iter().all(|value| !value.is_finite() || *value >= 0.0);
        (if positive && lower < 0.0 { 0.0 } else { lower }, mean(&self.report.upper))
    }

    /// Between the 5th and 95th percentile of the samples outside of the episode.
    fn usual_range(&self) -> (f64, f64) {
        let mut values: Vec<f64> =
            self.outside().map(|index| self.report.series.values[index]).filter(|v| v.is_finite()).collect();
        let lower = quantile(&mut values, 0.05).unwrap_or(f64::NAN);
        (lower, quantile(&mut values, 0.95).unwrap_or(f64::NAN))
    }

    /// Samples of no episode.
    fn outside(&self) -> impl Iterator<Item = usize> + '_ {
        let at = &self.report.series.at;
        // Episodes come in the order of time.
        let mut episodes = self.report.anomalies.iter().peekable();
        (0..at.len()).filter(move |&index| {
            while episodes.next_if(|episode| episode.end_at < at[index]).is_some() {}
            let inside = episodes.peek().is_some_and(|episode| episode.start_at <= at[index]);
            !inside && !(self.first..self.after).contains(&index)
        })
    }
}

/// What the expectation rests on. A weekday means something for an episode of less than a day.
fn baseline(report: &SeriesReport, anomaly: &Anomaly, clock: &Clock) -> String {
    if !report.baseline_words.contains("{weekday}") {
        let plural = verb(&report.series) == "were";
        return report.baseline_words.replacen("its ", if plural { "their " } else { "its " }, 1);
    }
    let short = anomaly.end_at.micros_since(anomaly.start_at) < Grain::DAY.micros();
    match clock.weekday(anomaly.start_at).filter(|_| short) {
        Some(weekday) => report.baseline_words.replace("{weekday}", &weekday),
        None => "what the same hours of other weeks give".to_owned(),
    }
}

/// Observed ÷ expected where that is worth telling; `None` where the expectation is near zero for its band,
/// the signs differ, the zero of the unit is a convention, or the difference would round to nothing.
fn ratio(observed: f64, expected: f64, lower: f64, upper: f64, unit: Option<&str>) -> Option<f64> {
    let width = upper - lower;
    let near_zero = expected == 0.0 || width > BAND_SHARE_MAX * expected.abs();
    let other_sign = observed * expected < 0.0;
    let conventional = unit.is_some_and(|unit| unit == "%" || ABSOLUTE_UNITS.contains(&unit));
    let ratio = observed / expected;
    let visible = (ratio - 1.0).abs() >= 0.0005;
    (!near_zero && !other_sign && !conventional && visible && expected > 0.0).then_some(ratio)
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite.fold((f64::NAN, f64::NAN), |(low, high), value| (value.min(low), value.max(high)))
}

fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = (share * last as f64).round() as usize;
    Some(*values.select_nth_unstable_by(position.min(last), f64::total_cmp).1)
}

/// Standard deviation; `None` of fewer than two samples.
fn deviation_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values.filter(|value| value.is_finite()) {
        count += 1.0;
        let step = value - mean;
        mean += step / count;
        squares += step * (value - mean);
    }
    (count >= 2.0).then(|| (squares / (count - 1.0)).sqrt())
}

#[cfg(test)]
mod tests;
