//! Prometheus remote write 1.0: a protobuf message in a block of snappy.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>. Labels become labels, `__name__` the metric; whether a
//! series is a counter follows from its name, because samples and metadata come in different requests. Markers of
//! staleness say that a series has ended; they are no samples and are passed over. Native histograms are not read.

use manazir_model::{Sample, SeriesKey, Timestamp};
use prost::Message;

use super::Error;
use super::samples::DecodedSamples;

/// A NaN that says that a series has ended.
const STALE: u64 = 0x7ff0_0000_0000_0002;

const NAME: &str = "__name__";

/// As `prometheus.WriteRequest` defines them; what is not named here is passed over.
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<WrittenSample>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WrittenSample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp_ms: i64,
}

/// Only that there is one.
#[derive(Clone, Copy, PartialEq, Message)]
struct Histogram {}

/// Reads a request as it comes, unpacking to `most` bytes at most; items are its series.
pub fn decode(packed: &[u8], most: usize) -> Result<DecodedSamples, Error> {
    let unreadable = |format, why: String| Error::Unreadable { format, why };
    let length =
        snap::raw::decompress_len(packed).map_err(|why| unreadable("a block of snappy", why.to_string()))?;
    if length > most {
        return Err(Error::TooLarge { most });
    }
    let bytes = snap::raw::Decoder::new()
        .decompress_vec(packed)
        .map_err(|why| unreadable("a block of snappy", why.to_string()))?;
    let request = WriteRequest::decode(bytes.as_slice())
        .map_err(|why| unreadable("a request of remote write 1.0", why.to_string()))?;
    let mut decoded = DecodedSamples::default();
    for (index, series) in request.timeseries.into_iter().enumerate() {
        if let Err(why) = add(series, &mut decoded) {
            decoded.rejects.push(Error::Wrong { item: index + 1, wrong: vec![why] });
        }
    }
    Ok(decoded)
}

fn add(series: TimeSeries, decoded: &mut DecodedSamples) -> Result<(), String> {
    if !series.histograms.is_empty() {
        return Err("native histograms are not read; classic ones are".to_owned());
    }
    let (names, labels): (Vec<Label>, Vec<Label>) =
        series.labels.into_iter().partition(|label| label.name == NAME);
    let more = names.len() > 1;
    let metric = names.into_iter().next().map_or_else(String::new, |label| label.value);
    let count = labels.len();
    let key = SeriesKey::new(metric, labels.into_iter().map(|label| (label.name, label.value)));
    if more || key.labels.len() < count {
        return Err("a label comes twice".to_owned());
    }
    let samples = series.samples.into_iter().filter(|sample| sample.value.to_bits() != STALE);
    let samples = samples.map(|sample| Sample {
        at: Timestamp(sample.timestamp_ms.saturating_mul(1_000)),
        value: sample.value,
    });
    decoded.add(key, None, samples)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::super::samples::show;
    use super::*;

    fn series(labels: &[(&str, &str)], samples: &[(f64, i64)]) -> TimeSeries {
        let label = |&(name, value): &(&str, &str)| Label { name: name.to_owned(), value: value.to_owned() };
        let sample = |&(value, timestamp_ms): &(f64, i64)| WrittenSample { value, timestamp_ms };
        TimeSeries {
            labels: labels.iter().map(label).collect(),
            samples: samples.iter().map(sample).collect(),
            histograms: Vec::new(),
        }
    }

    fn packed(timeseries: Vec<TimeSeries>) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(&WriteRequest { timeseries }.encode_to_vec()).unwrap()
    }

    fn example() -> Vec<u8> {
        let mut histogram = series(&[(NAME, "h")], &[]);
        histogram.histograms.push(Histogram {});
        packed(vec![
            series(
                &[(NAME, "up"), ("job", "a"), ("instance", "b:1")],
                &[(1.0, 1_687_537_398_000), (0.0, 1_687_537_413_000)],
            ),
            series(
                &[(NAME, "http_requests_total")],
                &[(f64::from_bits(STALE), 5), (f64::NAN, 1_687_537_398_250)],
            ),
            series(&[("job", "a")], &[(1.0, 1)]),
            series(&[(NAME, "twice"), ("a", "1"), ("a", "2")], &[(1.0, 1)]),
            histogram,
        ])
    }

    #[test]
    fn series_with_their_samples() {
        expect![[r#"
            up{instance=b:1, job=a} unsaid: 2023-06-23T16:23:18Z 1, 2023-06-23T16:23:33Z 0
            http_requests_total unsaid: 2023-06-23T16:23:18.25Z NaN
            ! item 3: the series has no name
            ! item 4: a label comes twice
            ! item 5: native histograms are not read; classic ones are"#]]
        .assert_eq(&show(&decode(&example(), 1 << 20).unwrap()));
    }

    #[test]
    fn what_cannot_be_read_is_refused_whole() {
        let said = |bytes: &[u8], most| decode(bytes, most).unwrap_err().to_string();
        let packed_text = snap::raw::Encoder::new().compress_vec(b"\x0aplain text").unwrap();
        let all = [said(&example(), 10), said(b"", 10), said(b"{}", 99), said(&packed_text, 99)].join("\n");
        expect![[r#"
            unpacks to more than the 10 bytes that are taken
            cannot be read as a block of snappy: snappy: corrupt input (empty)
            unpacks to more than the 99 bytes that are taken
            cannot be read as a request of remote write 1.0: failed to decode Protobuf message: WriteRequest.timeseries: buffer underflow"#]].assert_eq(&all);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, 1 << 16);
            let packed = snap::raw::Encoder::new().compress_vec(&bytes).unwrap();
            let _ = decode(&packed, 1 << 16);
        }

        #[test]
        fn no_damage_panics(at in 0usize..400, byte: u8) {
            let mut bytes = example();
            let length = bytes.len();
            bytes[at % length] = byte;
            let _ = decode(&bytes, 1 << 16);
        }
    }
}
