//! What was measured of a candidate.

use std::collections::BTreeMap;

use super::super::ask::Known;
use super::super::candidates::Candidate;
use super::super::charts::Charts;
use super::super::measured::Seen;
use super::super::words::{beginning, duration};
use super::super::{Cause, Reason, Step};
use super::reason;
use crate::evidence::{self, Kind, Source};

pub(super) fn cause(known: Known<'_>, candidate: &Candidate<'_>) -> Cause {
    let entity = candidate.entity.to_owned();
    let strongest = candidate.measured.and_then(|measured| measured.factors.first());
    let path = match (known.seen, candidate.measured) {
        (Some(seen), Some(measured)) => path(seen, measured),
        _ => Vec::new(),
    };
    let at = path.last().and_then(|step| step.at);
    let began = at.map_or(String::new(), |at| {
        let lag_s = known.question.at.micros_since(at) as f64 / 1e6;
        format!(", {}", beginning(lag_s))
    });
    Cause {
        id: super::identity(&entity),
        event_type: None,
        kind: None,
        at,
        dims: BTreeMap::new(),
        confidence: 0.0,
        sentence: strongest
            .map_or_else(|| entity.clone(), |factor| format!("{entity}: {}{began}", factor.reason)),
        not_seen: path.iter().filter(|step| step.assumed).map(|step| step.sentence.clone()).collect(),
        path,
        supporting: Vec::new(),
        opposing: Vec::new(),
        next_check: strongest.map_or_else(String::new, |factor| check(factor.source, &entity)),
        lesson: None,
        entity,
    }
}

/// The factors of a candidate, with charts of what shows them.
pub(super) fn supporting(
    seen: &Seen<'_>,
    measured: &evidence::Candidate,
    charts: &mut Charts,
) -> Vec<Reason> {
    let told = |factor: &evidence::Factor| Reason {
        source: factor.source.to_string(),
        sentence: factor.reason.clone(),
        strength: factor.surprise,
        chart: charts.of(seen, factor.series),
    };
    measured.factors.iter().map(told).collect()
}

pub(super) fn opposing(known: Known<'_>, seen: &Seen<'_>, measured: &evidence::Candidate) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if measured.reach < 1.0 {
        let sentence = match known.question.entity {
            Some(asked) => format!("nothing that {asked} depends on leads there"),
            None => "nothing is known to depend on it".to_owned(),
        };
        reasons.push(reason("reach", sentence, 1.0 - measured.reach));
    }
    let began = measured.factors.first().and_then(|factor| seen.began(factor.series));
    let late_s = began.map_or(0.0, |at| at.micros_since(known.question.at) as f64 / 1e6);
    if late_s > seen.measured.step_s() {
        reasons.push(reason(
            "onset",
            format!("it moved {} later than what was asked about", duration(late_s)),
            1.0,
        ));
    }
    let of_entity = |kind: Kind| {
        seen.measured
            .incident
            .series
            .iter()
            .any(|series| series.entity == measured.entity && series.kind == kind)
    };
    let factor = |source: Source| measured.factors.iter().any(|factor| factor.source == source);
    if of_entity(Kind::Resource) && !factor(Source::Resource) {
        reasons.push(reason("resource", "it uses no more than usual".to_owned(), 0.5));
    }
    if measured.factors.len() == 1 {
        reasons.push(reason("sources", "one kind of evidence alone speaks for it".to_owned(), 0.3));
    }
    reasons
}

fn path(seen: &Seen<'_>, measured: &evidence::Candidate) -> Vec<Step> {
    let mut path: Vec<Step> = Vec::new();
    for entity in seen.path(measured.entity) {
        let is_cause = entity == measured.entity;
        let own = measured.factors.first().map(|factor| factor.series);
        let series = if is_cause { own } else { seen.symptom(entity) };
        let at = series.and_then(|series| seen.began(series));
        let name = seen.name(entity).to_owned();
        let earlier = path.iter().rev().find_map(|step| step.at);
        let lag_seconds = earlier.zip(at).map(|(effect, cause)| effect.micros_since(cause) as f64 / 1e6);
        let sentence = match series {
            Some(series) => format!("{name}: {}", seen.moved(series)),
            None => format!("{name}: nothing of it moved"),
        };
        path.push(Step {
            node: name.clone(),
            entity: name,
            event_type: None,
            at,
            lag_seconds,
            assumed: series.is_none(),
            weight: 1.0,
            sentence,
        });
    }
    path
}

fn check(source: Source, entity: &str) -> String {
    match source {
        Source::Resource => {
            format!("Look at what {entity} runs: top processes, limits, neighbours on its host.")
        }
        Source::Proportion => {
            format!("Read the logs of {entity} of that minute: which lines are new, which are gone?")
        }
        Source::WayIn => format!("Measure the network to {entity}: loss, retransmissions, its proxy."),
        Source::WayOut => format!("Measure the network from {entity}: its interface, DNS, its proxy."),
        Source::Excess => {
            format!("Look at the slowest and the failed requests of {entity}, and at what they wait for.")
        }
        Source::Latency => format!("Compare traces of {entity} from before with those of now."),
    }
}
