//! Explanations in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::{
    Error, ExplanationFilter, Explanations, NewExplanation, PersonsVerdict, REVISIONS_MAX, StoredExplanation,
};

#[derive(Debug, Default)]
struct Inside {
    /// The answers to each question, by revision; what is asked stands in each.
    explanations: BTreeMap<u64, BTreeMap<u32, (Timestamp, NewExplanation)>>,
    last: u64,
    /// In the order in which they were given.
    verdicts: Vec<PersonsVerdict>,
}

/// Explanations; clones share their content.
#[derive(Clone, Debug, Default)]
pub struct InMemoryExplanations(Arc<Mutex<Inside>>);

impl InMemoryExplanations {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn stored(&self, number: u64, as_of: Option<Timestamp>) -> Option<StoredExplanation> {
        let answers = self.explanations.get(&number)?;
        let given =
            |(_, (at, _)): &(&u32, &(Timestamp, NewExplanation))| as_of.is_none_or(|as_of| *at <= as_of);
        let (&revision, (answered_at, what)) = answers.iter().rev().find(given)?;
        let of_it = self.verdicts.iter().filter(|verdict| verdict.explanation == number);
        let verdicts = of_it.cloned().collect();
        Some(StoredExplanation { number, revision, answered_at: *answered_at, what: what.clone(), verdicts })
    }

    /// Takes away what a person said of a cause; false if that was nothing.
    fn take_back(&mut self, number: u64, cause: &str, by: &str) -> bool {
        let before = self.verdicts.len();
        self.verdicts.retain(|said| (said.explanation, &*said.cause, &*said.by) != (number, cause, by));
        self.verdicts.len() < before
    }
}

fn passes(filter: &ExplanationFilter, what: &NewExplanation) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    filter.finding.is_none_or(|wanted| what.finding == Some(wanted))
        && is(&filter.entity, &what.entity)
        && is(&filter.cause_type, &what.cause_type)
        && is(&filter.cause_entity, &what.cause_entity)
}

#[async_trait]
impl Explanations for InMemoryExplanations {
    async fn add(&self, new: &NewExplanation) -> Result<u64, Error> {
        let mut inside = self.lock();
        inside.last += 1;
        let number = inside.last;
        inside.explanations.insert(number, BTreeMap::from([(0, (new.created_at, new.clone()))]));
        Ok(number)
    }

    async fn revise(
        &self,
        number: u64,
        answer: &str,
        cause: (&str, &str),
        at: Timestamp,
    ) -> Result<Option<u32>, Error> {
        let mut inside = self.lock();
        let Some(answers) = inside.explanations.get_mut(&number) else { return Ok(None) };
        let Some((last, (_, what))) = answers.last_key_value() else { return Ok(None) };
        let revision = last + 1;
        let what = NewExplanation {
            answer: answer.to_owned(),
            cause_type: cause.0.to_owned(),
            cause_entity: cause.1.to_owned(),
            ..what.clone()
        };
        answers.insert(revision, (at, what));
        answers.retain(|&kept, _| kept == 0 || kept + REVISIONS_MAX > revision + 1);
        Ok(Some(revision))
    }

    async fn get(&self, number: u64, as_of: Option<Timestamp>) -> Result<Option<StoredExplanation>, Error> {
        Ok(self.lock().stored(number, as_of))
    }

    async fn page(
        &self,
        filter: &ExplanationFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<StoredExplanation>, Error> {
        let inside = self.lock();
        let numbers = inside.explanations.range(..before.unwrap_or(u64::MAX)).rev();
        let all = numbers.filter_map(|(&number, _)| inside.stored(number, None));
        Ok(all.filter(|stored| passes(filter, &stored.what)).take(max).collect())
    }

    async fn set_verdict(&self, verdict: &PersonsVerdict) -> Result<bool, Error> {
        let mut inside = self.lock();
        if !inside.explanations.contains_key(&verdict.explanation) {
            return Ok(false);
        }
        inside.take_back(verdict.explanation, &verdict.cause, &verdict.by);
        inside.verdicts.push(verdict.clone());
        Ok(true)
    }

    async fn take_back(&self, number: u64, cause: &str, by: &str) -> Result<bool, Error> {
        Ok(self.lock().take_back(number, cause, by))
    }

    async fn verdicts(&self, max: usize) -> Result<Vec<PersonsVerdict>, Error> {
        let inside = self.lock();
        Ok(inside.verdicts[inside.verdicts.len().saturating_sub(max)..].to_vec())
    }

    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error> {
        let mut inside = self.lock();
        let Inside { explanations, verdicts, .. } = &*inside;
        let judged = |number: u64| verdicts.iter().any(|verdict| verdict.explanation == number);
        let first = |answers: &BTreeMap<u32, (Timestamp, NewExplanation)>| {
            answers.first_key_value().map(|(_, (_, what))| what.created_at)
        };
        let old = explanations.iter().filter(|(_, answers)| first(answers) < Some(before));
        let unjudged = old.map(|(&number, _)| number).filter(|&number| !judged(number));
        let gone: Vec<u64> = unjudged.take(max).collect();
        for number in &gone {
            inside.explanations.remove(number);
        }
        Ok(gone.len() as u64)
    }
}
