//! What people said of answers, as counts that anybody can read, correct and take back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Cause;
use super::graph::EventGraph;
use super::rules::{Place, Rule, RuleSet};

/// Two verdicts for and two against, before anybody said anything: one verdict moves a weight by a fifth.
const PRIOR: f64 = 2.0;

/// One person's word on one candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// True if it was the root cause.
    pub confirmed: bool,
    /// The type of the candidate.
    pub cause: String,
    /// The links that led to it, of those that were seen.
    pub links: Vec<Link>,
}

/// A link, by the names of its rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Type of the effect.
    pub effect: String,
    /// Type of the cause.
    pub cause: String,
    /// Where the cause was.
    #[serde(rename = "where")]
    pub place: Place,
}

/// For and against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// Verdicts for.
    pub confirmed: u32,
    /// Verdicts against.
    pub rejected: u32,
}

/// All verdicts, added up. What is added can be taken away again, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdicts {
    /// In order of the links.
    #[serde(default)]
    links: Vec<(Link, Count)>,
    /// In order of the types.
    #[serde(default)]
    causes: Vec<(String, Count)>,
}

impl Verdict {
    /// A verdict on a candidate of an answer.
    pub fn of(graph: &EventGraph, cause: &Cause, confirmed: bool) -> Self {
        let name = |id| graph.vocabulary().type_name(id).to_owned();
        let seen = |step: &&super::Step| step.event.is_some();
        let links = cause.path.iter().filter(seen).filter_map(|step| step.rule);
        let links = links.map(|id| Link::of(graph.rules(), graph.rules().rule(id))).collect();
        let cause = graph.get(cause.event).map(|event| name(event.event_type)).unwrap_or_default();
        Self { confirmed, cause, links }
    }
}

impl Link {
    fn of(rules: &RuleSet, rule: &Rule) -> Self {
        let name = |id| rules.type_name(id).to_owned();
        Self { effect: name(rule.effect), cause: name(rule.cause), place: rule.place }
    }
}

impl Verdicts {
    /// One more.
    pub fn add(&mut self, verdict: &Verdict) {
        self.change(verdict, |count| *count = count.saturating_add(1));
    }

    /// One less: as if it had never been added.
    pub fn take_back(&mut self, verdict: &Verdict) {
        self.change(verdict, |count| *count = count.saturating_sub(1));
    }

    /// What was said of a link.
    pub fn of_link(&self, link: &Link) -> Count {
        found(&self.links, link)
    }

    /// What was said of candidates of a type.
    pub fn of_cause(&self, event_type: &str) -> Count {
        let place = self.causes.binary_search_by(|(known, _)| known.as_str().cmp(event_type));
        place.map(|place| self.causes[place].1).unwrap_or_default()
    }

    /// The factor of a rule's weight: the mean of its Beta distribution, divided by what that was before any verdict.
    /// In (0, 2); 1 without verdicts.
    pub(super) fn factor(&self, rules: &RuleSet, rule: &Rule) -> f64 {
        if self.links.is_empty() { 1.0 } else { 2.0 * self.of_link(&Link::of(rules, rule)).mean() }
    }

    /// How often candidates of a type were the cause, in 0..=1; 0.5 without verdicts.
    pub(super) fn history(&self, event_type: &str) -> f64 {
        self.of_cause(event_type).mean()
    }

    fn change(&mut self, verdict: &Verdict, change: impl Fn(&mut u32)) {
        let side = |count: &mut Count| {
            change(if verdict.confirmed { &mut count.confirmed } else { &mut count.rejected });
        };
        for link in &verdict.links {
            update(&mut self.links, link, side);
        }
        update(&mut self.causes, &verdict.cause, side);
    }
}

impl Count {
    /// Mean of the Beta distribution of these verdicts and the prior, in (0, 1).
    fn mean(self) -> f64 {
        let (confirmed, rejected) = (f64::from(self.confirmed), f64::from(self.rejected));
        (PRIOR + confirmed) / (2.0 * PRIOR + confirmed + rejected)
    }
}

fn found<Key: Ord>(counts: &[(Key, Count)], key: &Key) -> Count {
    counts.binary_search_by(|(known, _)| known.cmp(key)).map(|place| counts[place].1).unwrap_or_default()
}

/// Changes a count; one that is back at nothing goes.
fn update<Key: Ord + Clone>(counts: &mut Vec<(Key, Count)>, key: &Key, change: impl Fn(&mut Count)) {
    let place = match counts.binary_search_by(|(known, _)| known.cmp(key)) {
        Ok(place) => place,
        Err(place) => {
            counts.insert(place, (key.clone(), Count::default()));
            place
        }
    };
    change(&mut counts[place].1);
    if counts[place].1 == Count::default() {
        counts.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;

    use super::*;
    use crate::events::Method;

    #[test]
    fn verdicts_move_weights_and_can_be_taken_back() {
        let mut graph = EventGraph::new(RuleSet::standard());
        let web = graph.topology_mut().entity("web");
        let mut add = |name, second| {
            let event = graph.event(web, name, Timestamp::from_seconds(second)).unwrap();
            graph.add(event).id
        };
        let (deploy, config) = (add("deploy", 0), add("config_change", 0));
        let alert = add("error_spike", 60);
        let before = graph.rank(alert, &Method::default()).unwrap();
        assert_eq!(before.causes[0].event, config, "equal but for their names");

        let of = |event| before.causes.iter().find(|cause| cause.event == event).unwrap();
        let said = [Verdict::of(&graph, of(deploy), true), Verdict::of(&graph, of(config), false)];
        let mut verdicts = Verdicts::default();
        said.iter().for_each(|verdict| verdicts.add(verdict));
        graph.learn(verdicts.clone());
        let after = graph.rank(alert, &Method::default()).unwrap();
        assert_eq!(after.causes[0].event, deploy);
        assert_eq!(after.causes[0].factors.history, Some(0.6));

        let text = serde_json::to_string(&verdicts).unwrap();
        assert_eq!(serde_json::from_str::<Verdicts>(&text).unwrap(), verdicts);
        said.iter().for_each(|verdict| verdicts.take_back(verdict));
        assert_eq!(verdicts, Verdicts::default());
        graph.learn(verdicts);
        assert_eq!(graph.rank(alert, &Method::default()).unwrap(), before);
    }
}
