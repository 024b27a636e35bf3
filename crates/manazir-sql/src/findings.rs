//! Findings.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::findings::{Feedback, Finding, FindingFilter, Findings, NewFinding, last_told};
use manazir_model::{Reason, Timestamp};

use crate::Truth;
use crate::failure::failed;
use crate::statement::{Connection, Statement, Value, damaged, raise, signed, unsigned};
use crate::text::{came, kept, pattern};

/// Rows a statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS_A_STATEMENT: usize = 500;

/// Assets of one finding by which it can be searched; all of them are kept.
const SEARCHED_RESOURCES_MAX: usize = 10_000;

const SELECT: &str = "SELECT number, kind, source, event_id, request_id, actor, action, resources, at, ended_at, \
    first_seen_at, received_at, score, reasons, sentence, series, feedback, feedback_comment, feedback_by, \
    feedback_at FROM findings WHERE ";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    kind: String,
    source: String,
    event_id: String,
    request_id: String,
    actor: String,
    action: String,
    resources: String,
    at: i64,
    ended_at: Option<i64>,
    first_seen_at: i64,
    received_at: i64,
    score: f64,
    reasons: String,
    sentence: String,
    series: Option<String>,
    feedback: Option<String>,
    feedback_comment: Option<String>,
    feedback_by: Option<String>,
    feedback_at: Option<i64>,
}

/// Adds findings within a transaction, whoever began it; an episode that is known already is told anew under its
/// number. The oldest that nobody has judged go if there are more than `findings_max`.
pub(crate) async fn insert_findings(
    connection: &mut Connection<'_>,
    findings: &[NewFinding],
    findings_max: u64,
) -> Result<(), sqlx::Error> {
    if findings.is_empty() {
        return Ok(());
    }
    let findings = last_told(findings);
    let known = known_episodes(connection, &findings).await?;
    let number_of = |finding: &NewFinding| finding.episode().and_then(|episode| known.get(episode).copied());
    let new = findings.iter().filter(|finding| number_of(finding).is_none()).count();
    let last = raise(connection, "findings", new as u64).await?;
    let mut next = last - new as i64;
    let numbered: Vec<(i64, &NewFinding)> = findings
        .iter()
        .map(|finding| {
            let number = number_of(finding).unwrap_or_else(|| {
                next += 1;
                next
            });
            (number, finding)
        })
        .collect();
    for some in numbered.chunks(ROWS_A_STATEMENT) {
        Statement::new(
            "INSERT INTO findings (number, kind, source, event_id, request_id, actor, action, resources, at, \
             ended_at, first_seen_at, received_at, score, reasons, detector, sentence, searched, series) VALUES ",
        )
        .rows(some.iter().map(|&(number, finding)| row(number, finding)))
        .then(
            " ON CONFLICT (number) DO UPDATE SET ended_at = excluded.ended_at, received_at = excluded.received_at, \
             score = excluded.score, reasons = excluded.reasons, detector = excluded.detector, \
             sentence = excluded.sentence, searched = excluded.searched",
        )
        .execute(connection)
        .await?;
    }
    let resources: Vec<(i64, &str)> = numbered
        .iter()
        .filter(|(_, finding)| finding.episode().is_none())
        .flat_map(|&(number, finding)| {
            let unlike: BTreeSet<&str> = finding.resources.iter().map(String::as_str).collect();
            unlike.into_iter().take(SEARCHED_RESOURCES_MAX).map(move |resource| (number, resource))
        })
        .collect();
    for some in resources.chunks(ROWS_A_STATEMENT) {
        let rows = some.iter().map(|&(number, resource)| vec![Value::Number(Some(number)), text(resource)]);
        Statement::new("INSERT INTO finding_resources (number, resource) VALUES ")
            .rows(rows)
            .execute(connection)
            .await?;
    }
    Statement::new("DELETE FROM findings WHERE feedback IS NULL AND number <= ")
        .number(last.saturating_sub(signed(findings_max)))
        .execute(connection)
        .await
        .map(drop)
}

/// Numbers of the episodes among these that are there already.
async fn known_episodes(
    connection: &mut Connection<'_>,
    findings: &[NewFinding],
) -> Result<HashMap<String, i64>, sqlx::Error> {
    let episodes: Vec<&str> = findings.iter().filter_map(NewFinding::episode).collect();
    let mut known = HashMap::new();
    for some in episodes.chunks(ROWS_A_STATEMENT) {
        let rows = Statement::new(
            "SELECT event_id, number FROM findings WHERE kind = 'series' AND event_id IN (VALUES ",
        )
        .rows(some.iter().map(|episode| vec![text(episode)]))
        .then(")")
        .fetch_in::<(String, i64)>(connection)
        .await?;
        known.extend(rows);
    }
    Ok(known)
}

fn text(text: &str) -> Value {
    Value::Text(Some(kept(text).into_owned()))
}

fn time(at: Timestamp) -> Value {
    Value::Number(Some(at.micros()))
}

fn row(number: i64, finding: &NewFinding) -> Vec<Value> {
    vec![
        Value::Number(Some(number)),
        text(finding.kind.word()),
        text(&finding.source),
        text(&finding.event_id),
        text(&finding.request_id),
        text(&finding.actor),
        text(&finding.action),
        // JSON writes NUL in letters of its own.
        Value::Text(Some(serde_json::json!(finding.resources).to_string())),
        time(finding.at),
        Value::Number(finding.ended_at.map(Timestamp::micros)),
        time(finding.first_seen_at),
        time(finding.received_at),
        Value::Real(finite(finding.score)),
        Value::Text(Some(reasons(finding))),
        text(finding.detector()),
        text(&finding.sentence),
        text(&finding.searched()),
        Value::Text(finding.series.as_deref().map(|series| kept(series).into_owned())),
    ]
}

/// Neither SQLite nor JSON can keep what is no number; a score has none of it, and one that had must not stop
/// those behind it.
fn finite(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) }
}

fn reasons(finding: &NewFinding) -> String {
    let kept = |reason: &Reason| Reason { surprise: finite(reason.surprise), ..reason.clone() };
    serde_json::json!(finding.reasons.iter().map(kept).collect::<Vec<_>>()).to_string()
}

fn selected(filter: &FindingFilter, before: Option<u64>, max: usize) -> Statement {
    let texts = [
        (" AND source = ", &filter.source),
        (" AND event_id = ", &filter.event_id),
        (" AND request_id = ", &filter.request_id),
        (" AND actor = ", &filter.actor),
        (" AND action = ", &filter.action),
        (" AND detector = ", &filter.detector),
    ];
    let mut statement = Statement::new(SELECT).then("number < ").number(before.map_or(i64::MAX, signed));
    for (condition, wanted) in texts {
        if let Some(wanted) = wanted {
            statement = statement.then(condition).text(wanted);
        }
    }
    if let Some(kind) = filter.kind {
        statement = statement.then(" AND kind = ").text(kind.word());
    }
    if let Some(resource) = &filter.resource {
        statement = statement
            .then(" AND number IN (SELECT number FROM finding_resources WHERE resource = ")
            .text(resource)
            .then(")");
    }
    if let Some(from) = filter.from {
        statement = statement.then(" AND at >= ").number(from.micros());
    }
    if let Some(until) = filter.until {
        statement = statement.then(" AND at < ").number(until.micros());
    }
    if let Some(least) = filter.score_min {
        statement = statement.then(" AND score >= ").value(Value::Real(finite(least)));
    }
    statement = match filter.feedback {
        None => statement,
        Some(None) => statement.then(" AND feedback IS NULL"),
        Some(Some(opinion)) => statement.then(" AND feedback = ").text(opinion.word()),
    };
    if let Some(words) = &filter.words {
        let pattern = Value::Text(Some(pattern(words)));
        statement = statement.then(" AND searched LIKE ").value(pattern).then(" ESCAPE '\\'");
    }
    statement.then(" ORDER BY number DESC LIMIT ").number(signed(max as u64))
}

fn finding(row: Row) -> Result<Finding, Error> {
    let json =
        |what: &str, why: serde_json::Error| damaged(&format!("{what} of finding {}", row.number), why);
    let word = |why: String| damaged(&format!("finding {}", row.number), why);
    let feedback = match row.feedback {
        None => None,
        Some(verdict) => Some(Feedback {
            verdict: verdict.parse().map_err(word)?,
            comment: came(row.feedback_comment.unwrap_or_default()),
            by: came(row.feedback_by.unwrap_or_default()),
            at: Timestamp(row.feedback_at.unwrap_or_default()),
        }),
    };
    let what = NewFinding {
        kind: row.kind.parse().map_err(word)?,
        resources: serde_json::from_str(&row.resources).map_err(|why| json("the assets", why))?,
        reasons: serde_json::from_str(&row.reasons).map_err(|why| json("the reasons", why))?,
        source: came(row.source),
        event_id: came(row.event_id),
        request_id: came(row.request_id),
        actor: came(row.actor),
        action: came(row.action),
        at: Timestamp(row.at),
        ended_at: row.ended_at.map(Timestamp),
        first_seen_at: Timestamp(row.first_seen_at),
        received_at: Timestamp(row.received_at),
        score: row.score,
        sentence: came(row.sentence),
        series: row.series.map(came),
    };
    Ok(Finding { number: unsigned(row.number), what, feedback })
}

#[async_trait]
impl Findings for Truth {
    async fn page(
        &self,
        filter: &FindingFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Finding>, Error> {
        let rows = selected(filter, before, max).fetch::<Row>(self).await.map_err(failed)?;
        rows.into_iter().map(finding).collect()
    }

    async fn get(&self, number: u64) -> Result<Option<Finding>, Error> {
        let one = Statement::new(SELECT).then("number = ").number(signed(number));
        let rows = one.fetch::<Row>(self).await.map_err(failed)?;
        rows.into_iter().next().map(finding).transpose()
    }

    async fn set_feedback(&self, number: u64, feedback: Option<&Feedback>) -> Result<bool, Error> {
        let optional = |text: Option<&str>| Value::Text(text.map(|text| kept(text).into_owned()));
        let touched = Statement::new("UPDATE findings SET feedback = ")
            .value(optional(feedback.map(|feedback| feedback.verdict.word())))
            .then(", feedback_comment = ")
            .value(optional(feedback.map(|feedback| feedback.comment.as_str())))
            .then(", feedback_by = ")
            .value(optional(feedback.map(|feedback| feedback.by.as_str())))
            .then(", feedback_at = ")
            .value(Value::Number(feedback.map(|feedback| feedback.at.micros())))
            .then(" WHERE number = ")
            .number(signed(number))
            .write(self)
            .await
            .map_err(failed)?;
        Ok(touched > 0)
    }
}
