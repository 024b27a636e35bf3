//! Files of Backstage entities and Kubernetes objects that tell of teams and services.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::{Extension, Json};
use manazir_people::teams::told::{FILE_BYTES_MAX, tell_yaml};
use manazir_people::teams::{Fault, Import, Outcome, Plan, Step, Told, What};
use manazir_people::{ProfileKey, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::entropy::seed;
use crate::access::Caller;
use crate::extract::{Body, Query};
use crate::people::Answer;
use crate::{App, Problem};

/// Bytes of a file.
pub(crate) const BYTES_MAX: usize = FILE_BYTES_MAX;
/// People that one file may name; they are looked up one by one.
const PEOPLE_MAX: usize = 5_000;
/// Steps and faults that are told word for word.
const SHOWN_MAX: usize = 1_000;
/// Characters of a name that may be somebody's.
const NAME_MAX: usize = 254;
/// Kinds of body that are YAML: RFC 9512, and what was used before it.
const KINDS: [&str; 4] = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

/// Whether it is done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// True to learn what would change, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportJson {
    /// True if it is what would become of it.
    dry_run: bool,
    /// Teams and services that are new.
    made: usize,
    /// Those that change.
    changed: usize,
    /// Those that stay as they are.
    same: usize,
    /// Those that are not made, as there is no room.
    refused: usize,
    /// What changes, and what was told and is not done; the first 1,000.
    steps: Vec<StepJson>,
    /// How much could not be read.
    faulty: u64,
    /// The first 1,000 of that.
    faults: Vec<FaultJson>,
    /// Objects that tell of neither teams nor services.
    ignored: u64,
    /// Teams and services beyond what one file may tell of.
    left_out: u64,
}

/// What becomes of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepJson {
    /// `team` or `service`.
    kind: &'static str,
    /// The slug of the team or the name of the service.
    name: String,
    /// Where the service is.
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    /// Where the service is.
    #[serde(skip_serializing_if = "String::is_empty")]
    environment: String,
    /// `made`, `changed`, `same` or `refused`.
    outcome: &'static str,
    /// Fields that change.
    fields: Vec<&'static str>,
    /// What was told and is not done, and why.
    notes: Vec<String>,
}

/// What could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultJson {
    /// On which line, from 1.
    line: usize,
    /// What is wrong.
    why: String,
}

/// Import teams and services from YAML: Backstage entities and Kubernetes objects, many in one file
///
/// The same again changes nothing, and what people entered stays. A document that cannot be read is told with its line
/// and stops no other. People are found by username or address.
#[utoipa::path(post, path = "/api/v1/teams/import", tag = "teams", params(ImportQuery),
    request_body(content(
        (String = "application/yaml"),
        (String = "text/yaml"),
    )),
    responses((status = 200, body = Answer<ImportJson>)))]
pub(crate) async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<ImportQuery>,
    Body(body): Body,
) -> Result<Json<Answer<ImportJson>>, Problem> {
    is_yaml(&headers)?;
    let text = String::from_utf8(body.to_vec())
        .map_err(|_| Problem::invalid("the file is no UTF-8: send it as text in UTF-8", Vec::new()))?;
    let told = tokio::task::spawn_blocking(move || {
        let mut told = Told::default();
        tell_yaml(&mut told, FILE, &text);
        told
    });
    let told = told.await.map_err(|error| Problem::internal(&error))?;
    let people = known(&app, &told).await?;
    let (seed, write, at) = (seed()?, !query.dry_run, (app.now)());
    let import = Import { told: &told, people: &people, seed, write, at };
    let plan = app.teams.import(import).await?;
    tracing::info!(
        by = caller.name,
        write,
        steps = plan.steps.len(),
        faulty = told.faulty,
        "teams are imported"
    );
    let json = ImportJson::new(query.dry_run, &plan, told);
    let description = json.described();
    Ok(Json(Answer::new(&uri, json, description)))
}

/// What stands for the name of the file, which nobody told.
const FILE: &str = "body";

fn is_yaml(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if KINDS.iter().any(|one| kind.eq_ignore_ascii_case(one)) {
        return Ok(());
    }
    Err(Problem::unsupported("send `Content-Type: application/yaml`"))
}

/// Those of the named people that there are.
async fn known(app: &App, told: &Told) -> Result<BTreeMap<String, UserId>, Problem> {
    let names = told.people();
    if names.len() > PEOPLE_MAX {
        let detail = format!("the file names more than {PEOPLE_MAX} people: send it in parts");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    let mut known = BTreeMap::new();
    for name in names {
        // Nobody has such a name, and not every database takes it.
        if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            continue;
        }
        let key = match name.contains('@') {
            true => ProfileKey::Email(name.to_owned()),
            false => ProfileKey::Username(name.to_owned()),
        };
        if let Some(user) = app.people.found(&key).await? {
            known.insert(name.to_owned(), user.id);
        }
    }
    Ok(known)
}

impl ImportJson {
    fn new(dry_run: bool, plan: &Plan, told: Told) -> Self {
        let is_news = |step: &&Step| step.outcome != Outcome::Same || !step.notes.is_empty();
        Self {
            dry_run,
            made: plan.count(Outcome::Made),
            changed: plan.count(Outcome::Changed),
            same: plan.count(Outcome::Same),
            refused: plan.count(Outcome::Refused),
            steps: plan.steps.iter().filter(is_news).take(SHOWN_MAX).map(StepJson::from).collect(),
            faulty: told.faulty,
            faults: told.faults.into_iter().take(SHOWN_MAX).map(FaultJson::from).collect(),
            ignored: told.ignored,
            left_out: told.left_out,
        }
    }

    fn described(&self) -> String {
        let Self { made, changed, same, refused, faulty, .. } = self;
        let what = if self.dry_run { "would be" } else { "were" };
        format!("{made} {what} made, {changed} changed, {same} stay, {refused} find no room; {faulty} faults")
    }
}

impl From<&Step> for StepJson {
    fn from(step: &Step) -> Self {
        let (kind, name, namespace, environment) = match &step.what {
            What::Team(slug) => ("team", slug.clone(), String::new(), String::new()),
            What::Service(key) => {
                ("service", key.name.clone(), key.namespace.clone(), key.environment.clone())
            }
        };
        let outcome = match step.outcome {
            Outcome::Made => "made",
            Outcome::Changed => "changed",
            Outcome::Same => "same",
            Outcome::Refused => "refused",
        };
        let (fields, notes) = (step.fields.clone(), step.notes.clone());
        Self { kind, name, namespace, environment, outcome, fields, notes }
    }
}

impl From<Fault> for FaultJson {
    fn from(fault: Fault) -> Self {
        Self { line: fault.line, why: fault.why }
    }
}
