//! Labels and annotations of Kubernetes objects.

use std::collections::BTreeMap;

use super::Told;
use super::labels::{first, owner};
use super::manifest::At;
use super::yaml::Node;
use crate::teams::service::is_label;
use crate::teams::{ServiceKey, Source};

/// What names the service, the surest first: what ties an object to an entity of a Backstage catalogue, then the
/// recommended label, then older habits.
const NAMES: &[&str] = &["backstage.io/kubernetes-id", "app.kubernetes.io/name", "app", "k8s-app"];
/// Kinds that are a service by their own name when no label names one.
const WORKLOADS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "Rollout"];
const ENVIRONMENTS: &[&str] = &["environment", "env", "app.kubernetes.io/environment"];

/// Adds what one object tells.
pub(super) fn tell(told: &mut Told, at: &At<'_>, object: &Node) {
    let Some(metadata) = object.get("metadata") else {
        told.ignored += 1;
        return;
    };
    let texts = |part: &str| -> BTreeMap<String, String> {
        let pairs = metadata.get(part).into_iter().flat_map(Node::texts);
        pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    };
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    let workload = object.text_at(&["kind"]).filter(|kind| WORKLOADS.contains(kind));
    let own = workload.and_then(|_| metadata.text_at(&["name"]));
    let Some(name) = first(&labels, NAMES).or_else(|| first(&annotations, NAMES)).or(own) else {
        told.ignored += 1;
        return;
    };
    let key = ServiceKey {
        name: name.to_owned(),
        namespace: metadata.text_at(&["namespace"]).unwrap_or_default().to_owned(),
        environment: first(&labels, ENVIRONMENTS).unwrap_or_default().to_owned(),
    };
    let owner = owner(&labels).or_else(|| owner(&annotations));
    match key.sound() {
        Ok(key) => {
            let labels = labels.into_iter().filter(|(name, value)| is_label(name, value));
            told.add_service(key, Source::Kubernetes, owner, labels);
        }
        Err(refusal) => at.fault(told, object, refusal.to_string()),
    }
}
