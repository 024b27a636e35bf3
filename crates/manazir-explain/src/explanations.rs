//! The port of explanations: questions, answers with their revisions, and what people said of the causes.

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::Error;

/// A question with its first answer.
#[derive(Clone, Debug, PartialEq)]
pub struct NewExplanation {
    /// The finding that is asked about, if it is one.
    pub finding: Option<u64>,
    /// The entity that is asked about.
    pub entity: String,
    /// The instant that is asked about.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// The question, as JSON: whoever asks again asks with it.
    pub question: String,
    /// The answer, as JSON.
    pub answer: String,
    /// The type of the likeliest cause, empty if none was found: what similar explanations are looked for by.
    pub cause_type: String,
    /// The entity of the likeliest cause, empty if none was found.
    pub cause_entity: String,
    /// When.
    pub created_at: Timestamp,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredExplanation {
    /// Its number, from 1, in the order in which they were asked.
    pub number: u64,
    /// 0 for the first answer, one more for each that took its place.
    pub revision: u32,
    /// When this answer was given.
    pub answered_at: Timestamp,
    /// The question, and the answer of this revision.
    pub what: NewExplanation,
    /// What people said of its causes, in the order in which they said it.
    pub verdicts: Vec<PersonsVerdict>,
}

/// One person's word on one cause of one explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonsVerdict {
    /// The explanation.
    pub explanation: u64,
    /// The cause within it, by its identity in the answer.
    pub cause: String,
    /// True if it was the cause.
    pub confirmed: bool,
    /// In the person's words; may be empty.
    pub comment: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What it teaches, as JSON; empty if nothing.
    pub lesson: String,
}

/// Which explanations; what is `None` lets all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplanationFilter {
    /// Of this finding.
    pub finding: Option<u64>,
    /// About this entity.
    pub entity: Option<String>,
    /// Whose likeliest cause is of this type.
    pub cause_type: Option<String>,
    /// Whose likeliest cause is at this entity.
    pub cause_entity: Option<String>,
}

/// Keeps explanations.
#[async_trait]
pub trait Explanations: Send + Sync {
    /// Keeps a new one; gives its number.
    async fn add(&self, new: &NewExplanation) -> Result<u64, Error>;

    /// A new answer, with the type and the entity of its likeliest cause, takes the place of the last; earlier ones are
    /// kept, at most [`REVISIONS_MAX`] answers in all: of more, the oldest but the first go. Gives its revision, `None` if
    /// there is no such explanation.
    async fn revise(
        &self,
        number: u64,
        answer: &str,
        cause: (&str, &str),
        at: Timestamp,
    ) -> Result<Option<u32>, Error>;

    /// One explanation, with its last answer, or the last that was given at or before `as_of`: `None` if none was by
    /// then. The verdicts are those of now in any case.
    async fn get(&self, number: u64, as_of: Option<Timestamp>) -> Result<Option<StoredExplanation>, Error>;

    /// Explanations that pass the filter with their last answer, the newest first, those before `before` if it is given,
    /// at most `max`.
    async fn page(
        &self,
        filter: &ExplanationFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<StoredExplanation>, Error>;

    /// Keeps what a person says of a cause in place of what the same person said of it before; it is then the one that
    /// was given last. False if there is no such explanation.
    async fn set_verdict(&self, verdict: &PersonsVerdict) -> Result<bool, Error>;

    /// Takes a verdict back. False if there was none.
    async fn take_back(&self, number: u64, cause: &str, by: &str) -> Result<bool, Error>;

    /// All verdicts, in the order in which they were given: what the ranking learns from. At most `max`, the newest.
    async fn verdicts(&self, max: usize) -> Result<Vec<PersonsVerdict>, Error>;

    /// Forgets explanations that were asked for before `before` and of which nobody said anything, about `max` at a time;
    /// how many went, 0 when none is left. Their numbers are not given again.
    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error>;
}

/// Answers to one question that are kept, the first and the last among them.
pub const REVISIONS_MAX: u32 = 100;
