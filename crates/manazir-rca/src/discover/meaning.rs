//! What a series measures, as [evidence](crate::evidence): told by its name and labels.

use manazir_model::{Direction, SeriesKey};

use super::{labels, types};
use crate::evidence::{Kind, Statistic};

/// What a value of a series stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What it measures.
    pub kind: Kind,
    /// How the values of a step become one.
    pub statistic: Statistic,
    /// Whose it is; of a call, the callee.
    pub entity: String,
    /// Of a call, who calls.
    pub caller: Option<String>,
    /// What statistics of one metric have in common.
    pub metric: String,
}

/// Ends of names that say which statistic of a metric a series is.
const STATISTICS: &[(&str, Statistic)] = &[
    ("_mean", Statistic::Mean),
    ("_avg", Statistic::Mean),
    ("_max", Statistic::Quantile),
    ("_min", Statistic::Quantile),
    ("_p50", Statistic::Quantile),
    ("_p90", Statistic::Quantile),
    ("_p95", Statistic::Quantile),
    ("_p99", Statistic::Quantile),
];

/// What a series means; `None` if its name says nothing of what it measures.
pub fn meaning(key: &SeriesKey) -> Option<Meaning> {
    let SeriesKey { metric, labels } = key;
    let entity = labels::entity(metric, labels);
    let caller = labels::call(labels).map(|(caller, _)| caller.to_owned());
    if let Some((kind, statistic, name)) = of_spans(metric, labels) {
        return Some(Meaning { kind, statistic, entity, caller, metric: name });
    }
    let kind = of_name(metric)?;
    let known = STATISTICS.iter().find_map(|(end, statistic)| Some((metric.strip_suffix(end)?, *statistic)));
    let (name, statistic) =
        known.unwrap_or((metric, if kind.is_count() { Statistic::Sum } else { Statistic::Mean }));
    // Series of one entity that differ in any other label are apart: one metric of each disk, queue or route.
    let limits: Vec<&str> = labels
        .iter()
        .filter(|(name, _)| !labels::names_entity(name))
        .map(|(_, value)| value.as_str())
        .collect();
    let name = if limits.is_empty() || caller.is_some() {
        name.to_owned()
    } else {
        format!("{name} {}", limits.join(" "))
    };
    Some(Meaning { kind, statistic, entity, caller, metric: name })
}

/// Summaries of spans, as they are made of traces: by operation (`span.count`) and by call (`edge.count`).
fn of_spans(metric: &str, labels: &[(String, String)]) -> Option<(Kind, Statistic, String)> {
    let operation = labels.iter().find(|(name, _)| name == "operation").map(|(_, value)| value.as_str());
    let (kind, statistic, name) = match (metric, operation) {
        ("span.count", Some(operation)) => (Kind::Operation, Statistic::Sum, operation.to_owned()),
        ("span.errors", Some(operation)) => (Kind::Log, Statistic::Sum, format!("errors of {operation}")),
        ("span.duration_ms_mean", Some(operation)) => (Kind::Latency, Statistic::Mean, operation.to_owned()),
        ("span.duration_ms_max", Some(operation)) => {
            (Kind::Latency, Statistic::Quantile, operation.to_owned())
        }
        ("edge.count", _) => (Kind::Traffic, Statistic::Sum, "calls".to_owned()),
        ("edge.errors", _) => (Kind::Log, Statistic::Sum, "failed calls".to_owned()),
        ("edge.duration_ms_mean", _) => (Kind::Latency, Statistic::Mean, "calls".to_owned()),
        ("edge.duration_ms_max", _) => (Kind::Latency, Statistic::Quantile, "calls".to_owned()),
        _ => return None,
    };
    Some((kind, statistic, name))
}

fn of_name(metric: &str) -> Option<Kind> {
    match types::of_metric(metric, Some(Direction::Up)) {
        "latency_spike" => Some(Kind::Latency),
        "error_spike" => Some(Kind::Log),
        "traffic_spike" => Some(Kind::Traffic),
        "high_cpu" | "high_memory" | "high_gc" | "disk_full" | "disk_slow" | "thread_pool_full"
        | "queue_lag" | "network_loss" | "cache_miss_spike" | "oom" | "db_slow" => Some(Kind::Resource),
        _ => (types::of_metric(metric, Some(Direction::Down)) == "availability_drop")
            .then_some(Kind::Availability),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_say_what_is_measured() {
        let check = |metric: &str, labels: &[(&str, &str)], expected: &str| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let told = meaning(&SeriesKey::new(metric, labels)).map(|told| {
                let caller = told.caller.map_or(String::new(), |caller| format!("{caller} -> "));
                format!("{:?} {:?} {caller}{}: {}", told.kind, told.statistic, told.entity, told.metric)
            });
            assert_eq!(told.unwrap_or_default(), expected);
        };
        let edge = [("caller", "web"), ("callee", "api")];
        check("edge.duration_ms_mean", &edge, "Latency Mean web -> api: calls");
        check("edge.count", &edge, "Traffic Sum web -> api: calls");
        let operation = [("service", "web"), ("operation", "GET /")];
        check("span.count", &operation, "Operation Sum web: GET /");
        check("cpu_usage", &[("service", "web")], "Resource Mean web: cpu_usage");
        check("request_latency_p95", &[("service", "web")], "Latency Quantile web: request_latency");
        check("http_5xx", &[("service", "web"), ("route", "/a")], "Log Sum web: http_5xx /a");
        check("availability", &[("service", "web")], "Availability Mean web: availability");
        check("temperature", &[("host", "a")], "");
    }
}
