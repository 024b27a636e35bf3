//! Explanations as people see them: asked, answered, asked again as evidence arrives, judged.

use std::sync::{Arc, PoisonError, RwLock};

use manazir_model::Timestamp;
use manazir_rca::events::{RuleSet, Verdict, Verdicts};
use manazir_rca::explanation::{Config, Explanation};

use crate::gather::{Ask, Known, Limits, Sources, gather, known};
use crate::{Error, ExplanationFilter, Explanations, NewExplanation, PersonsVerdict, StoredExplanation};

/// Verdicts that the ranking learns from: the newest so many.
const LEARNT_FROM_MAX: usize = 10_000;

/// Earlier explanations that are told beside one.
const SIMILAR_MAX: usize = 5;

/// A question that is older by this time is asked in one round fewer.
const AGE_OF_A_ROUND_MICROS: u64 = 300_000_000;

/// Answers questions and keeps the answers.
pub struct Explainer {
    sources: Sources,
    kept: Arc<dyn Explanations>,
    rules: RwLock<Arc<RuleSet>>,
    limits: Limits,
    config: Config,
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explainer").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What does not change from one answer to the next.
struct Moment {
    rules: Arc<RuleSet>,
    verdicts: Verdicts,
    series: Vec<Known>,
}

/// Who asks, about which finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// The finding, if it is one.
    pub finding: Option<u64>,
    /// Who.
    pub by: String,
}

impl Explainer {
    /// With the rules that come with the product, and the usual bounds.
    pub fn new(sources: Sources, kept: Arc<dyn Explanations>) -> Self {
        Self {
            sources,
            kept,
            rules: RwLock::new(Arc::new(RuleSet::standard())),
            limits: Limits::default(),
            config: Config::default(),
        }
    }

    /// From now on these rules.
    pub fn set_rules(&self, rules: RuleSet) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// Where questions are looked up.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Where answers are kept.
    pub fn kept(&self) -> &Arc<dyn Explanations> {
        &self.kept
    }

    /// Answers a question without keeping it.
    ///
    /// # Errors
    ///
    /// If a store fails.
    pub async fn answer(&self, ask: &Ask) -> Result<(Ask, Explanation), Error> {
        self.answer_at(&self.moment().await?, ask).await
    }

    /// Answers a question and keeps it.
    ///
    /// # Errors
    ///
    /// If a store fails.
    pub async fn ask(&self, ask: &Ask, asking: Asking, now: Timestamp) -> Result<StoredExplanation, Error> {
        let (ask, told) = self.answer(ask).await?;
        let (cause_type, cause_entity) = likeliest(&told);
        let new = NewExplanation {
            finding: asking.finding,
            entity: ask.entity.clone().unwrap_or_default(),
            at: ask.at,
            by: asking.by,
            question: serde_json::to_string(&ask).map_err(Error::store)?,
            answer: serde_json::to_string(&told).map_err(Error::store)?,
            cause_type,
            cause_entity,
            created_at: now,
        };
        let number = self.kept.add(&new).await?;
        Ok(StoredExplanation { number, revision: 0, answered_at: now, what: new, verdicts: Vec::new() })
    }

    /// Asks again; a new answer takes the place of the last if it says something else. `None` if there is no such
    /// explanation.
    ///
    /// # Errors
    ///
    /// If a store fails, or holds a question that cannot be read.
    pub async fn refresh(&self, number: u64, now: Timestamp) -> Result<Option<StoredExplanation>, Error> {
        let Some(known) = self.kept.get(number, None).await? else { return Ok(None) };
        if self.revise(&self.moment().await?, &known, now).await? {
            return self.kept.get(number, None).await;
        }
        Ok(Some(known))
    }

    /// Asks the newest explanations again whose question lies not further back than `micros`: evidence arrives late. The
    /// older a question, the fewer rounds ask it. Gives how many have a new answer. One
    /// that cannot be asked stops no other.
    ///
    /// # Errors
    ///
    /// The first of those of single questions, once all were asked.
    pub async fn refresh_recent(
        &self,
        (micros, max): (i64, usize),
        round: u64,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let newest = self.kept.page(&ExplanationFilter::default(), None, max).await?;
        let is_due = |known: &StoredExplanation| {
            let age = now.micros_since(known.what.at);
            // Every round at first, every thirteenth after an hour; not all in the same one.
            let rounds = 1 + age.max(0) as u64 / AGE_OF_A_ROUND_MICROS;
            age <= micros && (round + known.number).is_multiple_of(rounds)
        };
        let due: Vec<StoredExplanation> = newest.into_iter().filter(is_due).collect();
        if due.is_empty() {
            return Ok(0);
        }
        let moment = self.moment().await?;
        let (mut revised, mut failed) = (0, None);
        for known in &due {
            match self.revise(&moment, known, now).await {
                Ok(is_new) => revised += usize::from(is_new),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(revised), Err)
    }

    /// What all answers of this moment share.
    async fn moment(&self) -> Result<Moment, Error> {
        let rules = Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner));
        Ok(Moment {
            rules,
            verdicts: self.verdicts().await?,
            series: known(&self.sources, self.limits.series_looked_at_max).await?,
        })
    }

    async fn answer_at(&self, moment: &Moment, ask: &Ask) -> Result<(Ask, Explanation), Error> {
        let Moment { rules, verdicts, series } = moment;
        let mut gathered = gather(&self.sources, ask, &self.limits, rules, series).await?;
        let told = gathered.explain(verdicts.clone(), &self.config).map_err(Error::store)?;
        let ask = Ask { entity: Some(gathered.entity().to_owned()), ..ask.clone() };
        Ok((ask, told))
    }

    /// True if there is a new answer.
    async fn revise(
        &self,
        moment: &Moment,
        known: &StoredExplanation,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ask: Ask = serde_json::from_str(&known.what.question).map_err(|error| Error::Damaged {
            what: format!("the question of explanation {}", known.number),
            why: error.to_string(),
        })?;
        let (_, told) = self.answer_at(moment, &ask).await?;
        let answer = serde_json::to_string(&told).map_err(Error::store)?;
        if answer == known.what.answer {
            return Ok(false);
        }
        let (cause_type, cause_entity) = likeliest(&told);
        self.kept.revise(known.number, &answer, (&cause_type, &cause_entity), now).await?;
        Ok(true)
    }

    /// Earlier explanations with the same likeliest cause, those that people confirmed first.
    ///
    /// # Errors
    ///
    /// If a store fails.
    pub async fn similar(&self, of: &StoredExplanation) -> Result<Vec<StoredExplanation>, Error> {
        if of.what.cause_entity.is_empty() && of.what.cause_type.is_empty() {
            return Ok(Vec::new());
        }
        let same_type = ExplanationFilter {
            cause_type: Some(of.what.cause_type.clone()).filter(|cause| !cause.is_empty()),
            cause_entity: of.what.cause_type.is_empty().then(|| of.what.cause_entity.clone()),
            ..ExplanationFilter::default()
        };
        let mut found = self.kept.page(&same_type, Some(of.number), 10 * SIMILAR_MAX).await?;
        let rank = |other: &StoredExplanation| {
            let confirmed = other.verdicts.iter().any(|verdict| verdict.confirmed);
            (confirmed, other.what.cause_entity == of.what.cause_entity, other.number)
        };
        found.sort_by_key(|other| std::cmp::Reverse(rank(other)));
        found.truncate(SIMILAR_MAX);
        Ok(found)
    }

    /// What people said, as counts.
    async fn verdicts(&self) -> Result<Verdicts, Error> {
        let mut verdicts = Verdicts::default();
        for said in self.kept.verdicts(LEARNT_FROM_MAX).await? {
            if let Some(lesson) = lesson(&said) {
                verdicts.add(&lesson);
            }
        }
        Ok(verdicts)
    }
}

/// What a person's word teaches; nothing of what was only measured.
fn lesson(said: &PersonsVerdict) -> Option<Verdict> {
    let lesson: Verdict = serde_json::from_str(&said.lesson).ok()?;
    Some(Verdict { confirmed: said.confirmed, ..lesson })
}

fn likeliest(told: &Explanation) -> (String, String) {
    match told.causes.first().filter(|_| told.found) {
        Some(first) => (first.event_type.clone().unwrap_or_default(), first.entity.clone()),
        None => (String::new(), String::new()),
    }
}
