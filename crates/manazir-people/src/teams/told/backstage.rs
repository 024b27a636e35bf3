//! Entities of a Backstage catalogue (the descriptor format of `catalog-info.yaml`).

use super::manifest::At;
use super::yaml::Node;
use super::{Told, ToldOwner};
use crate::teams::service::is_label;
use crate::teams::{ServiceKey, Source, slug_of};

/// Where an entity runs in Kubernetes, if it says so; otherwise where it is in the catalogue.
const KUBERNETES_ID: &str = "backstage.io/kubernetes-id";
const KUBERNETES_NAMESPACE: &str = "backstage.io/kubernetes-namespace";
/// The namespace of everything that names none: it says nothing.
const DEFAULT: &str = "default";
/// Fields of a component that are worth a label.
const FIELDS: [&str; 3] = ["type", "lifecycle", "system"];

/// Adds what one entity tells.
pub(super) fn tell(told: &mut Told, at: &At<'_>, entity: &Node) {
    match entity.text_at(&["kind"]) {
        Some("Component") => component(told, at, entity),
        Some("Group") => group(told, at, entity),
        Some("User") => user(told, at, entity),
        Some(_) => told.ignored += 1,
        None => at.fault(told, entity, "has no kind"),
    }
}

fn component(told: &mut Told, at: &At<'_>, entity: &Node) {
    let annotation = |name| entity.text_at(&["metadata", "annotations", name]);
    let Some(name) = annotation(KUBERNETES_ID).or_else(|| entity.text_at(&["metadata", "name"])) else {
        return at.fault(told, entity, "has no metadata.name");
    };
    let own = entity.text_at(&["metadata", "namespace"]).filter(|namespace| *namespace != DEFAULT);
    let namespace = annotation(KUBERNETES_NAMESPACE).or(own).unwrap_or_default();
    let key = ServiceKey { name: name.to_owned(), namespace: namespace.to_owned(), ..ServiceKey::default() };
    let key = match key.sound() {
        Ok(key) => key,
        Err(refusal) => return at.fault(told, entity, refusal.to_string()),
    };
    let owner = match entity.text_at(&["spec", "owner"]).map(|said| reference(said, "group")) {
        None => None,
        Some(Some(("group", name))) => slug_of(name).map(ToldOwner::Team),
        Some(Some(("user", name))) => Some(ToldOwner::Person(name.to_lowercase())),
        Some(_) => {
            at.fault(told, entity, "has a spec.owner that is neither a group nor a user");
            None
        }
    };
    let fields = FIELDS.iter().filter_map(|field| {
        Some((format!("backstage.io/{field}"), entity.text_at(&["spec", field])?.to_owned()))
    });
    let labels = entity.get("metadata").and_then(|metadata| metadata.get("labels"));
    let labels =
        labels.into_iter().flat_map(Node::texts).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let labels: Vec<_> = labels.chain(fields).filter(|(name, value)| is_label(name, value)).collect();
    if let Some(service) = told.add_service(key, Source::Backstage, owner, labels)
        && let Some(description) = entity.text_at(&["metadata", "description"])
    {
        description.clone_into(&mut service.description);
    }
}

fn group(told: &mut Told, at: &At<'_>, entity: &Node) {
    let Some(slug) = entity.text_at(&["metadata", "name"]).and_then(slug_of) else {
        return at.fault(told, entity, "has no metadata.name with a letter or digit");
    };
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| entity.text_at(path)).map(str::to_owned);
    let name = first(&[&["spec", "profile", "displayName"], &["metadata", "title"], &["metadata", "name"]]);
    let description = first(&[&["metadata", "description"]]);
    let members = entity.get("spec").and_then(|spec| spec.get("members"));
    let Some(team) = told.team(&slug, Source::Backstage) else { return };
    team.name = name.unwrap_or_default();
    team.description = description.unwrap_or_default();
    team.is_described = true;
    let mut wrong = None;
    for member in members.map(Node::list).unwrap_or_default() {
        match member.text().and_then(|said| reference(said, "user")) {
            Some(("user", name)) => drop(team.members.insert(name.to_lowercase())),
            _ => wrong = wrong.or(Some(member)),
        }
    }
    if let Some(member) = wrong {
        at.fault(told, member, "is no user, and cannot be a member of a group");
    }
}

fn user(told: &mut Told, at: &At<'_>, entity: &Node) {
    let Some(name) = entity.text_at(&["metadata", "name"]).map(str::to_lowercase) else {
        return at.fault(told, entity, "has no metadata.name");
    };
    let groups = entity.get("spec").and_then(|spec| spec.get("memberOf"));
    for group in groups.map(Node::list).unwrap_or_default() {
        let slug = match group.text().and_then(|said| reference(said, "group")) {
            Some(("group", name)) => slug_of(name),
            _ => None,
        };
        let Some(slug) = slug else {
            at.fault(told, group, "is no group, and can have no members");
            continue;
        };
        if let Some(team) = told.team(&slug, Source::Backstage) {
            team.members.insert(name.clone());
        }
    }
}

/// Kind and name of an entity reference, `[kind:][namespace/]name`; the kind is `kind` if it says none. `None` for kinds
/// that are neither groups nor users.
fn reference<'s>(said: &'s str, kind: &'static str) -> Option<(&'static str, &'s str)> {
    let (kind, rest) = match said.trim().split_once(':') {
        None => (kind, said.trim()),
        Some((said, rest)) if said.eq_ignore_ascii_case("group") => ("group", rest),
        Some((said, rest)) if said.eq_ignore_ascii_case("user") => ("user", rest),
        Some(_) => return None,
    };
    let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name).trim();
    (!name.is_empty()).then_some((kind, name))
}
