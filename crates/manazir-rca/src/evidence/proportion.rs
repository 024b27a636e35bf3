//! Proportions within an entity that no longer hold.
//!
//! A request that comes in leaves the same marks each time: a span, a line at the start, a line at the end, two calls
//! onwards. Whatever the load, their numbers keep a proportion. Code that throws or returns early breaks it, and
//! breaks it only where it runs: an entity that is merely called less keeps its own. So a broken proportion is
//! evidence from inside, unlike a count that fell.
//!
//! For each mark the other mark of the same entity is looked for that has foretold it best in normal time,
//! xᵢ ≈ r · xⱼ with r the median of xᵢ / xⱼ over windows as long as the incident. What deviates is measured in Poisson
//! deviations, (xᵢ − r xⱼ) / √max(r xⱼ, 1), and calibrated by the same deviations in normal time.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::series::{Incident, Kind};
use super::surprise::{damped, surprise};
use crate::normal::MAD_TO_SIGMA;
use crate::topology::EntityId;

/// A mark that comes up less often in a window, on average, has no proportion to speak of.
const COUNT_MIN: f64 = 3.0;

/// A rarer mark foretells a frequent one badly.
const PARTNER_SHARE_MIN: f64 = 0.5;

/// With fewer windows the median of a ratio is a guess.
const WINDOWS_MIN: usize = 15;

/// Two marks that always came in step have no deviation at all; half a Poisson deviation is a count or two of one
/// hundred, which the border of a minute can do.
const SCALE_FLOOR: f64 = 0.5;

/// Pairs are tried with so many of the busiest marks of an entity: the cost is quadratic.
const MARKS_MAX: usize = 64;

/// Whose mark it is. A pair needs at least one mark that the entity itself made: how calls in and calls out are mixed
/// is up to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Own,
    Call,
}

/// The proportion of an entity that is broken most clearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Broken {
    /// In nats.
    pub surprise: f64,
    /// Position of the series that deviates.
    pub series: usize,
    /// Position of the series that foretells it.
    pub partner: usize,
    /// What was counted in the incident.
    pub now: f64,
    /// What the partner let expect.
    pub expected: f64,
}

/// For each entity with marks.
///
/// O(marks² · n_windows) an entity, on all cores.
pub fn broken_proportions(incident: &Incident<'_>) -> BTreeMap<EntityId, Broken> {
    let mut of_entity: BTreeMap<EntityId, Vec<(usize, Side)>> = BTreeMap::new();
    for (place, series) in incident.series.iter().enumerate() {
        match (series.kind, series.caller) {
            (Kind::Log | Kind::Operation, _) => {
                of_entity.entry(series.entity).or_default().push((place, Side::Own));
            }
            (Kind::Traffic, Some(caller)) => {
                of_entity.entry(series.entity).or_default().push((place, Side::Call));
                of_entity.entry(caller).or_default().push((place, Side::Call));
            }
            _ => {}
        }
    }
    let entities: Vec<_> = of_entity.into_iter().collect();
    let found =
        entities.par_iter().filter_map(|(entity, marks)| Some((*entity, most_broken(incident, marks)?)));
    found.collect()
}

/// Counts of one mark: in the incident, and in each window of the normal time (NaN where nothing was looked at).
struct Mark {
    series: usize,
    side: Side,
    now: f64,
    normal: Vec<f64>,
    mean: f64,
}

fn most_broken(incident: &Incident<'_>, marks: &[(usize, Side)]) -> Option<Broken> {
    let mut marks: Vec<Mark> = marks.iter().filter_map(|mark| count(incident, *mark)).collect();
    let name = |mark: &Mark| (incident.series[mark.series].metric, incident.series[mark.series].caller);
    marks.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| name(a).cmp(&name(b))));
    marks.truncate(MARKS_MAX);
    let mut room = Room::default();
    let mut best: Option<Broken> = None;
    for mark in &marks {
        let partners = marks.iter().filter(|other| may_foretell(other, mark));
        let foretold =
            partners.filter_map(|partner| Some((Foretold::by(mark, partner, &mut room)?, partner)));
        // The first of equals, so that the order of the series decides nothing.
        let tightest = foretold.reduce(|a, b| if b.0.looseness < a.0.looseness { b } else { a });
        let Some((foretold, partner)) = tightest else { continue };
        let broken = foretold.judge(mark, partner, &mut room);
        if best.is_none_or(|known| broken.surprise > known.surprise) {
            best = Some(broken);
        }
    }
    best
}

fn may_foretell(partner: &Mark, mark: &Mark) -> bool {
    partner.series != mark.series
        && (partner.side == Side::Own || mark.side == Side::Own)
        && partner.mean >= PARTNER_SHARE_MIN * mark.mean
}

/// `None` for what is too rare or was not looked at in the incident.
fn count(incident: &Incident<'_>, (place, side): (usize, Side)) -> Option<Mark> {
    let values = incident.series[place].values;
    let now = sum(&values[incident.window(values.len())])?;
    let length = incident.window_samples();
    let windows = incident.history(values.len()).flat_map(|stretch| values[stretch].windows(length));
    let normal: Vec<f64> = windows.map(|window| sum(window).unwrap_or(f64::NAN)).collect();
    let mean = super::shift::mean(normal.iter().copied().filter(|count| !count.is_nan()))?;
    (mean >= COUNT_MIN).then_some(Mark { series: place, side, now, normal, mean })
}

fn sum(values: &[f64]) -> Option<f64> {
    let usable = || values.iter().filter(|value| value.is_finite());
    usable().next().map(|_| usable().sum())
}

#[derive(Default)]
struct Room {
    ratios: Vec<f64>,
    deviations: Vec<f64>,
}

/// How well one mark is foretold by another.
#[derive(Clone, Copy)]
struct Foretold {
    ratio: f64,
    /// Standard deviation plus upper fifth of the deviations: small if the two keep in step, and nearly always.
    looseness: f64,
}

impl Foretold {
    fn by(mark: &Mark, partner: &Mark, room: &mut Room) -> Option<Self> {
        let pairs = || mark.normal.iter().zip(&partner.normal).filter(|(x, y)| !x.is_nan() && **y > 0.0);
        room.ratios.clear();
        room.ratios.extend(pairs().map(|(x, y)| x / y));
        if room.ratios.len() < WINDOWS_MIN {
            return None;
        }
        let ratio = quantile(&mut room.ratios, 0.5);
        if ratio <= 0.0 {
            return None;
        }
        room.deviations.clear();
        room.deviations.extend(pairs().map(|(x, y)| deviation(*x, ratio * y).abs()));
        let typical = MAD_TO_SIGMA * quantile(&mut room.deviations, 0.5);
        let looseness = typical.max(0.2 * SCALE_FLOOR) + quantile(&mut room.deviations, 0.8);
        Some(Self { ratio, looseness })
    }

    fn judge(self, mark: &Mark, partner: &Mark, room: &mut Room) -> Broken {
        let expected = self.ratio * partner.now;
        let pairs = mark.normal.iter().zip(&partner.normal).filter(|(x, y)| !x.is_nan() && **y > 0.0);
        room.deviations.clear();
        room.deviations.extend(pairs.map(|(x, y)| deviation(*x, self.ratio * y).abs()));
        let scale = (MAD_TO_SIGMA * quantile(&mut room.deviations, 0.5)).max(SCALE_FLOOR);
        for deviation in &mut room.deviations {
            *deviation = damped(*deviation / scale);
        }
        let far = damped(deviation(mark.now, expected).abs() / scale);
        Broken {
            surprise: surprise(far, &mut room.deviations),
            series: mark.series,
            partner: partner.series,
            now: mark.now,
            expected,
        }
    }
}

/// In deviations of a Poisson count.
fn deviation(count: f64, expected: f64) -> f64 {
    (count - expected) / expected.max(1.0).sqrt()
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    let place = ((values.len() - 1) as f64 * share).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Series, Statistic};
    use crate::topology::Topology;

    /// Load that differs from minute to minute, and half of it in the last four.
    fn load(step: usize) -> f64 {
        let usual = 40.0 + (step * 37 % 23) as f64;
        if step < 60 { usual } else { (usual / 2.0).floor() }
    }

    fn broken(end_lines: &[f64]) -> Option<Broken> {
        let start_lines: Vec<f64> = (0..64).map(load).collect();
        let mark = |metric, values| Series {
            entity: EntityId(0),
            caller: None,
            metric,
            statistic: Statistic::Sum,
            kind: Kind::Log,
            values,
        };
        let series = [mark("start", start_lines.as_slice()), mark("end", end_lines)];
        let topology = Topology::default();
        let incident = Incident {
            series: &series,
            topology: &topology,
            window: (60, 64),
            history: &[(0, 60)],
            alert: None,
        };
        broken_proportions(&incident).get(&EntityId(0)).copied()
    }

    #[test]
    fn less_load_breaks_no_proportion() {
        let end_lines: Vec<f64> = (0..64).map(load).collect();
        assert!(broken(&end_lines).unwrap().surprise < 1.5);
    }

    #[test]
    fn lines_that_stay_away_break_one() {
        let end_lines: Vec<f64> = (0..64).map(|step| if step < 60 { load(step) } else { 0.0 }).collect();
        let broken = broken(&end_lines).unwrap();
        assert!(broken.surprise > 5.0, "{broken:?}");
        assert!(broken.now != broken.expected);
    }
}
