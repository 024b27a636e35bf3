//! Series that own their values, for incidents to borrow.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use manazir_rca::evidence::{self, Incident, Kind, Ranking, Series, Statistic, baselines};
use manazir_rca::explanation::Scale;
use manazir_rca::topology::{EntityId, Topology};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reliability::{Engine, Ranked, Reliability};
use crate::{Accuracy, Error, Result};

/// Seed of the ranking by chance.
const SEED: u64 = 2_024;

/// What was recorded of a system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) topology: Topology,
    pub(crate) series: Vec<Owned>,
}

/// A [`Series`] with its name and values.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) entity: EntityId,
    pub(crate) caller: Option<EntityId>,
    pub(crate) metric: String,
    pub(crate) statistic: Statistic,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<f64>,
}

impl Recording {
    pub(crate) fn borrowed(&self) -> Vec<Series<'_>> {
        self.series.iter().map(Owned::borrow).collect()
    }
}

impl Owned {
    fn borrow(&self) -> Series<'_> {
        let Self { entity, caller, metric, statistic, kind, values } = self;
        Series { entity: *entity, caller: *caller, metric, statistic: *statistic, kind: *kind, values }
    }
}

/// Case by case, what the rankings of a set of incidents came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Case by case: group, place of the true cause.
    places: Vec<(String, Option<usize>)>,
    rankings: Vec<Ranked>,
    /// Whether a cause was named.
    named: Vec<bool>,
    baselines: BTreeMap<&'static str, Vec<Option<usize>>>,
    pub(crate) ms: Vec<f64>,
}

/// What the rankings of a set of incidents came to, in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Over all cases.
    #[serde(flatten)]
    pub accuracy: Accuracy,
    /// By kind of case.
    pub by_kind: BTreeMap<String, Accuracy>,
    /// Of simple rankings on the same series: chance, largest z-score, the robust scorer of BARO.
    pub baselines: BTreeMap<&'static str, Accuracy>,
    /// Share of the cases in which the evidence sufficed to name a cause.
    pub named: f64,
    /// Whether the confidence in the first cause means what it says.
    pub confidence: Reliability,
}

impl Outcome {
    /// Ranks one incident whose true cause is known.
    pub(crate) fn judge(&mut self, group: &str, incident: &Incident<'_>, cause: EntityId) {
        let started = Instant::now();
        let ranking = evidence::rank(incident);
        self.ms.push(started.elapsed().as_secs_f64() * 1e3);
        self.named.push(ranking.cause().is_some());
        let right = place(&ranking, cause);
        self.places.push((group.to_owned(), right));
        let scores = ranking.candidates.iter().map(|candidate| candidate.score).collect();
        self.rankings.push(Ranked { scores, score_min: ranking.score_min, right });
        let rivals = [
            ("random", baselines::random(incident, SEED)),
            ("n_sigma", baselines::n_sigma(incident)),
            ("baro", baselines::baro(incident)),
        ];
        for (name, order) in rivals {
            let place = order.iter().position(|entity| *entity == cause);
            self.baselines.entry(name).or_default().push(place);
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let all: Vec<Option<usize>> = self.places.iter().map(|(_, place)| *place).collect();
        let mut groups: BTreeMap<String, Vec<Option<usize>>> = BTreeMap::new();
        for (group, place) in &self.places {
            groups.entry(group.clone()).or_default().push(*place);
        }
        let named = self.named.iter().filter(|named| **named).count();
        Figures {
            accuracy: Accuracy::of(&all),
            by_kind: groups.into_iter().map(|(group, places)| (group, Accuracy::of(&places))).collect(),
            baselines: self.baselines.iter().map(|(name, places)| (*name, Accuracy::of(places))).collect(),
            confidence: Engine::Evidence.reliability(&Scale::default(), &self.rankings),
            named: named as f64 / self.named.len().max(1) as f64,
        }
    }
}

fn place(ranking: &Ranking, cause: EntityId) -> Option<usize> {
    ranking.candidates.iter().position(|candidate| candidate.entity == cause)
}

/// Share of incidents without a fault for which no cause is named; `None` without any.
pub(crate) fn specificity<'a>(quiet: impl Iterator<Item = Incident<'a>>) -> Option<f64> {
    let silent: Vec<bool> = quiet.map(|incident| evidence::rank(&incident).cause().is_none()).collect();
    let share = silent.iter().filter(|silent| **silent).count() as f64 / silent.len() as f64;
    (!silent.is_empty()).then_some(share)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|source| Error::Json { path: path.to_owned(), source })
}
