//! How far a series has moved in the incident, and how rarely it moves that far.

use std::ops::Range;

use rayon::prelude::*;

use super::series::{Incident, Series};
use super::surprise::{damped, surprise};

/// Fewer normal samples say nothing about a scale.
const NORMAL_SAMPLES_MIN: usize = 8;

/// Scale of a series is at least this share of its level: five percent of a latency are nobody's incident, however
/// steady the series was.
const SCALE_FLOOR: f64 = 0.05;

/// 1 / (2 Φ⁻¹(0.75)): makes the distance of the quartiles of a normal sample estimate its standard deviation.
const QUARTILES_TO_SIGMA: f64 = 0.741_301_109_252_801;

/// √(π/2): makes the mean absolute deviation of a normal sample estimate its standard deviation.
const MEAN_TO_SIGMA: f64 = 1.253_314_137_315_500_3;

/// Centre and width of what is normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Median, in the unit of the series.
    pub center: f64,
    /// Robust standard deviation with its floors, in the unit of the series; ≥ 0.
    pub scale: f64,
}

impl Normal {
    /// Median and quartiles of `values`, which are left in another order. O(n).
    ///
    /// `is_count`: the scale is at least that of a Poisson count of this level.
    pub(crate) fn of(values: &mut [f64], is_count: bool) -> Self {
        let quarter = (values.len() - 1) / 4;
        let middle = values.len() / 2;
        let (below, &mut center, above) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let lower = if below.is_empty() { center } else { nth(below, quarter) };
        let upper = if above.is_empty() {
            center
        } else {
            nth(above, above.len() - 1 - quarter.min(above.len() - 1))
        };
        let poisson = if is_count { center.max(0.25).sqrt() } else { 0.0 };
        let mut scale = (QUARTILES_TO_SIGMA * (upper - lower)).max(SCALE_FLOOR * center.abs()).max(poisson);
        if scale == 0.0 {
            let far: f64 = values.iter().map(|value| (value - center).abs()).sum();
            scale = MEAN_TO_SIGMA * far / values.len() as f64;
        }
        Self { center, scale }
    }

    /// Log-damped distance from the centre in scales.
    pub(crate) fn score(&self, value: f64) -> f64 {
        let distance = value - self.center;
        if distance == 0.0 { 0.0 } else { damped(distance / self.scale) }
    }
}

fn nth(values: &mut [f64], place: usize) -> f64 {
    let place = place.min(values.len() - 1);
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// What became of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// What it was like before.
    pub normal: Normal,
    /// Mean of the incident, in the unit of the series.
    pub now: f64,
    /// Surprise in nats that it rose as far as it did.
    pub up: f64,
    /// Surprise in nats that it fell as far as it did.
    pub down: f64,
}

/// Room that one thread needs, so that nothing is allocated for each series.
#[derive(Debug, Default)]
pub(crate) struct Room {
    values: Vec<f64>,
    windows: Vec<f64>,
}

/// The shift of each series, in their order; `None` where the incident or the normal time holds too little.
///
/// O(n_samples) a series, on all cores.
pub fn shifts(incident: &Incident<'_>) -> Vec<Option<Shift>> {
    let each = |room: &mut Room, series: &Series<'_>| shift(incident, series, room);
    incident.series.par_iter().with_min_len(64).map_init(Room::default, each).collect()
}

/// The shift of one series: mean of the log-damped scores over the incident against the same mean over every window
/// of the normal time.
pub(crate) fn shift(incident: &Incident<'_>, series: &Series<'_>, room: &mut Room) -> Option<Shift> {
    let values = series.values;
    room.values.clear();
    for stretch in incident.history(values.len()) {
        room.values.extend(values[stretch].iter().filter(|value| value.is_finite()));
    }
    if room.values.len() < NORMAL_SAMPLES_MIN {
        return None;
    }
    let normal = Normal::of(&mut room.values, series.kind.is_count());
    shift_from(incident, values, normal, room)
}

/// The same with what is normal given.
pub(crate) fn shift_from(
    incident: &Incident<'_>,
    values: &[f64],
    normal: Normal,
    room: &mut Room,
) -> Option<Shift> {
    let window = incident.window(values.len());
    let score = mean_score(values, window.clone(), &normal)?;
    let now = mean(values[window].iter().copied().filter(|value| value.is_finite()))?;
    room.windows.clear();
    for stretch in incident.history(values.len()) {
        sliding_means(values, stretch, incident.window_samples(), &normal, room);
    }
    let up = side_surprise(score, 1.0, room);
    let down = side_surprise(score, -1.0, room);
    Some(Shift { normal, now, up, down })
}

/// Surprise of a mean score that lies to one side of the normal ones; 0 on the other side.
fn side_surprise(score: f64, sign: f64, room: &mut Room) -> f64 {
    if sign * score <= 0.0 {
        return 0.0;
    }
    room.values.clear();
    room.values.extend(room.windows.iter().map(|window| (sign * window).max(0.0)));
    surprise(sign * score, &mut room.values)
}

fn mean_score(values: &[f64], window: Range<usize>, normal: &Normal) -> Option<f64> {
    mean(values[window].iter().filter(|value| value.is_finite()).map(|value| normal.score(*value)))
}

pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Appends the mean score of each window of `length` samples in the stretch to `room.windows`. O(stretch).
fn sliding_means(values: &[f64], stretch: Range<usize>, length: usize, normal: &Normal, room: &mut Room) {
    let scores = &mut room.values;
    scores.clear();
    scores.extend(
        values[stretch].iter().map(|value| if value.is_finite() { normal.score(*value) } else { f64::NAN }),
    );
    let (mut sum, mut count) = (0.0, 0_usize);
    for (place, &score) in scores.iter().enumerate() {
        if !score.is_nan() {
            sum += score;
            count += 1;
        }
        if place >= length && !scores[place - length].is_nan() {
            sum -= scores[place - length];
            count -= 1;
        }
        if place + 1 >= length && count > 0 {
            room.windows.push(sum / count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Kind, Statistic};
    use crate::topology::{EntityId, Topology};

    fn shift_of(kind: Kind, values: &[f64]) -> Option<Shift> {
        let series = Series {
            entity: EntityId(0),
            caller: None,
            metric: "m",
            statistic: Statistic::Mean,
            kind,
            values,
        };
        let topology = Topology::default();
        let end = values.len();
        let incident = Incident {
            series: &[series],
            topology: &topology,
            window: (end - 4, end),
            history: &[(0, end - 4)],
            alert: None,
        };
        shifts(&incident)[0]
    }

    fn noisy(level: f64, last: [f64; 4]) -> Vec<f64> {
        (0..60).map(|step| level + f64::from(step * 7 % 5)).chain(last).collect()
    }

    #[test]
    fn a_rise_surprises_upwards_only() {
        let shift = shift_of(Kind::Resource, &noisy(10.0, [40.0; 4])).unwrap();
        assert!(shift.up > 5.0 && shift.down == 0.0, "{shift:?}");
        assert_eq!((shift.normal.center, shift.now), (12.0, 40.0));
        let usual = shift_of(Kind::Resource, &noisy(10.0, [12.0; 4])).unwrap();
        assert!(usual.up < 1.5 && usual.down < 1.5, "{usual:?}");
    }

    #[test]
    fn one_wild_sample_counts_less_than_four_clear_ones() {
        let wild = shift_of(Kind::Resource, &noisy(10.0, [12.0, 12.0, 900.0, 12.0])).unwrap();
        let clear = shift_of(Kind::Resource, &noisy(10.0, [40.0; 4])).unwrap();
        assert!(wild.up < clear.up, "{wild:?} {clear:?}");
    }

    #[test]
    fn gaps_and_short_histories_say_nothing() {
        assert_eq!(shift_of(Kind::Latency, &[1.0, 2.0, 1.0, 9.0, 9.0, 9.0, 9.0]), None);
        assert_eq!(shift_of(Kind::Latency, &noisy(1.0, [f64::NAN; 4])), None);
        let mut gaps = noisy(10.0, [40.0, f64::NAN, f64::NAN, 40.0]);
        gaps[..20].fill(f64::NAN);
        assert!(shift_of(Kind::Latency, &gaps).unwrap().up > 5.0);
    }

    #[test]
    fn a_series_that_never_moved_has_a_finite_surprise() {
        let shift = shift_of(Kind::Resource, &[vec![0.0; 60], vec![3.0; 4]].concat()).unwrap();
        assert!(shift.up.is_finite() && shift.up > 5.0, "{shift:?}");
    }
}
