//! Findings, dead letters, jobs and the position of the outbox in memory: the twin of the real database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::{GraphEvent, Timestamp};

use crate::Error;
use crate::dead_letters::{DeadLetterEntry, DeadLetterFilter, DeadLetters, Kept, LetterState, NewDeadLetter};
use crate::findings::{Feedback, Finding, FindingFilter, Findings, NewFinding};
use crate::jobs::{Heard, JOBS_KEPT_MAX, Job, JobState, Jobs, NewJob, Progress};
use crate::projection::Projection;

#[derive(Debug, Default)]
struct Inside {
    findings: BTreeMap<u64, Finding>,
    last_finding: u64,
    letters: BTreeMap<u64, Letter>,
    last_letter: u64,
    letter_bytes: u64,
    dropped: u64,
    jobs: BTreeMap<u64, Job>,
    last_job: u64,
    projected: BTreeMap<String, u64>,
    happened: BTreeMap<String, GraphEvent>,
}

#[derive(Debug)]
struct Letter {
    entry: DeadLetterEntry,
    body: Vec<u8>,
    /// Bytes of all bodies that came before this one.
    bytes_before: u64,
}

/// All four ports; clones share their content.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    inside: Arc<Mutex<Inside>>,
    kept: Kept,
}

impl InMemory {
    /// One that keeps so much.
    pub fn keeping(kept: Kept) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Events of the graph, in the order of their identities.
    pub fn happened(&self) -> Vec<GraphEvent> {
        self.lock().happened.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn add_findings(&mut self, findings: &[NewFinding], kept: &Kept) {
        for what in findings {
            let same =
                |known: &&mut Finding| what.episode().is_some() && known.what.episode() == what.episode();
            if let Some(known) = self.findings.values_mut().find(same) {
                known.what.follow(what.clone());
                continue;
            }
            self.last_finding += 1;
            let number = self.last_finding;
            self.findings.insert(number, Finding { number, what: what.clone(), feedback: None });
        }
        let oldest = self.last_finding.saturating_sub(kept.findings_max);
        self.findings.retain(|&number, finding| number > oldest || finding.feedback.is_some());
    }

    fn add_letters(&mut self, letters: &[NewDeadLetter], kept: &Kept) {
        let before: Vec<(String, String, Timestamp)> =
            self.letters.values().map(|known| identity(&known.entry)).collect();
        for letter in letters {
            let same = (letter.source.clone(), letter.id.clone(), letter.received_at);
            if !letter.id.is_empty() && before.contains(&same) {
                continue;
            }
            self.last_letter += 1;
            let entry = DeadLetterEntry {
                number: self.last_letter,
                source: letter.source.clone(),
                id: letter.id.clone(),
                format: letter.format,
                body_bytes: letter.body.len() as u64,
                reason: letter.reason.clone(),
                received_at: letter.received_at,
                attempts: 0,
                replayed_at: None,
                discarded_at: None,
            };
            let kept = Letter { entry, body: letter.body.clone(), bytes_before: self.letter_bytes };
            self.letter_bytes += letter.body.len() as u64;
            self.letters.insert(self.last_letter, kept);
        }
        let before = self.letters.len();
        let (oldest, bytes) = (
            self.last_letter.saturating_sub(kept.dead_letters_max),
            self.letter_bytes.saturating_sub(kept.dead_letter_bytes_max),
        );
        self.letters.retain(|&number, letter| number > oldest && letter.bytes_before >= bytes);
        self.dropped += (before - self.letters.len()) as u64;
    }

    fn add_happened(&mut self, happened: &[GraphEvent]) {
        for event in happened {
            let known = self.happened.entry(event.id.clone()).or_insert_with(|| event.clone());
            if event.until >= known.until {
                known.until = event.until;
                known.severity = event.severity;
                known.sentence.clone_from(&event.sentence);
            }
        }
    }

    /// Changes a letter that waits.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut Letter)) -> bool {
        let waiting = |letter: &&mut Letter| letter.entry.state() == LetterState::Waiting;
        self.letters.get_mut(&number).filter(waiting).map(change).is_some()
    }
}

fn identity(entry: &DeadLetterEntry) -> (String, String, Timestamp) {
    (entry.source.clone(), entry.id.clone(), entry.received_at)
}

/// True if there is no `wanted` or it is `value`.
fn is<T: PartialEq + ?Sized>(wanted: Option<&T>, value: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

fn between(from: Option<Timestamp>, until: Option<Timestamp>, at: Timestamp) -> bool {
    from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until)
}

fn has_words(words: Option<&str>, text: &str) -> bool {
    words.is_none_or(|words| text.to_lowercase().contains(&words.to_lowercase()))
}

fn passes(filter: &FindingFilter, Finding { what, feedback, .. }: &Finding) -> bool {
    is(filter.kind.as_ref(), &what.kind)
        && is(filter.source.as_deref(), &what.source)
        && is(filter.event_id.as_deref(), &what.event_id)
        && is(filter.request_id.as_deref(), &what.request_id)
        && is(filter.actor.as_deref(), &what.actor)
        && is(filter.action.as_deref(), &what.action)
        && filter.resource.as_ref().is_none_or(|resource| what.resources.contains(resource))
        && is(filter.detector.as_deref(), what.detector())
        && between(filter.from, filter.until, what.at)
        && filter.score_min.is_none_or(|least| what.score >= least)
        && is(filter.feedback.as_ref(), &feedback.as_ref().map(|feedback| feedback.verdict))
        && has_words(filter.words.as_deref(), &what.sentence)
}

#[async_trait]
impl Findings for InMemory {
    async fn page(
        &self,
        filter: &FindingFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Finding>, Error> {
        let inside = self.lock();
        let newest = inside.findings.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, finding)| finding);
        Ok(newest.filter(|finding| passes(filter, finding)).take(max).cloned().collect())
    }

    async fn get(&self, number: u64) -> Result<Option<Finding>, Error> {
        Ok(self.lock().findings.get(&number).cloned())
    }

    async fn set_feedback(&self, number: u64, feedback: Option<&Feedback>) -> Result<bool, Error> {
        let mut inside = self.lock();
        let finding = inside.findings.get_mut(&number);
        Ok(finding.map(|finding| finding.feedback = feedback.cloned()).is_some())
    }
}

#[async_trait]
impl DeadLetters for InMemory {
    async fn add(&self, letters: &[NewDeadLetter]) -> Result<(), Error> {
        self.lock().add_letters(letters, &self.kept);
        Ok(())
    }

    async fn page(
        &self,
        filter: &DeadLetterFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<DeadLetterEntry>, Error> {
        let passes = |entry: &&DeadLetterEntry| {
            is(filter.state.as_ref(), &entry.state())
                && is(filter.source.as_deref(), &entry.source)
                && is(filter.id.as_deref(), &entry.id)
                && between(filter.from, filter.until, entry.received_at)
                && has_words(filter.words.as_deref(), &entry.reason)
        };
        let inside = self.lock();
        let newest = inside.letters.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(newest.map(|(_, letter)| &letter.entry).filter(passes).take(max).cloned().collect())
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetterEntry>, Error> {
        Ok(self.lock().letters.get(&number).map(|letter| letter.entry.clone()))
    }

    async fn body(&self, number: u64) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.lock().letters.get(&number).map(|letter| letter.body.clone()))
    }

    async fn repair(&self, number: u64, body: &[u8]) -> Result<bool, Error> {
        Ok(self.lock().change(number, |letter| {
            letter.body = body.to_owned();
            letter.entry.body_bytes = body.len() as u64;
        }))
    }

    async fn mark_replayed(&self, number: u64, at: Timestamp) -> Result<bool, Error> {
        Ok(self.lock().change(number, |letter| {
            letter.entry.attempts += 1;
            letter.entry.replayed_at = Some(at);
        }))
    }

    async fn mark_failed(&self, number: u64, reason: &str) -> Result<bool, Error> {
        Ok(self.lock().change(number, |letter| {
            letter.entry.attempts += 1;
            letter.entry.reason = reason.to_owned();
        }))
    }

    async fn discard(&self, number: u64, at: Timestamp) -> Result<bool, Error> {
        Ok(self.lock().change(number, |letter| letter.entry.discarded_at = Some(at)))
    }

    async fn dropped(&self) -> Result<u64, Error> {
        Ok(self.lock().dropped)
    }
}

#[async_trait]
impl Projection for InMemory {
    async fn projected(&self, outbox: &str) -> Result<u64, Error> {
        Ok(self.lock().projected.get(outbox).copied().unwrap_or_default())
    }

    async fn apply(
        &self,
        outbox: &str,
        after: u64,
        through: u64,
        findings: &[NewFinding],
        letters: &[NewDeadLetter],
        happened: &[GraphEvent],
    ) -> Result<u64, Error> {
        let mut inside = self.lock();
        let projected = inside.projected.get(outbox).copied().unwrap_or_default();
        if projected != after {
            return Ok(projected);
        }
        inside.add_findings(findings, &self.kept);
        inside.add_letters(letters, &self.kept);
        inside.add_happened(happened);
        inside.projected.insert(outbox.to_owned(), through);
        Ok(through)
    }
}

#[async_trait]
impl Jobs for InMemory {
    async fn create(&self, new: &NewJob, at: Timestamp) -> Result<Job, Error> {
        let mut inside = self.lock();
        inside.last_job += 1;
        let job = Job {
            id: inside.last_job,
            kind: new.kind.clone(),
            input: new.input.clone(),
            incarnation: new.incarnation.clone(),
            created_at: at,
            updated_at: at,
            cancel_requested: false,
            progress: Progress::default(),
        };
        inside.jobs.insert(job.id, job.clone());
        let oldest = job.id.saturating_sub(JOBS_KEPT_MAX);
        inside.jobs.retain(|&id, job| id > oldest || !job.progress.state.has_ended());
        Ok(job)
    }

    async fn update(
        &self,
        id: u64,
        incarnation: &str,
        progress: &Progress,
        at: Timestamp,
    ) -> Result<Heard, Error> {
        let mut inside = self.lock();
        let ours = |job: &&mut Job| job.incarnation == incarnation && !job.progress.state.has_ended();
        let Some(job) = inside.jobs.get_mut(&id).filter(ours) else { return Ok(Heard::NotYours) };
        job.progress = progress.clone();
        job.updated_at = at;
        if progress.state == JobState::Queued {
            job.incarnation.clear();
        }
        Ok(if job.cancel_requested { Heard::Cancel } else { Heard::Continue })
    }

    async fn get(&self, id: u64) -> Result<Option<Job>, Error> {
        Ok(self.lock().jobs.get(&id).cloned())
    }

    async fn page(&self, before: Option<u64>, max: usize) -> Result<Vec<Job>, Error> {
        let inside = self.lock();
        let newest = inside.jobs.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(newest.map(|(_, job)| job).take(max).cloned().collect())
    }

    async fn request_cancel(&self, id: u64) -> Result<Option<Job>, Error> {
        let mut inside = self.lock();
        let Some(job) = inside.jobs.get_mut(&id) else { return Ok(None) };
        job.cancel_requested |= !job.progress.state.has_ended();
        Ok(Some(job.clone()))
    }

    async fn recover(
        &self,
        incarnation: &str,
        silent_since: Timestamp,
        resumed_kinds: &[&str],
        at: Timestamp,
    ) -> Result<Vec<Job>, Error> {
        let mut inside = self.lock();
        let lost = inside.jobs.values_mut().filter(|job| {
            !job.progress.state.has_ended()
                && job.incarnation != incarnation
                && (job.incarnation.is_empty() || job.updated_at <= silent_since)
        });
        let mut resumed = Vec::new();
        for job in lost {
            job.updated_at = at;
            if resumed_kinds.contains(&job.kind.as_str()) {
                job.incarnation = incarnation.to_owned();
                job.progress.state = JobState::Queued;
                resumed.push(job.clone());
            } else {
                job.progress.state = JobState::Failed;
                job.progress.message = "interrupted: its process ended".to_owned();
            }
        }
        Ok(resumed)
    }
}
