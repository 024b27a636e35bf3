//! Parts of an answer, each under a path of its own.

use axum::Json;
use axum::extract::State;
use manazir_rca::contributors::Contributors;
use manazir_rca::explanation::{Cause, Edge, Graph, Node, Told};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AsOf, answer, find, schema};
use crate::extract::{Path, Query};
use crate::{App, Problem};

/// Candidates for the root cause.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CausesJson {
    /// The likeliest first.
    #[schema(schema_with = schema::causes)]
    items: Vec<Cause>,
    /// Probability that it is none of them, in 0..=1.
    none_of_these: f64,
}

/// Which label values made the change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContributorsJson {
    /// Null if the metric has too few series for it, or values that do not add up.
    #[schema(schema_with = schema::contributors)]
    contributors: Option<Contributors>,
}

/// What happened, and what may have caused what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GraphJson {
    /// Events and entities.
    #[schema(schema_with = schema::nodes)]
    nodes: Vec<Node>,
    /// From cause to effect.
    #[schema(schema_with = schema::edges)]
    edges: Vec<Edge>,
}

/// What else happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelatedJson {
    /// Events near by, apart from the causes; the nearest first.
    #[schema(schema_with = schema::told)]
    items: Vec<Told>,
    /// What people changed, the last first.
    #[schema(schema_with = schema::told)]
    changes: Vec<Told>,
}

/// Candidates for the root cause, with path, evidence and next check
#[utoipa::path(get, path = "/api/v1/explanations/{number}/causes", tag = "explanations",
    params(("number" = u64, Path), AsOf),
    responses((status = 200, body = CausesJson), (status = 404, body = Problem)))]
pub(crate) async fn causes(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(as_of): Query<AsOf>,
) -> Result<Json<CausesJson>, Problem> {
    let told = answer(&find(&app, number, as_of).await?)?;
    Ok(Json(CausesJson { items: told.causes, none_of_these: told.none_of_these }))
}

/// What happened, and what may have caused what
#[utoipa::path(get, path = "/api/v1/explanations/{number}/events-graph", tag = "explanations",
    params(("number" = u64, Path), AsOf),
    responses((status = 200, body = GraphJson), (status = 404, body = Problem)))]
pub(crate) async fn events_graph(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(as_of): Query<AsOf>,
) -> Result<Json<GraphJson>, Problem> {
    let Graph { nodes, edges } = answer(&find(&app, number, as_of).await?)?.graph;
    Ok(Json(GraphJson { nodes, edges }))
}

/// Which label values made the change
#[utoipa::path(get, path = "/api/v1/explanations/{number}/contributors", tag = "explanations",
    params(("number" = u64, Path), AsOf),
    responses((status = 200, body = ContributorsJson), (status = 404, body = Problem)))]
pub(crate) async fn contributors(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(as_of): Query<AsOf>,
) -> Result<Json<ContributorsJson>, Problem> {
    let contributors = answer(&find(&app, number, as_of).await?)?.contributors;
    Ok(Json(ContributorsJson { contributors }))
}

/// What else happened near by, apart from the causes
#[utoipa::path(get, path = "/api/v1/explanations/{number}/related-events", tag = "explanations",
    params(("number" = u64, Path), AsOf),
    responses((status = 200, body = RelatedJson), (status = 404, body = Problem)))]
pub(crate) async fn related_events(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(as_of): Query<AsOf>,
) -> Result<Json<RelatedJson>, Problem> {
    let told = answer(&find(&app, number, as_of).await?)?;
    Ok(Json(RelatedJson { items: told.related, changes: told.changes }))
}
