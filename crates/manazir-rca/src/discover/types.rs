//! Which words of a name make which type of event: of metrics, alerts and actions, in one table each.
//!
//! A name is taken apart at everything that is no letter or digit and where a new word begins in capitals
//! (`KafkaConsumerLag`, `http_requests_5xx`). A word matches with or without an `s` at its end. The first line of a table
//! that matches decides; a name that is itself a type of the standard rules, or an alias of one, needs no table.

use std::sync::LazyLock;

use manazir_model::Direction;

use crate::events::RuleSet;

/// The type of a metric that moved and of which no line of the table speaks.
pub const OTHER: &str = "metric_shift";

/// The type of an alert of which no line of the table speaks.
pub const ALERT: &str = "alert";

/// One line: a name with one of the words `any`, and one of the words `with` if there are such, is of type `up` when what
/// it measures is above what was expected, and `down` below; an empty type leaves it to [`OTHER`].
struct Line {
    any: &'static [&'static str],
    with: &'static [&'static str],
    up: &'static str,
    down: &'static str,
}

const fn line(
    any: &'static [&'static str],
    with: &'static [&'static str],
    up: &'static str,
    down: &'static str,
) -> Line {
    Line { any, with, up, down }
}

/// What metrics and alerts speak of. What breaks stands before what it breaks: a latency of garbage collection is
/// garbage collection, a failed order is an error.
#[rustfmt::skip]
const SYMPTOMS: &[Line] = &[
    //   one of these words                                              and one of these          up                  down
    line(&["oom", "oomkilled", "oomkilling"],                            &[],                      "oom",              ""),
    line(&["restart", "restarted", "crash", "crashed", "crashloop", "crashlooping", "backoff", "reboot"], &[], "restart", ""),
    line(&["certificate", "cert", "tls", "ssl"],                         &["expiry", "expire", "expired", "expiring", "expiration", "invalid"], "certificate_expired", "certificate_expired"),
    line(&["clock", "ntp", "time"],                                      &["skew", "drift", "offset"], "clock_skew",   "clock_skew"),
    line(&["dns", "coredns"],                                            &["error", "fail", "failed", "failure", "servfail", "latency", "duration", "down"], "dns_failure", "dns_failure"),
    line(&["gc"],                                                        &[],                      "high_gc",          ""),
    line(&["cpu", "throttle", "throttled", "throttling", "load1", "load5", "load15"], &[],        "high_cpu",         ""),
    line(&["packet", "tcp", "network", "nic"],                           &["loss", "lost", "drop", "dropped", "retransmit", "retransmission", "error"], "network_loss", ""),
    line(&["disk", "filesystem", "volume", "storage", "pvc", "inode"],   &["full", "fill", "filling", "used", "usage", "utilization", "free", "avail", "available", "space", "capacity", "file"], "disk_full", ""),
    line(&["disk", "io", "iops", "iowait", "filesystem"],                &[],                      "disk_slow",        ""),
    line(&["cache"],                                                     &["miss", "eviction", "evicted"], "cache_miss_spike", ""),
    line(&["cache"],                                                     &["hit"],                 "",                 "cache_miss_spike"),
    line(&["thread", "connection", "conn", "pool", "worker"],            &["pool", "active", "busy", "pending", "waiting", "exhausted", "max", "full", "used"], "thread_pool_full", ""),
    line(&["lock", "deadlock"],                                          &[],                      "db_slow",          ""),
    line(&["slow"],                                                      &["query", "queries"],    "db_slow",          ""),
    line(&["memory", "mem", "rss", "heap", "swap"],                      &[],                      "high_memory",      ""),
    line(&["queue", "lag", "backlog"],                                   &[],                      "queue_lag",        ""),
    line(&["error", "err", "fail", "failed", "failing", "failure", "fault", "exception", "5xx", "500", "502", "503", "504", "rejected", "timeout", "aborted"], &[], "error_spike", ""),
    line(&["latency", "latencies", "duration", "response", "responsetime", "delay", "p50", "p90", "p95", "p99", "elapsed", "slow", "rtt"], &[], "latency_spike", ""),
    line(&["availability", "success", "successful", "up", "uptime", "healthy", "ready", "slo", "apdex"], &[], "",      "availability_drop"),
    line(&["order", "checkout", "revenue", "business", "sale", "payment", "purchase", "booking", "conversion", "gmv", "cart", "signup"], &[], "", "business_drop"),
    line(&["request", "throughput", "tps", "qps", "rps", "traffic", "call", "hit", "invocation", "transaction"], &[], "traffic_spike", "tps_drop"),
];

/// Of these, less is worse: a metric with such a word says the opposite of what its other words say.
const LEFT_OVER: &[&str] = &["free", "available", "avail", "idle", "remaining", "unused", "headroom"];

/// Words by which an alert says that what it speaks of is too low.
const TOO_LOW: &[&str] =
    &["low", "drop", "dropped", "down", "decrease", "decreased", "missing", "below", "no", "fell"];

/// Alerts on an entity that does not answer, once nothing else is known of them.
#[rustfmt::skip]
const SILENCE: &[Line] = &[
    line(&["node", "host", "machine", "server"],                         &["down", "unreachable", "lost", "dead", "ready", "offline"], "host_down", "host_down"),
    line(&["probe", "unhealthy", "healthcheck", "liveness", "readiness"], &[],                     "probe_failed",     "probe_failed"),
    line(&["down", "unreachable", "absent", "missing", "offline", "unavailable", "dead", "disappeared", "ready"], &[], "availability_drop", "availability_drop"),
];

/// What people and their machines do.
#[rustfmt::skip]
const DEEDS: &[Line] = &[
    line(&["rollback", "rolledback", "revert", "reverted", "deploy", "deployed", "deployment", "rollout", "release", "released", "publish", "published", "promote", "promoted", "upgrade", "upgraded"], &[], "deploy", ""),
    line(&["flag", "toggle", "toggled", "feature", "experiment"],        &[],                      "feature_toggle",   ""),
    line(&["migration", "migrate", "migrated", "schema", "ddl"],         &[],                      "schema_change",    ""),
    line(&["scale", "scaled", "scaling", "autoscaling", "autoscale", "resize", "resized", "replica"], &[], "scale_change", ""),
    line(&["restart", "restarted", "reboot", "rebooted", "crash", "crashed"], &[],                 "restart",          ""),
    line(&["config", "configuration", "configmap", "setting", "secret", "parameter", "policy"], &[], "config_change",   ""),
    line(&["script", "cron", "cronjob", "batch", "job", "command", "playbook", "runbook"], &["run", "ran", "start", "started", "execute", "executed", "send", "script", "cron", "cronjob", "batch"], "script_run", ""),
];

/// Words by which a deed goes back to what was before.
const BACK: &[&str] = &["rollback", "rolledback", "revert", "reverted", "undo"];

/// Words of an action that only looks.
const LOOKS: &[&str] =
    &["get", "list", "describe", "head", "read", "view", "viewed", "search", "lookup", "query", "fetch"];

/// The type of an episode of a metric. Without a direction, as for a strange shape, it is [`OTHER`].
pub fn of_metric(name: &str, direction: Option<Direction>) -> &'static str {
    let words = words(name);
    let Some(direction) = direction else { return OTHER };
    let left_over = words.iter().any(|word| is_one_of(word, LEFT_OVER));
    let worse = if left_over { opposite(direction) } else { direction };
    of_lines(SYMPTOMS, &words, worse).unwrap_or(OTHER)
}

/// The type of an alert.
pub fn of_alert(name: &str) -> &'static str {
    if let Some(known) = standard(name) {
        return known;
    }
    let words = words(name);
    let low = words.iter().any(|word| is_one_of(word, TOO_LOW));
    let left_over = words.iter().any(|word| is_one_of(word, LEFT_OVER));
    // An alert on free memory says that it is low even where it does not say so.
    let direction = if low && !left_over { Direction::Down } else { Direction::Up };
    of_lines(SYMPTOMS, &words, direction)
        .or_else(|| of_lines(SILENCE, &words, direction))
        .or_else(|| of_lines(SYMPTOMS, &words, opposite(direction)))
        .unwrap_or(ALERT)
}

/// The type of what somebody did; `None` if it only looked or the table does not know it.
pub fn of_deed(action: &str) -> Option<&'static str> {
    let words = words(action);
    if words.iter().any(|word| is_one_of(word, LOOKS)) {
        return None;
    }
    standard(action).or_else(|| of_lines(DEEDS, &words, Direction::Up))
}

/// True if a deed goes back to what was before.
pub fn goes_back(action: &str) -> bool {
    words(action).iter().any(|word| is_one_of(word, BACK))
}

/// True if an action only looks, as far as its words say.
pub fn only_looks(action: &str) -> bool {
    words(action).first().is_some_and(|word| is_one_of(word, LOOKS))
}

/// The type of the standard rules that a name or its words spell.
fn standard(name: &str) -> Option<&'static str> {
    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::standard);
    let spelled = words(name).join("_");
    RULES.type_named(name).or_else(|| RULES.type_named(&spelled)).map(|id| RULES.type_name(id))
}

fn of_lines(lines: &'static [Line], words: &[String], direction: Direction) -> Option<&'static str> {
    let holds = |these: &[&str]| words.iter().any(|word| is_one_of(word, these));
    let found = lines.iter().filter(|line| holds(line.any) && (line.with.is_empty() || holds(line.with)));
    let of_line = |line: &'static Line| match direction {
        Direction::Up => line.up,
        Direction::Down => line.down,
    };
    found.map(of_line).next().filter(|known| !known.is_empty())
}

fn is_one_of(word: &str, these: &[&str]) -> bool {
    these.iter().any(|this| word == *this || word.strip_suffix('s') == Some(this))
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}

/// Words of a name in lower case, at most 32.
pub(super) fn words(name: &str) -> Vec<String> {
    const WORDS_MAX: usize = 32;
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut letters = super::cut(name, super::NAME_BYTES_MAX).chars().peekable();
    while let Some(letter) = letters.next() {
        let next_is_small = letters.peek().is_some_and(|next| next.is_lowercase());
        // `KafkaLag` and the S of `HTTPServer`, but not the s of `5XXs`.
        let begins =
            letter.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.truncate(WORDS_MAX);
    words
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(of: impl Fn(&str) -> String, names: &[&str], expect: Expect) {
        let lines: Vec<String> = names.iter().map(|name| format!("{name}: {}", of(name))).collect();
        expect.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn metrics_up_and_down() {
        let of = |name: &str| {
            format!("{} | {}", of_metric(name, Some(Direction::Up)), of_metric(name, Some(Direction::Down)))
        };
        check(
            of,
            &[
                "http_request_duration_seconds",
                "http.server.request.duration",
                "http_requests_total",
                "http_requests_5xx",
                "orders",
                "orders_failed_total",
                "checkoutLatencyP99",
                "jvm_gc_pause_seconds",
                "process_cpu_seconds_total",
                "node_cpu_idle",
                "container_memory_rss",
                "node_memory_MemAvailable_bytes",
                "node_filesystem_avail_bytes",
                "node_disk_io_time_seconds",
                "kafka_consumer_lag",
                "up",
                "success_rate",
                "kube_pod_container_status_restarts_total",
                "cache_hits",
                "temperature",
            ],
            expect![[r#"
                http_request_duration_seconds: latency_spike | metric_shift
                http.server.request.duration: latency_spike | metric_shift
                http_requests_total: traffic_spike | tps_drop
                http_requests_5xx: error_spike | metric_shift
                orders: metric_shift | business_drop
                orders_failed_total: error_spike | metric_shift
                checkoutLatencyP99: latency_spike | metric_shift
                jvm_gc_pause_seconds: high_gc | metric_shift
                process_cpu_seconds_total: high_cpu | metric_shift
                node_cpu_idle: metric_shift | high_cpu
                container_memory_rss: high_memory | metric_shift
                node_memory_MemAvailable_bytes: metric_shift | high_memory
                node_filesystem_avail_bytes: metric_shift | disk_full
                node_disk_io_time_seconds: disk_slow | metric_shift
                kafka_consumer_lag: queue_lag | metric_shift
                up: metric_shift | availability_drop
                success_rate: metric_shift | availability_drop
                kube_pod_container_status_restarts_total: restart | metric_shift
                cache_hits: metric_shift | cache_miss_spike
                temperature: metric_shift | metric_shift"#]],
        );
        assert_eq!(of_metric("latency", None), OTHER);
    }

    #[test]
    fn alerts_by_their_names() {
        check(
            |name| of_alert(name).to_owned(),
            &[
                "HighErrorRate",
                "KubePodCrashLooping",
                "KubePodNotReady",
                "InstanceDown",
                "NodeDown",
                "KubeNodeNotReady",
                "NodeFilesystemAlmostOutOfSpace",
                "NodeMemoryLow",
                "LowFreeMemory",
                "CPUThrottlingHigh",
                "HTTPLatencyHigh",
                "OrdersDropped",
                "NoTraffic",
                "TrafficHigh",
                "KafkaConsumerLag",
                "CertificateExpiringSoon",
                "NodeClockSkewDetected",
                "PostgresDeadlocks",
                "memory_leak",
                "ProbeFailed",
                "SomethingElse",
            ],
            expect![[r#"
                HighErrorRate: error_spike
                KubePodCrashLooping: restart
                KubePodNotReady: availability_drop
                InstanceDown: availability_drop
                NodeDown: host_down
                KubeNodeNotReady: host_down
                NodeFilesystemAlmostOutOfSpace: disk_full
                NodeMemoryLow: high_memory
                LowFreeMemory: high_memory
                CPUThrottlingHigh: high_cpu
                HTTPLatencyHigh: latency_spike
                OrdersDropped: business_drop
                NoTraffic: tps_drop
                TrafficHigh: traffic_spike
                KafkaConsumerLag: queue_lag
                CertificateExpiringSoon: certificate_expired
                NodeClockSkewDetected: clock_skew
                PostgresDeadlocks: db_slow
                memory_leak: high_memory
                ProbeFailed: probe_failed
                SomethingElse: alert"#]],
        );
    }

    #[test]
    fn deeds_by_their_words() {
        check(
            |name| of_deed(name).unwrap_or("nothing").to_owned(),
            &[
                "deploy",
                "com.github.deployment.created",
                "dev.cdevents.service.rolledback.0.1.1",
                "feature_flag.updated",
                "flag_change",
                "config.changed",
                "GET /config",
                "list deployments",
                "db.migration.finished",
                "ran script",
                "job.listed",
                "scale",
                "login",
                "",
            ],
            expect![[r#"
                deploy: deploy
                com.github.deployment.created: deploy
                dev.cdevents.service.rolledback.0.1.1: deploy
                feature_flag.updated: feature_toggle
                flag_change: feature_toggle
                config.changed: config_change
                GET /config: nothing
                list deployments: nothing
                db.migration.finished: schema_change
                ran script: script_run
                job.listed: nothing
                scale: scale_change
                login: nothing
                : nothing"#]],
        );
        assert!(goes_back("service.rolledback") && !goes_back("deploy"));
    }

    #[test]
    fn every_type_of_the_tables_is_one_of_the_standard_rules() {
        let rules = RuleSet::standard();
        for line in SYMPTOMS.iter().chain(SILENCE).chain(DEEDS) {
            for name in [line.up, line.down].into_iter().filter(|name| !name.is_empty()) {
                let known = rules.type_named(name).map(|id| rules.type_name(id));
                assert_eq!(known, Some(name));
            }
        }
        assert!(rules.type_named(OTHER).is_some() && rules.type_named(ALERT).is_some());
    }

    proptest! {
        #[test]
        fn any_name_has_a_type(name: String) {
            prop_assert!(words(&name).len() <= 32);
            of_alert(&name);
            of_deed(&name);
            of_metric(&name, Some(Direction::Down));
        }
    }
}
