//! Rollups that the service hosts: their totals, their past, and what did not count.

pub(crate) mod dead_letters;
pub(crate) mod findings;
pub(crate) mod series;
pub(crate) mod totals;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::history::Status;
use manazir_rollup::hosted::{Hosted, IntakeError};
use manazir_rollup::{AsOf, History, KeyType};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Path;
use crate::search::Wanted;
use crate::{App, Problem};

/// A continuous aggregate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollupJson {
    /// Its name.
    name: String,
    /// The column of the keys, as the destination has it.
    key: String,
    /// `integer` or `text`: how keys are ordered.
    key_type: &'static str,
    /// The column of what people call them; null if it is not kept.
    label: Option<String>,
    /// Findings fall into these.
    categories: Vec<String>,
    /// Decimals of the amounts.
    decimals: u8,
    /// Further columns of the totals, and what stands in them.
    more: Vec<ColumnJson>,
    /// True if its past is kept: the totals as they were, series, findings that did not count.
    keeps_history: bool,
    /// How much was counted; null if no past is kept, and in the list while it cannot be told.
    status: Option<RollupStatusJson>,
}

/// A further column of totals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnJson {
    /// Its name.
    name: String,
    /// As `max`, `p95` or `distinct`.
    aggregate: String,
}

/// How much was counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollupStatusJson {
    /// Findings that counted.
    findings: u64,
    /// When the first of them happened, RFC 3339; null before the first.
    first_at: Option<String>,
    /// When the last of them happened.
    last_at: Option<String>,
    /// When the last of them was taken in.
    last_known_at: Option<String>,
    /// Those that wait for a row of a reference table.
    waiting: u64,
    /// Those that cannot count as they are.
    rejected: u64,
}

/// All rollups of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RollupList {
    /// In the order of the configuration.
    items: Vec<RollupJson>,
}

impl RollupJson {
    fn new(rollup: &Hosted, status: Option<Status>) -> Self {
        let shape = &rollup.shape;
        let column = |(name, aggregate): &(String, Aggregate)| ColumnJson {
            name: name.clone(),
            aggregate: aggregate.to_string(),
        };
        Self {
            name: rollup.name.clone(),
            key: shape.key.clone(),
            key_type: match shape.key_type {
                KeyType::Integer => "integer",
                KeyType::Text => "text",
            },
            label: shape.label.clone(),
            categories: shape.categories.clone(),
            decimals: rollup.decimals,
            more: shape.more().iter().map(column).collect(),
            keeps_history: rollup.history().is_some(),
            status: status.map(RollupStatusJson::from),
        }
    }
}

impl From<Status> for RollupStatusJson {
    fn from(Status { findings, at, known_at, waiting, rejected, .. }: Status) -> Self {
        let (first_at, last_at) = at.map(|(first, last)| (first.to_string(), last.to_string())).unzip();
        let last_known_at = known_at.map(|at| at.to_string());
        Self { findings, first_at, last_at, last_known_at, waiting, rejected }
    }
}

/// Rollups that the service hosts
#[utoipa::path(get, path = "/api/v1/rollups", tag = "rollups", responses((status = 200, body = RollupList)))]
pub(crate) async fn list(State(app): State<App>) -> Json<RollupList> {
    let mut items = Vec::with_capacity(app.rollups.len());
    for rollup in app.rollups.iter() {
        // One whose destination is away hides no other.
        let status = status(rollup).await.unwrap_or_else(|error| {
            tracing::warn!(error = ?error, "the status of rollup {} cannot be told", rollup.name);
            None
        });
        items.push(RollupJson::new(rollup, status));
    }
    Json(RollupList { items })
}

/// One rollup
#[utoipa::path(get, path = "/api/v1/rollups/{name}", tag = "rollups", params(("name" = String, Path)),
    responses((status = 200, body = RollupJson), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<RollupJson>, Problem> {
    let rollup = named(&app, &name)?;
    Ok(Json(RollupJson::new(rollup, status(rollup).await?)))
}

async fn status(rollup: &Hosted) -> Result<Option<Status>, IntakeError> {
    match rollup.history() {
        Some(_) => rollup.intake.status().await.map(Some),
        None => Ok(None),
    }
}

/// The rollup of this name.
fn named<'a>(app: &'a App, name: &str) -> Result<&'a Hosted, Problem> {
    app.rollups.iter().find(|rollup| rollup.name == name).ok_or_else(|| {
        let names: Vec<String> = app.rollups.iter().map(|rollup| format!("`{}`", rollup.name)).collect();
        let there = match names.as_slice() {
            [] => "this service hosts none".to_owned(),
            names => format!("there is {}", names.join(", ")),
        };
        Problem::not_found(format!("no rollup is called `{name}`; {there}"))
    })
}

/// Its past, where it keeps one.
fn history(rollup: &Hosted) -> Result<&dyn History, Problem> {
    rollup.history().ok_or_else(|| {
        let detail = format!(
            "the destination of rollup `{}` keeps no history: only its totals now can be told; those in SQLite and \
             PostgreSQL keep one",
            rollup.name
        );
        Problem::new(StatusCode::CONFLICT, "no-history", "This rollup keeps no history", detail)
    })
}

fn as_of(wanted: &mut Wanted, at: Option<&str>, known_at: Option<&str>) -> AsOf {
    AsOf { at: wanted.time("at", at), known_at: wanted.time("known_at", known_at) }
}

/// Amounts are whole numbers of the last decimal: how many of them are one.
fn unit(rollup: &Hosted) -> f64 {
    10_f64.powi(rollup.decimals.into())
}
