//! What an operator feels: events caught at a bearable rate of false alarms, and how late.

use crate::average_precision::by_score_descending;
use crate::vus::stretches;

/// One false alarm in this many points is bearable: about one a week at a minute's grain.
const POINTS_PER_FALSE_ALARM: usize = 10_000;

/// An alarm that stays open over this many normal points counts as one more false alarm. Without it one alarm
/// that never closes would catch everything at the price of one.
const POINTS_PER_OPEN_ALARM: u32 = 100;

/// Recall and delay at one false alarm per 10,000 points.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The threshold they hold at: an alarm is open while the score is at or above it. Infinite if even the
    /// highest score costs too many false alarms.
    pub threshold: f64,
    /// False alarms at that threshold.
    pub false_alarms: usize,
    /// All events: maximal runs of labelled points.
    pub events: usize,
    /// For each caught event, in time order, points from its start to its first point at or above the
    /// threshold; 0 if an alarm was already open.
    pub delays: Vec<usize>,
}

impl Operator {
    /// Share of events with at least one point at or above the threshold; NaN without an event.
    pub fn event_recall(&self) -> f64 {
        self.delays.len() as f64 / self.events as f64
    }
}

/// Finds the lowest threshold with at most one false alarm per 10,000 points, and what it catches.
///
/// An alarm is a maximal run of points whose score is at or above the threshold. It is false if none of its
/// points is labelled; and every alarm, true or false, counts as one more false alarm for each full 100 normal
/// points that it is open. At most ⌊n / 10,000⌋ false alarms are allowed, so a series below 10,000 points is
/// judged at none. Lower thresholds can have fewer false alarms, when one grows into an event: the lowest that
/// fits is taken, wherever it lies.
///
/// `labels`, `scores`: shape `(n_samples,)`; the shorter one counts. NaN is never an alarm. O(n log n).
///
/// ```
/// let labels: Vec<bool> = (0..1_000).map(|t| (500..520).contains(&t)).collect();
/// let mut scores = vec![0.0; 1_000];
/// scores[504..530].fill(2.0); // Four points late, and open for a while after the end: a true alarm.
/// let felt = manazir_score::operator(&labels, &scores);
/// assert_eq!((felt.event_recall(), felt.delays.as_slice(), felt.false_alarms), (1.0, [4].as_slice(), 0));
/// scores[100] = 3.0; // Now nothing can be caught without a false alarm.
/// assert_eq!(manazir_score::operator(&labels, &scores).event_recall(), 0.0);
/// ```
pub fn operator(labels: &[bool], scores: &[f64]) -> Operator {
    let n_samples = labels.len().min(scores.len());
    let (labels, scores) = (&labels[..n_samples], &scores[..n_samples]);
    let allowed = n_samples / POINTS_PER_FALSE_ALARM;
    let (threshold, false_alarms) = lowest_threshold(labels, scores, allowed);
    let events = stretches(labels);
    let first_alarm =
        |event: &std::ops::Range<usize>| scores[event.clone()].iter().position(|&score| score >= threshold);
    Operator {
        threshold,
        false_alarms,
        events: events.len(),
        delays: events.iter().filter_map(first_alarm).collect(),
    }
}

/// The middle delay of all events caught, in points; `None` without one. Of an even number, the mean of the
/// middle two.
pub(crate) fn median(delays: &[usize]) -> Option<f64> {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) as f64 / 2.0)
}

fn lowest_threshold(labels: &[bool], scores: &[f64], allowed: usize) -> (f64, usize) {
    let mut alarms = Alarms::new(labels);
    let mut lowest = (f64::INFINITY, 0);
    for tied in by_score_descending(scores).chunk_by(|left, right| left.0 == right.0) {
        if tied[0].0 == f64::NEG_INFINITY {
            break;
        }
        tied.iter().for_each(|&(_, row)| alarms.open(row as usize));
        if alarms.false_alarms <= allowed {
            lowest = (tied[0].0, alarms.false_alarms);
        }
    }
    lowest
}

/// Alarms while the threshold sinks: runs of open points that grow and merge.
struct Alarms<'a> {
    labels: &'a [bool],
    /// At both ends of a run, the run's other end; `CLOSED` for a point that is not open.
    other_end: Vec<u32>,
    /// At the first point of a run: normal points in it.
    normal: Vec<u32>,
    false_alarms: usize,
}

const CLOSED: u32 = u32::MAX;

impl<'a> Alarms<'a> {
    fn new(labels: &'a [bool]) -> Self {
        Self { labels, other_end: vec![CLOSED; labels.len()], normal: vec![0; labels.len()], false_alarms: 0 }
    }

    /// Opens one point and merges it with the runs beside it.
    fn open(&mut self, point: usize) {
        let (mut first, mut last) = (point, point);
        let mut normal = u32::from(!self.labels[point]);
        if point > 0 && self.other_end[point - 1] != CLOSED {
            first = self.other_end[point - 1] as usize;
            self.false_alarms -= self.charge(first, point - 1);
            normal += self.normal[first];
        }
        if point + 1 < self.labels.len() && self.other_end[point + 1] != CLOSED {
            last = self.other_end[point + 1] as usize;
            self.false_alarms -= self.charge(point + 1, last);
            normal += self.normal[point + 1];
        }
        self.other_end[first] = last as u32;
        self.other_end[last] = first as u32;
        if first < point && point < last {
            // Inside of a run the value only says "open".
            self.other_end[point] = point as u32;
        }
        self.normal[first] = normal;
        self.false_alarms += self.charge(first, last);
    }

    /// What a run counts as.
    fn charge(&self, first: usize, last: usize) -> usize {
        let normal = self.normal[first];
        let misses_all_events = normal as usize == last - first + 1;
        usize::from(misses_all_events) + (normal / POINTS_PER_OPEN_ALARM) as usize
    }
}
