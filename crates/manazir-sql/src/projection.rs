//! The projection of an outbox, and how much of it is kept.

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::dead_letters::{Kept, NewDeadLetter};
use manazir_ingest::findings::{Feedback, Finding, FindingFilter, Findings, NewFinding};
use manazir_ingest::projection::Projection;
use manazir_model::GraphEvent;

use crate::dead_letters::insert_dead_letters;
use crate::failure::failed;
use crate::findings::insert_findings;
use crate::statement::{Statement, Writing, signed, unsigned};
use crate::{Truth, event_graph};

/// The truth, and how much of what comes in it keeps.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// The database.
    pub truth: Truth,
    /// Bounds.
    pub kept: Kept,
}

impl Keeping {
    /// The truth with the usual bounds.
    pub fn new(truth: Truth) -> Self {
        Self { truth, kept: Kept::default() }
    }
}

/// Where the position of an outbox stands among the counters.
fn counter_of(outbox: &str) -> String {
    format!("outbox {outbox}")
}

#[async_trait]
impl Projection for Keeping {
    async fn projected(&self, outbox: &str) -> Result<u64, Error> {
        let position = Statement::new("SELECT value FROM counters WHERE name = ").text(&counter_of(outbox));
        let rows = position.fetch::<(i64,)>(&self.truth).await.map_err(failed)?;
        Ok(rows.first().map_or(0, |row| unsigned(row.0)))
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
        self.apply_or_fail(outbox, after, through, findings, letters, happened).await.map_err(failed)
    }
}

impl Keeping {
    async fn apply_or_fail(
        &self,
        outbox: &str,
        after: u64,
        through: u64,
        findings: &[NewFinding],
        letters: &[NewDeadLetter],
        happened: &[GraphEvent],
    ) -> Result<u64, sqlx::Error> {
        let mut writing = Writing::begin(&self.truth).await?;
        let mut connection = writing.connection();
        let name = counter_of(outbox);
        Statement::new("INSERT INTO counters (name, value) VALUES (")
            .text(&name)
            .then(", 0) ON CONFLICT (name) DO NOTHING")
            .execute(&mut connection)
            .await?;
        // Whoever moves the position first holds its row until the end; the other one finds it moved.
        let moved = Statement::new("UPDATE counters SET value = ")
            .number(signed(through))
            .then(" WHERE value = ")
            .number(signed(after))
            .then(" AND name = ")
            .text(&name)
            .execute(&mut connection)
            .await?;
        if moved == 0 {
            let position = Statement::new("SELECT value FROM counters WHERE name = ")
                .text(&name)
                .fetch_in::<(i64,)>(&mut connection)
                .await?;
            return position.first().map(|row| unsigned(row.0)).ok_or(sqlx::Error::RowNotFound);
        }
        insert_findings(&mut connection, findings, self.kept.findings_max).await?;
        insert_dead_letters(&mut connection, letters, &self.kept).await?;
        event_graph::insert(&mut connection, happened).await?;
        writing.commit().await?;
        Ok(through)
    }
}

#[async_trait]
impl Findings for Keeping {
    async fn page(
        &self,
        filter: &FindingFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Finding>, Error> {
        Findings::page(&self.truth, filter, before, max).await
    }

    async fn get(&self, number: u64) -> Result<Option<Finding>, Error> {
        Findings::get(&self.truth, number).await
    }

    async fn set_feedback(&self, number: u64, feedback: Option<&Feedback>) -> Result<bool, Error> {
        self.truth.set_feedback(number, feedback).await
    }
}
