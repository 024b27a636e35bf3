//! Every route, in one place.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    App, Problem, access, accounts, anomalies, avatars, dead_letters, docs, document, edge, events,
    explanations, health, ingest, jobs, people, rollups, series, teams, tokens, topology,
};

/// Bytes of a body about accounts: the longest names and passwords, in any writing.
const ACCOUNT_BYTES_MAX: usize = 16 << 10;

#[derive(OpenApi)]
#[openapi(
    components(schemas(ingest::WaitFor)),
    info(
        title = "Manazir",
        description = "Finds what is strange in your data. Send `Authorization: Bearer mz_…`; errors are RFC 9457 problems."
    )
)]
struct Document;

fn routes(app: &App) -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(intake_routes(app))
        .routes(routes!(events::event))
        .routes(routes!(series::list))
        .routes(routes!(series::samples))
        .routes(routes!(series::episodes))
        .routes(routes!(anomalies::list))
        .routes(routes!(anomalies::one))
        .routes(routes!(anomalies::judge, anomalies::undo))
        .routes(routes!(explanations::list, explanations::ask))
        .routes(routes!(explanations::one))
        .routes(routes!(explanations::refresh))
        .routes(routes!(explanations::parts::causes))
        .routes(routes!(explanations::parts::events_graph))
        .routes(routes!(explanations::parts::contributors))
        .routes(routes!(explanations::parts::related_events))
        .routes(routes!(explanations::verdicts::judge, explanations::verdicts::undo))
        .routes(routes!(topology::list, topology::add, topology::end))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::one, dead_letters::discard))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(dead_letters::replay_many))
        .routes(routes!(rollups::list))
        .routes(routes!(rollups::one))
        .routes(routes!(rollups::totals::totals))
        .routes(routes!(rollups::series::spans))
        .routes(routes!(rollups::dead_letters::list))
        .routes(routes!(rollups::dead_letters::one, rollups::dead_letters::discard))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::one))
        .routes(routes!(jobs::cancel))
        .merge(people_routes())
        .merge(team_routes())
        .routes(routes!(avatars::of_person))
        .routes(routes!(avatars::of_team))
        .routes(routes!(avatars::of_service))
        .routes(routes!(avatars::candidates))
        .routes(routes!(avatars::of_seed))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .merge(account_routes())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// What takes events, samples and other long bodies.
fn intake_routes(app: &App) -> OpenApiRouter<App> {
    let one = OpenApiRouter::new()
        .routes(routes!(ingest::one))
        .routes(routes!(dead_letters::repair))
        .routes(routes!(rollups::dead_letters::retry))
        .layer(DefaultBodyLimit::max(app.limits.event_bytes_max));
    let batches = OpenApiRouter::new()
        .routes(routes!(ingest::events::events))
        .routes(routes!(ingest::events::cloudtrail))
        .routes(routes!(ingest::events::cloudevents))
        .routes(routes!(ingest::events::alertmanager))
        .routes(routes!(ingest::samples::samples))
        .routes(routes!(ingest::samples::prometheus))
        .routes(routes!(ingest::otlp::metrics))
        .routes(routes!(ingest::otlp::logs))
        .routes(routes!(ingest::otlp::traces))
        .routes(routes!(rollups::findings::take))
        .routes(routes!(people::batch::begin))
        .layer(DefaultBodyLimit::max(app.limits.batch_bytes_max));
    one.merge(batches)
}

fn account_routes() -> OpenApiRouter<App> {
    // Tokens and what is private to a person stay out of every cache.
    let no_store = SetResponseHeaderLayer::overriding(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    OpenApiRouter::new()
        .routes(routes!(accounts::registration::register, accounts::administration::list))
        .routes(routes!(accounts::own::one, accounts::administration::change))
        .routes(routes!(accounts::own::change_password))
        .routes(routes!(accounts::resets::hand_over))
        .routes(routes!(accounts::administration::sessions, accounts::administration::end_all))
        .routes(routes!(accounts::administration::end_one))
        .routes(routes!(accounts::sessions::sign_in, accounts::devices::list, accounts::devices::end_others))
        .routes(routes!(accounts::sessions::refresh))
        .routes(routes!(accounts::sessions::sign_out))
        .routes(routes!(accounts::devices::end))
        .routes(routes!(accounts::elsewhere::ways))
        .routes(routes!(accounts::elsewhere::begin))
        .routes(routes!(accounts::elsewhere::callback))
        .routes(routes!(accounts::identities::list, accounts::identities::link))
        .routes(routes!(accounts::identities::unlink))
        .routes(routes!(accounts::resets::ask))
        .routes(routes!(accounts::resets::redeem))
        .routes(routes!(accounts::invitations::list, accounts::invitations::invite))
        .routes(routes!(accounts::invitations::withdraw))
        .routes(routes!(accounts::audit::list))
        .layer(DefaultBodyLimit::max(ACCOUNT_BYTES_MAX))
        .layer(no_store)
}

fn people_routes() -> OpenApiRouter<App> {
    use people::{blocks, connections, finding, profiles, recommendations, relations, requests, suggestions};
    OpenApiRouter::new()
        .routes(routes!(finding::find, profiles::create))
        .routes(routes!(profiles::one, profiles::update, profiles::erase))
        .routes(routes!(profiles::set_state))
        .routes(routes!(connections::list, connections::connect, connections::remove_by_query))
        .routes(routes!(connections::is_connected, connections::remove))
        .routes(routes!(people::batch::one, people::batch::stop))
        .routes(routes!(requests::outgoing, requests::ask))
        .routes(routes!(requests::cancel))
        .routes(routes!(requests::incoming))
        .routes(routes!(requests::reject))
        .routes(routes!(requests::accept))
        .routes(routes!(blocks::list))
        .routes(routes!(blocks::block, blocks::unblock))
        .routes(routes!(relations::one))
        .routes(routes!(relations::mutual))
        .routes(routes!(suggestions::list))
        .routes(routes!(suggestions::dismiss))
        .routes(routes!(recommendations::list, recommendations::add, recommendations::withdraw))
}

fn team_routes() -> OpenApiRouter<App> {
    use teams::{import, members, services, team};
    OpenApiRouter::new()
        .routes(routes!(import::import))
        .layer(DefaultBodyLimit::max(import::BYTES_MAX))
        .routes(routes!(team::list, team::create))
        .routes(routes!(team::one, team::update, team::delete))
        .routes(routes!(members::list))
        .routes(routes!(members::put, members::remove))
        .routes(routes!(members::of_user))
        .routes(routes!(services::list, services::create))
        .routes(routes!(services::one, services::update, services::delete))
}

/// The OpenAPI 3.1 document.
pub fn openapi(app: &App) -> utoipa::openapi::OpenApi {
    document::complete(routes(app).into_openapi())
}

/// The whole service.
pub fn router(app: App) -> Router {
    let (router, document) = routes(&app).split_for_parts();
    let description = utoipa_swagger_ui::Config::from("/api/openapi.json");
    let swagger = utoipa_swagger_ui::SwaggerUi::new("/docs").config(description);
    let router = router
        .merge(docs::routes(&document::complete(document)))
        .route_layer(middleware::from_fn_with_state(app.clone(), access::gate))
        // Its pages come after the gate: the table names them as open.
        .merge(swagger)
        .fallback(|| async { Problem::not_found("no route has this path; /docs lists them") })
        .with_state(app.clone());
    guarded(router, &app)
}

/// Routes with what surrounds all of them: bounded time, a problem for every refusal and every panic, an identity
/// for each request.
pub fn guarded(router: Router, app: &App) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    router
        .layer(middleware::from_fn_with_state(app.clone(), edge::in_time))
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(middleware::from_fn(edge::worded))
        .layer(middleware::from_fn(edge::named))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
}

/// Health and metrics alone, for a process that only judges.
pub fn operation_router(app: App) -> Router {
    let (router, _) = OpenApiRouter::<App>::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .split_for_parts();
    let router = router
        .route_layer(middleware::from_fn_with_state(app.clone(), access::gate))
        .fallback(|| async { Problem::not_found("this process only judges; it has no other route") })
        .with_state(app.clone());
    guarded(router, &app)
}
