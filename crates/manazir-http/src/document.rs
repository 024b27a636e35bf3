//! The OpenAPI document: what the handlers say of themselves, and what holds for every route.
//!
//! Who may call a route comes from the table of permissions, and every refusal is a problem: both are added
//! here, so that no handler can leave them out.

use manazir_auth::Scope;
use manazir_auth::permission::{self, Access};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::Problem;
use crate::access::ACCESS_COOKIE;

/// Name of the scheme by which a program shows a token.
const TOKEN: &str = "token";

/// Name of the scheme by which a person's program shows that they have signed in.
const SESSION: &str = "session";

/// The same for a browser.
const COOKIE: &str = "cookie";

/// The kind of body of every refusal.
const PROBLEM: &str = "application/problem+json";

/// A refusal and when it comes.
type Refusal = (u16, &'static str, &'static str);

const EVERYWHERE: [Refusal; 3] = [
    (405, "MethodNotAllowed", "The path has no such method; `Allow` lists those it has"),
    (500, "Failed", "A fault of the service"),
    (503, "Unavailable", "The service is stopping, or the answer took too long"),
];
const WITH_TOKEN: [Refusal; 2] = [
    (401, "Unauthenticated", "No token, or one that is unknown, revoked or over"),
    (403, "Forbidden", "The token lacks the scope, or the person may not do that"),
];
const WITH_INPUT: [Refusal; 1] =
    [(400, "Invalid", "The request cannot be understood; all that is wrong is listed")];
const WITH_PATH: [Refusal; 1] = [(404, "NotFound", "There is no such thing")];
const WITH_BODY: [Refusal; 3] = [
    (413, "TooLarge", "The body is longer than the route takes"),
    (415, "UnsupportedMediaType", "The route does not read bodies of this kind"),
    (429, "QueueFull", "Too much waits to be written; nothing was taken, try again after `Retry-After`"),
];

/// Adds to every operation who may call it and how it refuses.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(method, path, operation);
        }
    }
    let components = document.components.get_or_insert_default();
    for (_, name, description) in [&EVERYWHERE[..], &WITH_TOKEN, &WITH_INPUT, &WITH_PATH, &WITH_BODY].concat()
    {
        components.responses.insert(name.to_owned(), RefOr::T(problem(description)));
    }
    crate::explanations::schema::add(components);
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    add_scheme(components);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("PUT", put), ("PATCH", patch), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &str, path: &str, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(method, path));
    let mut refusals = EVERYWHERE.to_vec();
    match permission::access(method, path) {
        Some(Access::Open) => operation.security = Some(Vec::new()),
        Some(access) => {
            refusals.extend(WITH_TOKEN);
            let (schemes, needed) = needed(access);
            let requirement = |scheme: &&str| SecurityRequirement::new(*scheme, Vec::<String>::new());
            operation.security = Some(schemes.iter().map(requirement).collect());
            let before = operation.description.take().filter(|text| !text.is_empty());
            operation.description = Some(before.map_or(needed.clone(), |text| format!("{text}\n\n{needed}")));
        }
        // The gate answers nobody there; a test sees to it that there is no such route.
        None => {}
    }
    let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    if operation.request_body.is_some() {
        refusals.extend(WITH_BODY);
    }
    if operation.request_body.is_some() || has_parameters {
        refusals.extend(WITH_INPUT);
    }
    if path.contains('{') {
        refusals.extend(WITH_PATH);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.as_str() >= "400"
            // What is no problem, such as the health of a service that is not ready, is sent as it is.
            && response.content.get("application/json").is_some_and(is_problem)
            && let Some(content) = response.content.swap_remove("application/json")
        {
            response.content.insert(PROBLEM.to_owned(), content);
        }
    }
    for (status, name, _) in refusals {
        let refused = RefOr::Ref(Ref::from_response_name(name));
        operation.responses.responses.entry(status.to_string()).or_insert(refused);
    }
}

/// What generated clients call an operation: handlers share short names, a method and path are one operation's alone.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// What may be shown to be let in, and what it takes, in words.
fn needed(access: Access) -> (&'static [&'static str], String) {
    match access {
        Access::Open => (&[], String::new()),
        Access::Needs(scope) => (
            &[TOKEN, SESSION, COOKIE],
            format!("Needs the scope `{scope}`, of a token or of a person's role."),
        ),
        Access::Person => (&[SESSION, COOKIE], "Needs a person who has signed in.".to_owned()),
        Access::PersonOr(Scope::Read) => (
            &[TOKEN, SESSION, COOKIE],
            "Needs a person who has signed in, or a token with the scope `read`.".to_owned(),
        ),
        Access::PersonOr(scope) => (
            &[TOKEN, SESSION, COOKIE],
            format!("A person acts for themselves, a token with the scope `{scope}` for anyone."),
        ),
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    let RefOr::T(content) = content else { return false };
    let problem = Ref::from_schema_name(Problem::name());
    matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location == problem.ref_location)
}

fn problem(description: &str) -> Response {
    let mut response = Response::new(description);
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name(Problem::name()));
    response.content.insert(PROBLEM.to_owned(), Content::new(Some(schema)).into());
    response
}

fn add_scheme(components: &mut Components) {
    let bearer = |description: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        SecurityScheme::Http(scheme.description(Some(description)).build())
    };
    let cookie = ApiKeyValue::with_description(
        ACCESS_COOKIE,
        "The access token in the cookie that signing in sets; what changes something must come from the same origin",
    );
    components.security_schemes.extend([
        (TOKEN.to_owned(), bearer("A token as `manazir token new --scope SCOPE` prints it: `mz_…`").into()),
        (SESSION.to_owned(), bearer("The access token that signing in gives: `eyJ…`").into()),
        (COOKIE.to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(cookie)).into()),
    ]);
}
