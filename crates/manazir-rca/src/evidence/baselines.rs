//! What a ranking has to beat: chance, the largest z-score, and the robust scorer of BARO.

use std::collections::BTreeMap;

use manazir_model::Random;

use super::series::{Incident, Series};
use crate::topology::EntityId;

/// The entities of the series in an order drawn from `seed`.
pub fn random(incident: &Incident<'_>, seed: u64) -> Vec<EntityId> {
    let mut random = Random::new(seed);
    by_score(incident, |_| Some(random.uniform()))
}

/// Largest |x − mean| / standard deviation of the incident's samples, the largest of an entity's series.
pub fn n_sigma(incident: &Incident<'_>) -> Vec<EntityId> {
    by_score(incident, |series| {
        let before = normal(incident, series)?;
        let n_samples = before.len() as f64;
        let mean = before.iter().sum::<f64>() / n_samples;
        let variance = before.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n_samples;
        let far = now(incident, series).map(|value| (value - mean).abs()).fold(0.0, f64::max);
        Some(far / variance.sqrt().max(f64::MIN_POSITIVE))
    })
}

/// (max of the incident − median) / distance of the quartiles, the largest of an entity's series: the ranking of BARO
/// (Pham, Ha and Zhang, FSE 2024).
pub fn baro(incident: &Incident<'_>) -> Vec<EntityId> {
    by_score(incident, |series| {
        let mut before = normal(incident, series)?;
        before.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| before[((before.len() - 1) as f64 * share).round() as usize];
        let most = now(incident, series).fold(f64::NEG_INFINITY, f64::max);
        let spread = quantile(0.75) - quantile(0.25);
        // Its published code divides a series without spread by one.
        Some((most - quantile(0.5)) / if spread > 0.0 { spread } else { 1.0 })
    })
}

fn by_score(incident: &Incident<'_>, mut score: impl FnMut(&Series<'_>) -> Option<f64>) -> Vec<EntityId> {
    let mut best: BTreeMap<EntityId, f64> = BTreeMap::new();
    for series in incident.series {
        if let Some(score) = score(series).filter(|score| score.is_finite()) {
            let known = best.entry(series.entity).or_insert(f64::NEG_INFINITY);
            *known = known.max(score);
        }
    }
    let mut ranked: Vec<(EntityId, f64)> = best.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.into_iter().map(|(entity, _)| entity).collect()
}

fn normal(incident: &Incident<'_>, series: &Series<'_>) -> Option<Vec<f64>> {
    let stretches = incident.history(series.values.len()).flat_map(|stretch| &series.values[stretch]);
    let values: Vec<f64> = stretches.copied().filter(|value| value.is_finite()).collect();
    (!values.is_empty()).then_some(values)
}

fn now<'a>(incident: &Incident<'_>, series: &Series<'a>) -> impl Iterator<Item = f64> + use<'a> {
    let window = incident.window(series.values.len());
    series.values[window].iter().copied().filter(|value| value.is_finite())
}
