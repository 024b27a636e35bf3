//! Real programs that send to the service over a real socket: what they send arrives in the queue.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use common::{Service, secret};
use manazir_auth::Scope;
use manazir_ingest::{Format, Message};
use manazir_model::SeriesSamples;

/// The series of a message of samples; none if it is another.
fn series(message: &Message) -> Vec<SeriesSamples> {
    if message.format != Format::Samples {
        return Vec::new();
    }
    postcard::from_bytes(&message.body).unwrap()
}

fn of_metric(message: &Message, metric: &str) -> Option<SeriesSamples> {
    series(message).into_iter().find(|series| series.key.metric == metric)
}

fn label<'a>(series: &'a SeriesSamples, name: &str) -> Option<&'a str> {
    series.key.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
}

mod needs_prometheus {
    use manazir_testkit::prometheus::Prometheus;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_prometheus_writes_what_it_scrapes_here() {
        let mut service = Service::start(false).await;
        service.app.now = || jiff::Timestamp::now().into();
        let address = service.listen().await;
        let (ingest, read) = (secret(Scope::Ingest), secret(Scope::Read));
        let configuration = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs:\n  - job_name: manazir\n    authorization: {{credentials: '{}'}}\n\
             \x20   static_configs: [{{targets: ['{address}']}}]\n\
             remote_write:\n  - url: http://{address}/api/v1/ingest/prometheus\n    authorization: {{credentials: '{}'}}\n\
             \x20   queue_config: {{batch_send_deadline: 1s}}\n",
            read.reveal(),
            ingest.reveal(),
        );
        let prometheus =
            tokio::task::spawn_blocking(move || Prometheus::start(&configuration)).await.unwrap();
        let up = service.wait_for(|message| of_metric(message, "up")).await;
        assert_eq!(label(&up, "job"), Some("manazir"));
        assert_eq!(label(&up, "instance"), Some(address.as_str()));
        assert_eq!((up.kind, up.samples[0].value), (None, 1.0), "the scrape was answered");
        drop(prometheus);
    }
}

mod needs_alertmanager {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use manazir_ingest::decode;
    use manazir_testkit::alertmanager::Alertmanager;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_alertmanager_notifies_of_what_begins_and_ends() {
        let mut service = Service::start(false).await;
        service.app.now = || jiff::Timestamp::now().into();
        let address = service.listen().await;
        let configuration = format!(
            "route: {{receiver: manazir, group_wait: 1s, group_interval: 1s}}\n\
             receivers:\n  - name: manazir\n    webhook_configs:\n\
             \x20     - url: http://{address}/api/v1/ingest/alertmanager\n\
             \x20       http_config: {{authorization: {{credentials: '{}'}}}}\n",
            secret(Scope::Ingest).reveal(),
        );
        let peer = tokio::task::spawn_blocking(move || Alertmanager::start(&configuration)).await.unwrap();
        post(
            &peer.url(),
            r#"[{"labels": {"alertname": "Down", "job": "shop"}, "startsAt": "2023-06-23T16:23:18Z"}]"#,
        );
        let firing = service.wait_for(action).await;
        assert_eq!(firing, ("Down".to_owned(), "shop".to_owned(), "2023-06-23T16:23:18Z".to_owned()));
        // It tells of an end that it is told of itself.
        let ended = r#"[{"labels": {"alertname": "Down", "job": "shop"}, "startsAt": "2023-06-23T16:23:18Z", "endsAt": "2023-06-23T17:00:00Z"}]"#;
        post(&peer.url(), ended);
        let resolved =
            service.wait_for(|message| action(message).filter(|(action, ..)| action != "Down")).await;
        assert_eq!((resolved.0.as_str(), resolved.2.as_str()), ("Down resolved", "2023-06-23T17:00:00Z"));
    }

    fn action(message: &Message) -> Option<(String, String, String)> {
        assert_eq!(message.id.source, "alertmanager");
        let event = decode::event(message.format, &message.body).unwrap();
        Some((event.action.into_owned(), event.actor.into_owned(), event.at.to_string()))
    }

    fn post(url: &str, alerts: &str) {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "POST /api/v2/alerts HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{alerts}",
            alerts.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    }
}

mod needs_otel {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;

    /// The SDK as an application uses it, configured by the variables of its environment alone.
    const APPLICATION: &str = r#"
import logging
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
meter = meters.get_meter("app")
meter.create_counter("orders").add(3, {"country": "DE"})
meter.create_histogram("latency").record(0.25)
tracers = TracerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
with tracers.get_tracer("app").start_as_current_span("GET /orders/4711"):
    with tracers.get_tracer("app").start_as_current_span("query", attributes={"peer.service": "db"}):
        pass
loggers = LoggerProvider()
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logging.getLogger("payments").addHandler(LoggingHandler(logger_provider=loggers))
logging.getLogger("payments").error("cannot charge order %d", 4711)
for provider in (meters, tracers, loggers):
    assert provider.force_flush() is not False
    provider.shutdown()
"#;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_python_sdk_exports_metrics_traces_and_logs() {
        let mut service = Service::start(false).await;
        service.app.now = || jiff::Timestamp::now().into();
        let address = service.listen().await;
        let python = tokio::task::spawn_blocking(python).await.unwrap();
        let told = tokio::task::spawn_blocking(move || {
            Command::new(python)
                .args(["-c", APPLICATION])
                .env("OTEL_SERVICE_NAME", "shop")
                .env("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=1")
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}/api/v1/otlp"))
                .env(
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    format!("Authorization=Bearer%20{}", secret(Scope::Ingest).reveal()),
                )
                .output()
                .unwrap()
        });
        let told = told.await.unwrap();
        let said = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{said}");
        // The SDK does not fail when an export does; it says so.
        assert!(!said.contains("Failed to export"), "{said}");
        // An export may come in parts and be repeated at the end: what counts is all that ever came.
        let mut found = BTreeSet::new();
        service
            .wait_for(|message| {
                let series =
                    series(message).into_iter().map(|series| format!("{} {:?}", series.key, series.kind));
                found.extend(series);
                if message.format == Format::Generic {
                    let event = manazir_ingest::decode::event(message.format, &message.body).unwrap();
                    found.insert(format!("{} of {}", event.action, event.actor));
                }
                (found.len() == 17).then_some(())
            })
            .await;
        let found: Vec<String> = found.into_iter().collect();
        expect_test::expect![[r#"
            ERROR payments: cannot charge order of shop
            edge.count{callee=db, caller=shop} Some(Gauge)
            edge.duration_ms_max{callee=db, caller=shop} Some(Gauge)
            edge.duration_ms_mean{callee=db, caller=shop} Some(Gauge)
            edge.errors{callee=db, caller=shop} Some(Gauge)
            latency.count{service.instance.id=1, service.name=shop} Some(Counter)
            latency.mean{service.instance.id=1, service.name=shop} Some(Gauge)
            latency.sum{service.instance.id=1, service.name=shop} Some(Counter)
            orders{country=DE, service.instance.id=1, service.name=shop} Some(Counter)
            span.count{operation=GET /orders/*, service=shop} Some(Gauge)
            span.count{operation=query, service=shop} Some(Gauge)
            span.duration_ms_max{operation=GET /orders/*, service=shop} Some(Gauge)
            span.duration_ms_max{operation=query, service=shop} Some(Gauge)
            span.duration_ms_mean{operation=GET /orders/*, service=shop} Some(Gauge)
            span.duration_ms_mean{operation=query, service=shop} Some(Gauge)
            span.errors{operation=GET /orders/*, service=shop} Some(Gauge)
            span.errors{operation=query, service=shop} Some(Gauge)"#]]
        .assert_eq(&found.join("\n"));
    }

    /// A Python with the SDK: the one that the variable names, or an environment made here once.
    fn python() -> PathBuf {
        if let Some(python) = std::env::var_os("MANAZIR_OTEL_PYTHON") {
            return python.into();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("otel-python");
        let python = folder.join("bin/python");
        let has_sdk =
            || Command::new(&python).args(["-c", "import opentelemetry.exporter.otlp.proto.http"]).status();
        if !has_sdk().is_ok_and(|status| status.success()) {
            let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            let packages = ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"];
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages));
        }
        python
    }
}
