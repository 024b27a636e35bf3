//! Labels by which what a series is about is named, in the words of those who write series: OpenTelemetry, Prometheus,
//! Kubernetes. Root cause analysis names entities by them, and services get their owners by them: both must mean the same.

/// Labels that name a service, the surest first.
pub const SERVICE: &[&str] = &["service.name", "service_name", "service", "serviceName"];

/// Labels that name what a series is about when no label names a service, the surest first.
pub const APPLICATION: &[&str] = &[
    "app.kubernetes.io/name",
    "app_kubernetes_io_name",
    "label_app_kubernetes_io_name",
    "app",
    "application",
    "k8s.deployment.name",
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
];

/// The job of a scrape: a service as a rule, but see [`is_carrier`].
pub const JOB: &[&str] = &["job"];

/// Jobs, or the beginning of their names, that only carry what they tell of others.
const CARRIERS: &[&str] = &[
    "node",
    "kubelet",
    "cadvisor",
    "kubernetes",
    "kube-state",
    "blackbox",
    "integrations",
    "telegraf",
    "collectd",
];

/// True for a job that tells of hosts and containers, and is not what breaks itself.
pub fn is_carrier(job: &str) -> bool {
    CARRIERS.iter().any(|carrier| job.starts_with(carrier))
}
