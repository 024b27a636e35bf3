//! Which findings are worth a person's time: so many a day, and one alarm for what belongs together.

use manazir_model::{Grain, Timestamp};
use serde::{Deserialize, Serialize};

use super::store::{Store, Worth};

/// Peaks of a day that are remembered.
const PEAKS: usize = 16;
/// Days from which the level is taken.
const DAYS: usize = 7;
/// Until a day has passed, only what is beyond doubt is an alarm.
const FIRST_DAY_LEVEL: f32 = 12.0;
/// Below this an event is no alarm, however quiet the days are.
const LEAST: f64 = 2.0;

/// Strange events of one actor with less than an hour between them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Episode {
    opened: i64,
    last: i64,
    peak: f32,
    told: bool,
}

impl Worth for Episode {
    fn worth(&self) -> f32 {
        // Hours, because 32 bits hold no more.
        (self.last / Grain::HOUR.micros()) as f32
    }
}

/// Peak of an episode of today, by actor and opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Peak {
    actor: u64,
    opened: i64,
    score: f32,
}

/// Turns scores into alarms, by the number of alarms that is wanted each day.
///
/// The level is the median, over the last seven days, of the score that the wanted number of episodes of a day
/// reached. A day that has had its alarms is told only of what is stranger than all of them, so that neither
/// a first day nor a large change floods anybody. An episode is told once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Budget {
    alarms_per_day: usize,
    day: i64,
    episodes: Store<Episode>,
    today: Vec<Peak>,
    /// The level that would have given the wanted number, of each day past, the latest last.
    levels: Vec<f32>,
    told_today: usize,
    highest_today: f32,
}

impl Budget {
    pub(super) fn new(alarms_per_day: usize, entries: usize) -> Self {
        Self {
            alarms_per_day: alarms_per_day.clamp(1, PEAKS),
            day: i64::MIN,
            episodes: Store::new(entries),
            today: Vec::with_capacity(PEAKS),
            levels: Vec::with_capacity(DAYS + 1),
            told_today: 0,
            highest_today: 0.0,
        }
    }

    /// True if an event of this score is part of an alarm.
    pub(super) fn judge(&mut self, actor: u64, at: Timestamp, score: f64) -> bool {
        self.turn_page(at);
        if score < LEAST {
            return false;
        }
        let (score, level) = (score as f32, self.level());
        let (episode, fresh) = self.episodes.entry(actor);
        if fresh || at.micros().saturating_sub(episode.last) > Grain::HOUR.micros() {
            *episode = Episode { opened: at.micros(), ..Episode::default() };
        }
        episode.last = episode.last.max(at.micros());
        episode.peak = episode.peak.max(score);
        let room = self.told_today < self.alarms_per_day || score > self.highest_today;
        if !episode.told && score >= level && room {
            episode.told = true;
            self.told_today += 1;
        }
        let told = episode.told;
        let peak = Peak { actor, opened: episode.opened, score: episode.peak };
        if told {
            self.highest_today = self.highest_today.max(score);
        }
        self.remember(peak);
        told && score >= level
    }

    /// Score from which an episode of today is an alarm.
    fn level(&self) -> f32 {
        let mut sorted = [FIRST_DAY_LEVEL; DAYS];
        let levels = &mut sorted[..self.levels.len().min(DAYS)];
        levels.copy_from_slice(&self.levels[..levels.len()]);
        levels.sort_unstable_by(f32::total_cmp);
        levels.get(levels.len() / 2).copied().unwrap_or(FIRST_DAY_LEVEL)
    }

    fn remember(&mut self, peak: Peak) {
        let same = |held: &&mut Peak| held.actor == peak.actor && held.opened == peak.opened;
        if let Some(held) = self.today.iter_mut().find(same) {
            *held = peak;
        } else if self.today.len() < PEAKS {
            self.today.push(peak);
        } else if let Some(least) = self.today.iter_mut().min_by(|a, b| a.score.total_cmp(&b.score))
            && least.score < peak.score
        {
            *least = peak;
        }
    }

    fn turn_page(&mut self, at: Timestamp) {
        let day = at.micros().div_euclid(Grain::DAY.micros());
        if day <= self.day {
            return;
        }
        if self.day != i64::MIN {
            self.today.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
            let reached = self.today.get(self.alarms_per_day - 1).map_or(LEAST as f32, |peak| peak.score);
            self.levels.push(reached.max(LEAST as f32));
            if self.levels.len() > DAYS {
                self.levels.remove(0);
            }
        }
        self.today.clear();
        (self.day, self.told_today, self.highest_today) = (day, 0, 0.0);
    }

    pub(super) fn bytes(&self) -> usize {
        self.episodes.bytes()
            + self.today.capacity() * size_of::<Peak>()
            + self.levels.capacity() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, minute: i64) -> Timestamp {
        Timestamp::from_seconds(day * 86_400 + minute * 60)
    }

    /// Ten actors a day, scores 1 to 10.
    fn week(budget: &mut Budget) {
        for day in 0..7 {
            for actor in 1..=10u64 {
                budget.judge(actor, at(day, actor as i64), actor as f64);
            }
        }
    }

    #[test]
    fn so_many_alarms_a_day_and_more_only_for_what_is_stranger() {
        let mut budget = Budget::new(3, 64);
        week(&mut budget);
        assert_eq!(budget.level(), 8.0);
        let told = [7.9, 8.0, 9.0, 8.5, 8.7, 9.5].map(|score| {
            let actor = (score * 10.0) as u64;
            budget.judge(actor, at(8, 0), score)
        });
        assert_eq!(told, [false, true, true, true, false, true]);
    }

    #[test]
    fn an_episode_is_told_once() {
        let mut budget = Budget::new(3, 64);
        week(&mut budget);
        let told = (0..200).filter(|&minute| budget.judge(77, at(8, minute), 9.0)).count();
        assert_eq!((told, budget.told_today), (200, 1));
        assert!(!budget.judge(77, at(8, 200), 7.0));
        assert!(budget.judge(77, at(8, 280), 9.0));
        assert_eq!(budget.told_today, 2);
    }

    #[test]
    fn a_first_day_tells_what_is_beyond_doubt() {
        let mut budget = Budget::new(3, 64);
        assert!(!budget.judge(1, at(0, 0), 11.0));
        assert!(budget.judge(1, at(0, 1), 12.5));
    }
}
