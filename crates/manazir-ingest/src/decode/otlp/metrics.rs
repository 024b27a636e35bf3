//! Metrics: each data point one sample, or several if it is a distribution.
//!
//! A sum that is monotonic and cumulative is a counter; one that is a difference is a level. Of a histogram, an
//! exponential histogram and a summary come `NAME.count` and `NAME.sum`, counters if they are cumulative, and
//! `NAME.mean`, the mean of what the point tells of.

use std::collections::BTreeMap;

use manazir_model::{Sample, SeriesKey, SeriesKind};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, NumberDataPoint};

use super::super::samples::DecodedSamples;
use super::{Encoding, Error, attributes, read, time};

/// The flag of a point that says only that there is none.
const NO_VALUE: u32 = 1;

type Labels = BTreeMap<String, String>;

/// Reads an export of metrics; items are its data points.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<DecodedSamples, Error> {
    let request: ExportMetricsServiceRequest = read(bytes, encoding)?;
    let mut points = Points { decoded: DecodedSamples::default(), item: 0 };
    for of_resource in &request.resource_metrics {
        let labels = attributes::of_resource(of_resource.resource.as_ref());
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            points.metric(metric, &labels);
        }
    }
    Ok(points.decoded)
}

struct Points {
    decoded: DecodedSamples,
    item: usize,
}

/// Count and sum of a distribution.
struct Distribution<'a> {
    attributes: &'a [KeyValue],
    nanos: u64,
    flags: u32,
    count: u64,
    sum: Option<f64>,
}

impl Points {
    fn metric(&mut self, metric: &Metric, resource: &Labels) {
        let name = metric.name.as_str();
        match &metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    self.number(name, resource, SeriesKind::Gauge, point);
                }
            }
            Some(Data::Sum(sum)) => {
                let kind =
                    if sum.is_monotonic { counted(sum.aggregation_temporality) } else { SeriesKind::Gauge };
                for point in &sum.data_points {
                    self.number(name, resource, kind, point);
                }
            }
            Some(Data::Histogram(histogram)) => {
                let kind = counted(histogram.aggregation_temporality);
                for point in &histogram.data_points {
                    let (attributes, nanos, flags) =
                        (&point.attributes[..], point.time_unix_nano, point.flags);
                    let of = Distribution { attributes, nanos, flags, count: point.count, sum: point.sum };
                    self.distribution(name, resource, kind, &of);
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let kind = counted(histogram.aggregation_temporality);
                for point in &histogram.data_points {
                    let (attributes, nanos, flags) =
                        (&point.attributes[..], point.time_unix_nano, point.flags);
                    let of = Distribution { attributes, nanos, flags, count: point.count, sum: point.sum };
                    self.distribution(name, resource, kind, &of);
                }
            }
            Some(Data::Summary(summary)) => {
                for point in &summary.data_points {
                    let (attributes, nanos, flags) =
                        (&point.attributes[..], point.time_unix_nano, point.flags);
                    let of =
                        Distribution { attributes, nanos, flags, count: point.count, sum: Some(point.sum) };
                    self.distribution(name, resource, SeriesKind::Counter, &of);
                }
            }
        }
    }

    fn number(&mut self, name: &str, resource: &Labels, kind: SeriesKind, point: &NumberDataPoint) {
        let value = match point.value {
            _ if point.flags & NO_VALUE != 0 => return self.item += 1,
            Some(Value::AsDouble(value)) => Ok(value),
            // A counter beyond 2^53 loses its last digits, as in every other system that keeps doubles.
            Some(Value::AsInt(value)) => Ok(value as f64),
            None => Err("the point has no value".to_owned()),
        };
        let labels = labels(resource, &point.attributes);
        self.add(point.time_unix_nano, value.map(|value| vec![(name.to_owned(), kind, value)]), labels);
    }

    fn distribution(&mut self, name: &str, resource: &Labels, kind: SeriesKind, of: &Distribution<'_>) {
        if of.flags & NO_VALUE != 0 {
            return self.item += 1;
        }
        let count = of.count as f64;
        let mut values = vec![(format!("{name}.count"), kind, count)];
        if let Some(sum) = of.sum {
            values.push((format!("{name}.sum"), kind, sum));
            if of.count > 0 {
                values.push((format!("{name}.mean"), SeriesKind::Gauge, sum / count));
            }
        }
        self.add(of.nanos, Ok(values), labels(resource, of.attributes));
    }

    fn add(&mut self, nanos: u64, values: Result<Vec<(String, SeriesKind, f64)>, String>, labels: Labels) {
        self.item += 1;
        let added = values.and_then(|values| {
            let at = time(nanos).ok_or("the point has no time")?;
            values.into_iter().try_for_each(|(name, kind, value)| {
                self.decoded.add(SeriesKey::new(name, labels.clone()), Some(kind), [Sample { at, value }])
            })
        });
        if let Err(why) = added {
            self.decoded.rejects.push(Error::Wrong { item: self.item, wrong: vec![why] });
        }
    }
}

fn counted(temporality: i32) -> SeriesKind {
    let cumulative = AggregationTemporality::Cumulative as i32;
    if temporality == cumulative { SeriesKind::Counter } else { SeriesKind::Gauge }
}

/// Labels of the resource and of the point; of two with the same name that of the point wins.
fn labels(resource: &Labels, point: &[KeyValue]) -> Labels {
    let mut labels = resource.clone();
    labels.extend(attributes::labels(point));
    labels
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use prost::Message;

    use super::super::super::samples::show;
    use super::*;

    /// As the specification writes it, with each kind of metric.
    const EXPORT: &str = r#"{"resourceMetrics": [{
      "resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "process.pid", "value": {"intValue": "7"}}]},
      "scopeMetrics": [{"scope": {"name": "lib"}, "metrics": [
        {"name": "queue", "unit": "1", "gauge": {"dataPoints": [
          {"timeUnixNano": "1687537398000000000", "asDouble": 1.5, "attributes": [{"key": "q", "value": {"stringValue": "a"}}]},
          {"timeUnixNano": "1687537398000000000", "asInt": "7", "attributes": [{"key": "ok", "value": {"boolValue": true}}]},
          {"timeUnixNano": "1687537398000000000", "flags": 1},
          {"timeUnixNano": "1687537398000000000"},
          {"asDouble": 1}]}},
        {"name": "hits", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{"timeUnixNano": "1687537398000000000", "asInt": "12"}]}},
        {"name": "hits.delta", "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [{"timeUnixNano": "1687537398000000000", "asInt": "3"}]}},
        {"name": "open", "sum": {"aggregationTemporality": 2, "dataPoints": [{"timeUnixNano": 1687537398000000000, "asInt": -3}]}},
        {"name": "latency", "histogram": {"aggregationTemporality": 2, "dataPoints": [
          {"timeUnixNano": "1687537398000000000", "count": "4", "sum": 2.0, "bucketCounts": ["1", "3"], "explicitBounds": [0.1]}]}},
        {"name": "size", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [{"timeUnixNano": "1687537398000000000", "count": "0"}]}},
        {"name": "old", "summary": {"dataPoints": [{"timeUnixNano": "1687537398000000000", "count": "2", "sum": 3}]}},
        {"name": "nothing"}]}]}]}"#;

    #[test]
    fn each_kind_of_metric() {
        expect![[r#"
            queue{q=a, service.name=shop} Gauge: 2023-06-23T16:23:18Z 1.5
            queue{ok=true, service.name=shop} Gauge: 2023-06-23T16:23:18Z 7
            hits{service.name=shop} Counter: 2023-06-23T16:23:18Z 12
            hits.delta{service.name=shop} Gauge: 2023-06-23T16:23:18Z 3
            open{service.name=shop} Gauge: 2023-06-23T16:23:18Z -3
            latency.count{service.name=shop} Counter: 2023-06-23T16:23:18Z 4
            latency.sum{service.name=shop} Counter: 2023-06-23T16:23:18Z 2
            latency.mean{service.name=shop} Gauge: 2023-06-23T16:23:18Z 0.5
            size.count{service.name=shop} Gauge: 2023-06-23T16:23:18Z 0
            old.count{service.name=shop} Counter: 2023-06-23T16:23:18Z 2
            old.sum{service.name=shop} Counter: 2023-06-23T16:23:18Z 3
            old.mean{service.name=shop} Gauge: 2023-06-23T16:23:18Z 1.5
            ! item 4: the point has no value
            ! item 5: the point has no time"#]]
        .assert_eq(&show(&decode(EXPORT.as_bytes(), Encoding::Json).unwrap()));
    }

    #[test]
    fn protobuf_says_the_same_as_json() {
        let request: ExportMetricsServiceRequest = serde_json::from_str(EXPORT).unwrap();
        let protobuf = decode(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
        let json = decode(EXPORT.as_bytes(), Encoding::Json).unwrap();
        assert_eq!(show(&protobuf), show(&json));
        assert!(decode(b"{", Encoding::Json).is_err());
        assert!(decode(b"{", Encoding::Protobuf).is_err());
        assert!(decode(b"", Encoding::Protobuf).unwrap().series.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, Encoding::Json);
            let _ = decode(&bytes, Encoding::Protobuf);
        }

        #[test]
        fn no_damage_panics(at in 0usize..3000, byte: u8) {
            let request: ExportMetricsServiceRequest = serde_json::from_str(EXPORT).unwrap();
            for (mut bytes, encoding) in
                [(EXPORT.as_bytes().to_vec(), Encoding::Json), (request.encode_to_vec(), Encoding::Protobuf)]
            {
                let length = bytes.len();
                bytes[at % length] = byte;
                let _ = decode(&bytes, encoding);
            }
        }
    }
}
