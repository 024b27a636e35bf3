//! Where the techniques ended up among all that was strange on their day.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{DAYS_LEARNT, Day, Scored};
use crate::{Error, Result};

const HOUR: i64 = 3_600_000_000;
/// An operator reads so many lines a day.
const TOP: usize = 10;

/// Figures of a whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Share of techniques, over all seeds, whose best event is among the ten strangest actor-hours of its day.
    pub top10: f64,
    /// Share of them that are part of an alarm.
    pub alarmed: f64,
    /// Alarms a day on the days with techniques, those of the techniques included.
    pub alarms_per_day: f64,
    /// Techniques, each hidden once with every seed.
    pub techniques: usize,
    /// By name.
    pub per_technique: BTreeMap<String, TechniqueReport>,
    /// Average precision on the real log, if there is one.
    pub real_average_precision: Option<f64>,
    /// What a random score gets there.
    pub real_base_rate: Option<f64>,
    /// Records judged.
    pub records: usize,
    /// Records read and judged in a second, on one core.
    pub records_per_second: Option<f64>,
    /// Peak memory of the run.
    pub peak_rss_mib: Option<f64>,
}

/// What became of one technique.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TechniqueReport {
    /// Rank of its best event among the actor-hours of its day, a seed each; ties count against it.
    pub ranks: Vec<usize>,
    /// Score of that event.
    pub scores: Vec<f64>,
    /// Principal that it was done with.
    pub hosts: Vec<String>,
    /// Seconds from its first event to its first alarm; `None` where there was none.
    pub delays_s: Vec<Option<f64>>,
}

/// Counts as the days come in.
#[derive(Clone, Debug)]
pub struct Tally {
    names: Vec<String>,
    found: BTreeMap<String, TechniqueReport>,
    alarms: usize,
    days: usize,
    records: usize,
}

impl Tally {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names, found: BTreeMap::new(), alarms: 0, days: 0, records: 0 }
    }

    /// Adds a day; `scored` has an entry for every record of it.
    pub fn add(&mut self, day: &Day, scored: &[Scored]) -> Result<()> {
        if scored.len() != day.origins.len() {
            let what = format!("day {}", day.day);
            return Err(Error::Shape { what, given: scored.len(), wanted: day.origins.len() });
        }
        self.records += scored.len();
        if day.day < DAYS_LEARNT {
            return Ok(());
        }
        self.days += 1;
        self.alarms += alarms(day, scored);
        if let Some(index) = day.origins.iter().find_map(|origin| origin.technique) {
            let name = self.names.get(index).cloned().unwrap_or_default();
            self.found.entry(name).or_default().add(day, scored);
        }
        Ok(())
    }

    /// Adds what another has counted after this one.
    pub fn merge(&mut self, other: Self) {
        self.alarms += other.alarms;
        self.days += other.days;
        self.records += other.records;
        for (name, of) in other.found {
            let all = self.found.entry(name).or_default();
            all.ranks.extend(of.ranks);
            all.scores.extend(of.scores);
            all.hosts.extend(of.hosts);
            all.delays_s.extend(of.delays_s);
        }
    }

    /// The figures, without those that only the caller can measure.
    pub fn report(self) -> Report {
        let hidden: usize = self.found.values().map(|of| of.ranks.len()).sum();
        let share = |count: usize| if hidden == 0 { 0.0 } else { count as f64 / hidden as f64 };
        let in_top = |of: &TechniqueReport| of.ranks.iter().filter(|&&rank| rank <= TOP).count();
        let told = |of: &TechniqueReport| of.delays_s.iter().flatten().count();
        Report {
            top10: share(self.found.values().map(in_top).sum()),
            alarmed: share(self.found.values().map(told).sum()),
            alarms_per_day: self.alarms as f64 / self.days.max(1) as f64,
            techniques: self.found.len(),
            per_technique: self.found,
            real_average_precision: None,
            real_base_rate: None,
            records: self.records,
            records_per_second: None,
            peak_rss_mib: None,
        }
    }
}

impl TechniqueReport {
    fn add(&mut self, day: &Day, scored: &[Scored]) {
        let mut hours: BTreeMap<(usize, i64), f64> = BTreeMap::new();
        let (mut best, mut who, mut first, mut told) = (f64::NEG_INFINITY, 0, None, None);
        for (origin, of) in day.origins.iter().zip(scored) {
            let score = if of.score.is_nan() { 0.0 } else { of.score };
            if origin.technique.is_some() {
                (best, who) = (best.max(score), origin.who);
                let began = *first.get_or_insert(origin.at);
                if of.alarm {
                    told.get_or_insert((origin.at - began) as f64 / 1e6);
                }
            } else {
                let highest = hours.entry((origin.who, origin.at.div_euclid(HOUR))).or_insert(0.0);
                *highest = highest.max(score);
            }
        }
        self.ranks.push(1 + hours.values().filter(|&&highest| highest >= best).count());
        self.scores.push(best);
        self.hosts.push(super::PRINCIPALS[who].name.to_owned());
        self.delays_s.push(told);
    }
}

/// Alarms of a day: events of one principal with less than an hour between them are one.
fn alarms(day: &Day, scored: &[Scored]) -> usize {
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    let mut alarms = 0;
    for (origin, _) in day.origins.iter().zip(scored).filter(|(_, of)| of.alarm) {
        let before = last.insert(origin.who, origin.at);
        alarms += usize::from(before.is_none_or(|before| origin.at - before > HOUR));
    }
    alarms
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;

    fn origin(minute: i64, who: usize, technique: Option<usize>) -> Origin {
        Origin { at: minute * 60_000_000, who, technique }
    }

    #[test]
    fn ranks_count_the_hours_of_others_and_ties_against_the_technique() {
        let day = Day {
            day: DAYS_LEARNT,
            lines: Vec::new(),
            origins: vec![
                origin(0, 1, None),
                origin(1, 1, None),
                origin(2, 2, Some(0)),
                origin(3, 2, Some(0)),
                origin(70, 1, None),
                origin(71, 3, None),
            ],
        };
        let scored = [(9.0, true), (9.0, true), (1.0, false), (5.0, true), (5.0, false), (4.0, true)]
            .map(|(score, alarm)| Scored { score, alarm });
        let mut tally = Tally::new(vec!["t".to_owned()]);
        tally.add(&day, &scored).unwrap();
        assert!(tally.add(&day, &scored[1..]).is_err());
        let mut all = Tally::new(vec!["t".to_owned()]);
        all.merge(tally);
        let report = all.report();
        assert_eq!((report.top10, report.alarmed, report.alarms_per_day), (1.0, 1.0, 3.0));
        let of = &report.per_technique["t"];
        assert_eq!((of.ranks.as_slice(), of.delays_s.as_slice()), ([3].as_slice(), [Some(60.0)].as_slice()));
    }
}
