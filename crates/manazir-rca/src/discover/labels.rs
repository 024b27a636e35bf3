//! What labels of a series say: whose it is, and who depends on whom.

use std::collections::BTreeSet;

use manazir_model::labels::{APPLICATION, JOB, SERVICE, is_carrier};
use manazir_model::{Dependency, Timestamp};

use super::{cut, named};
use crate::topology::Span;

/// Who says so, in a [`Dependency`].
pub const SOURCE: &str = "labels";

/// Labels of what a service runs on, the nearest first.
const POD: &[&str] = &["k8s.pod.name", "k8s_pod_name", "pod", "pod_name"];
const HOST: &[&str] = &[
    "host.name",
    "host_name",
    "host",
    "hostname",
    "nodename",
    "k8s.node.name",
    "k8s_node_name",
    "node",
    "instance",
];
const CONTAINER: &[&str] = &["k8s.container.name", "container", "container_name", "name"];

/// Pairs of labels of a call: who calls, who is called. Names of one line mean the same and are tried in order: Istio's
/// canonical services before its workloads, then service graphs of traces and plain words.
const CALLS: &[(&[&str], &[&str])] = &[
    (&["caller", "caller_service"], &["callee", "callee_service"]),
    (
        &[
            "source_canonical_service",
            "source_service_name",
            "source_service",
            "source_workload",
            "source_app",
            "source",
        ],
        &[
            "destination_canonical_service",
            "destination_service_name",
            "destination_service",
            "destination_workload",
            "destination_app",
            "destination",
        ],
    ),
    (&["client", "client_service"], &["server", "server_service"]),
];

/// Labels by which a service names what it calls.
const PEER: &[&str] = &[
    "peer.service",
    "peer_service",
    "upstream_service",
    "envoy_cluster_name",
    "upstream_cluster",
    "db.system",
    "db_system",
];

/// Whose a series is: the service that its labels name, else who is called if it is about a call, else application and
/// job, else what it runs on, else the beginning of the metric's name up to its first `_`, `.`, `:` or `/`. Empty only
/// if all of it is.
pub fn entity(metric: &str, labels: &[(String, String)]) -> String {
    let job = || value(labels, JOB).filter(|job| !is_carrier(job));
    let found = value(labels, SERVICE)
        .map(of_service)
        .or_else(|| call(labels).map(|(_, callee)| callee))
        .or_else(|| value(labels, APPLICATION))
        .or_else(job)
        .or_else(|| value(labels, HOST).map(without_port))
        .or_else(|| value(labels, POD))
        .or_else(|| value(labels, CONTAINER))
        .or_else(|| value(labels, JOB));
    found.unwrap_or_else(|| prefix(metric)).to_owned()
}

/// True for labels by which an entity is named, and which therefore limit it to nothing.
pub(super) fn names_entity(label: &str) -> bool {
    [SERVICE, APPLICATION, JOB].iter().any(|names| names.contains(&label))
}

/// Dependencies that the labels of one series tell, for the time in which it was seen, sorted: a service depends on its
/// pod, that on its host; who calls on who is called; who names a peer on it.
pub fn dependencies(labels: &[(String, String)], seen: Span) -> Vec<Dependency> {
    let mut pairs = BTreeSet::new();
    let service = value(labels, SERVICE)
        .map(of_service)
        .or_else(|| value(labels, APPLICATION))
        .or_else(|| value(labels, JOB).filter(|job| !is_carrier(job)));
    let on = [service, value(labels, POD), value(labels, HOST).map(without_port)];
    let on: Vec<&str> = on.into_iter().flatten().collect();
    pairs.extend(on.windows(2).map(|pair| (pair[0], pair[1])));
    pairs.extend(call(labels));
    if let (Some(service), Some(peer)) = (service, value(labels, PEER)) {
        pairs.insert((service, of_service(peer)));
    }
    let told = pairs.into_iter().filter(|(caller, callee)| caller != callee && seen.from < seen.until);
    told.map(|(caller, callee)| dependency(caller, callee, SOURCE, seen.from, seen.until)).collect()
}

/// Dependencies of many series, those of the same two once, over all the time in which one of them was seen. Linear in
/// the series up to a logarithm; at most `max`, those with the smallest names, and how many were left out.
pub fn all_dependencies<'a>(
    series: impl IntoIterator<Item = (&'a [(String, String)], Span)>,
    max: usize,
) -> (Vec<Dependency>, usize) {
    let mut all = std::collections::BTreeMap::new();
    for told in series.into_iter().flat_map(|(labels, seen)| dependencies(labels, seen)) {
        let span = all.entry((told.caller, told.callee)).or_insert((told.from, told.until));
        *span = (span.0.min(told.from), span.1.max(told.until));
    }
    let left_out = all.len().saturating_sub(max);
    let kept = all.into_iter().take(max);
    let kept =
        kept.map(|((caller, callee), (from, until))| dependency(&caller, &callee, SOURCE, from, until));
    (kept.collect(), left_out)
}

pub(super) fn dependency(
    caller: &str,
    callee: &str,
    source: &str,
    from: Timestamp,
    until: Timestamp,
) -> Dependency {
    Dependency {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        source: source.to_owned(),
        from,
        until,
    }
}

/// The value of the first of these labels that says something.
pub(super) fn value<'a>(labels: &'a [(String, String)], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let found = labels.iter().find(|(label, _)| label == name);
        found.and_then(|(_, value)| named(value))
    })
}

/// Caller and callee, if the labels are of a call.
pub fn call(labels: &[(String, String)]) -> Option<(&str, &str)> {
    CALLS.iter().find_map(|(callers, callees)| {
        Some((of_service(value(labels, callers)?), of_service(value(labels, callees)?)))
    })
}

/// The service of a name in a mesh: `reviews` of `outbound|9080||reviews.default.svc.cluster.local`.
fn of_service(name: &str) -> &str {
    let host = if name.contains('|') { name.rsplit('|').next().unwrap_or(name) } else { name };
    let short = host.split(".svc").next().filter(|short| short.len() < host.len());
    let short = short.map_or(host, |short| short.split('.').next().unwrap_or(short));
    if short.is_empty() { name } else { short }
}

/// `db-1` of `db-1:9187`; an address of IPv6 without brackets stays as it is.
fn without_port(instance: &str) -> &str {
    match instance.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty()
                && (!host.contains(':') || host.ends_with(']'))
                && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        _ => instance,
    }
}

fn prefix(metric: &str) -> &str {
    let metric = cut(metric.trim(), super::NAME_BYTES_MAX);
    let parts = metric.split(['_', '.', ':', '/']);
    parts.map(str::trim).find(|part| !part.is_empty()).unwrap_or(metric)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn labels(text: &str) -> Vec<(String, String)> {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn always() -> Span {
        Span { from: Timestamp(0), until: Timestamp(60) }
    }

    #[track_caller]
    fn check(cases: &[&str], expect: Expect) {
        let said = cases.iter().map(|case| {
            let labels = labels(case);
            let edges = dependencies(&labels, always());
            let edges: Vec<_> =
                edges.iter().map(|edge| format!("{} -> {}", edge.caller, edge.callee)).collect();
            format!("{case}: {} [{}]", entity("orders_total", &labels), edges.join(", "))
        });
        expect.assert_eq(&said.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn entities_and_dependencies_of_usual_labels() {
        check(
            &[
                "",
                "job=shop instance=a-1:9100",
                "job=node-exporter instance=[::1]:9100",
                "job=kubernetes-pods",
                "service=unknown app=web pod=web-5 node=n1 zone=b",
                "service.name=cart host.name=h1 peer.service=redis",
                "client=web server=pay",
                "client=user server=pay connection_type=",
                "caller=web callee=web",
                "reporter=source app=productpage source_workload=productpage-v1 source_canonical_service=productpage \
                 destination_canonical_service=reviews destination_service=reviews.default.svc.cluster.local",
                "app=web envoy_cluster_name=outbound|9080||reviews.default.svc.cluster.local",
                "container=sidecar pod=web-1",
            ],
            expect![[r#"
                : orders []
                job=shop instance=a-1:9100: shop [shop -> a-1]
                job=node-exporter instance=[::1]:9100: [::1] []
                job=kubernetes-pods: kubernetes-pods []
                service=unknown app=web pod=web-5 node=n1 zone=b: web [web -> web-5, web-5 -> n1]
                service.name=cart host.name=h1 peer.service=redis: cart [cart -> h1, cart -> redis]
                client=web server=pay: pay [web -> pay]
                client=user server=pay connection_type=: pay [user -> pay]
                caller=web callee=web: web []
                reporter=source app=productpage source_workload=productpage-v1 source_canonical_service=productpage destination_canonical_service=reviews destination_service=reviews.default.svc.cluster.local: reviews [productpage -> reviews]
                app=web envoy_cluster_name=outbound|9080||reviews.default.svc.cluster.local: web [web -> reviews]
                container=sidecar pod=web-1: web-1 []"#]],
        );
        assert_eq!(
            (entity("mysql.global.status", &[]), entity("", &[])),
            ("mysql".to_owned(), String::new())
        );
    }

    #[test]
    fn dependencies_of_many_series_are_joined_and_bounded() {
        let (one, other) = (labels("client=a server=b"), labels("client=b server=c"));
        let span = |from, until| Span { from: Timestamp(from), until: Timestamp(until) };
        let series = [(&one[..], span(5, 9)), (&other[..], span(0, 1)), (&one[..], span(1, 2))];
        let (all, left_out) = all_dependencies(series, 1);
        assert_eq!((all, left_out), (vec![dependency("a", "b", SOURCE, Timestamp(1), Timestamp(9))], 1));
        assert!(dependencies(&one, span(3, 3)).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_labels_changes_nothing(
            mut pairs in prop::collection::btree_map(
                prop::sample::select(vec!["service", "app", "job", "pod", "node", "instance", "client", "server", "x"]),
                "[a-c|.:]{0,4}", 0..6,
            ).prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()),
            metric: String,
        ) {
            let before = (entity(&metric, &pairs), dependencies(&pairs, always()));
            pairs.reverse();
            prop_assert_eq!(before, (entity(&metric, &pairs), dependencies(&pairs, always())));
        }

        #[test]
        fn no_text_panics(metric: String, pairs: Vec<(String, String)>, value: String) {
            let mut pairs = pairs;
            pairs.push(("instance".to_owned(), value.clone()));
            pairs.push(("service".to_owned(), value));
            prop_assert!(entity(&metric, &pairs).len() <= super::super::NAME_BYTES_MAX);
            dependencies(&pairs, always());
        }
    }
}
