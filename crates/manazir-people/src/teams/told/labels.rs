//! Labels of series that the service itself has found.

use std::collections::BTreeMap;

use manazir_model::labels::{APPLICATION, JOB, SERVICE, is_carrier};

use super::{Told, ToldOwner};
use crate::teams::service::is_label;
use crate::teams::{ServiceKey, Source, slug_of};

const NAMESPACES: &[&str] =
    &["service.namespace", "service_namespace", "k8s.namespace.name", "k8s_namespace_name", "namespace"];
const ENVIRONMENTS: &[&str] = &[
    "deployment.environment.name",
    "deployment_environment_name",
    "deployment.environment",
    "deployment_environment",
    "environment",
    "env",
];

/// Labels that say something of the service and not of one of its series, each with what it is kept as.
const KEPT: [(&str, &str); 6] = [
    ("app.kubernetes.io/part-of", "app.kubernetes.io/part-of"),
    ("app_kubernetes_io_part_of", "app.kubernetes.io/part-of"),
    ("label_app_kubernetes_io_part_of", "app.kubernetes.io/part-of"),
    ("app.kubernetes.io/managed-by", "app.kubernetes.io/managed-by"),
    ("app_kubernetes_io_managed_by", "app.kubernetes.io/managed-by"),
    ("label_app_kubernetes_io_managed_by", "app.kubernetes.io/managed-by"),
];

/// Adds what sets of labels tell, one set a series. Those that name no service are counted as ignored, those whose names
/// cannot be kept are faults, of which `file` and the number of the set say where it is.
pub fn tell_labels<'l>(
    told: &mut Told,
    file: &str,
    sets: impl IntoIterator<Item = &'l BTreeMap<String, String>>,
) {
    for (set, labels) in (1..).zip(sets) {
        // As root cause analysis names entities, so that what it finds has an owner. Hosts, pods and containers are no
        // services.
        let named = first(labels, SERVICE)
            .or_else(|| first(labels, APPLICATION))
            .or_else(|| first(labels, JOB).filter(|job| !is_carrier(job)));
        let Some(name) = named else {
            told.ignored += 1;
            continue;
        };
        let key = ServiceKey {
            name: name.to_owned(),
            namespace: first(labels, NAMESPACES).unwrap_or_default().to_owned(),
            environment: first(labels, ENVIRONMENTS).unwrap_or_default().to_owned(),
        };
        match key.sound() {
            Ok(key) => {
                let kept = KEPT.iter().filter_map(|(label, name)| {
                    let value = first(labels, &[label])?;
                    is_label(name, value).then(|| ((*name).to_owned(), value.to_owned()))
                });
                told.add_service(key, Source::Catalogue, owner(labels), kept);
            }
            Err(refusal) => told.fault(file, set, refusal.to_string()),
        }
    }
}

/// The first of these labels that has a value.
pub(super) fn first<'l>(labels: &'l BTreeMap<String, String>, names: &[&str]) -> Option<&'l str> {
    let values = names.iter().filter_map(|name| labels.get(*name));
    values.map(|value| value.trim()).find(|value| !value.is_empty())
}

/// Who answers for it: `team`, else `owner`, with whatever prefix. What looks like an address is a person, all else is a
/// team. `app.kubernetes.io/managed-by` is the tool that installed it, and no owner.
pub(super) fn owner(labels: &BTreeMap<String, String>) -> Option<ToldOwner> {
    let said = ["team", "owner"].iter().find_map(|wanted| {
        let plain = first(labels, &[wanted]);
        let mut prefixed = labels.iter().filter(|(name, value)| {
            name.rsplit_once('/').is_some_and(|(_, name)| name == *wanted) && !value.trim().is_empty()
        });
        plain.or_else(|| prefixed.next().map(|(_, value)| value.trim()))
    })?;
    // `group:default/team-a`, as Backstage has it.
    let name = said.rsplit_once([':', '/']).map_or(said, |(_, name)| name);
    if said.contains('@') || said.starts_with("user:") {
        return Some(ToldOwner::Person(name.to_lowercase()));
    }
    slug_of(name).map(ToldOwner::Team)
}

#[cfg(test)]
mod tests;
