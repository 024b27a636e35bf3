//! Samples as comma-separated values.
//!
//! ```text
//! series,time,value,host
//! cpu,2023-06-23T16:23:18Z,1.5,a
//! ```
//!
//! The header names the columns: `series` or `metric`, `time` or `at`, `value`; all others are labels. An empty
//! value is a slot without a number, an empty label is none.

use csv::{ByteRecord, ReaderBuilder};
use manazir_model::{Sample, SeriesKey, SeriesKind};

use super::super::moment;
use super::{DecodedSamples, Error, LABELS_MAX};

/// Where each column stands.
struct Columns {
    series: usize,
    time: usize,
    value: usize,
    labels: Vec<(usize, String)>,
    count: usize,
}

/// Reads a table of samples; items are the rows after the header.
pub fn decode(bytes: &[u8]) -> DecodedSamples {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut decoded = DecodedSamples::default();
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
    let columns = match reader.byte_headers().map_err(|why| vec![why.to_string()]).and_then(columns) {
        Ok(columns) => columns,
        Err(why) => {
            decoded.rejects.push(Error::Unreadable { format: "CSV of samples", why: why.join("; ") });
            return decoded;
        }
    };
    let mut row = ByteRecord::new();
    loop {
        let item = decoded.next_item();
        match reader.read_byte_record(&mut row) {
            Ok(true) => decoded.push(item, sample(&columns, &row)),
            Ok(false) => return decoded,
            // Bytes in memory fail for no other reason than their form, and the reader is past it.
            Err(why) => decoded.rejects.push(Error::Wrong { item, wrong: vec![why.to_string()] }),
        }
    }
}

fn columns(header: &ByteRecord) -> Result<Columns, Vec<String>> {
    let mut names = Vec::with_capacity(header.len());
    for name in header {
        let name = std::str::from_utf8(name).map_err(|_| vec!["the header is not UTF-8".to_owned()])?;
        names.push(name.trim());
    }
    let mut wrong = Vec::new();
    let mut find = |wanted: [&str; 2]| {
        let found = names.iter().position(|name| wanted.iter().any(|one| name.eq_ignore_ascii_case(one)));
        found.unwrap_or_else(|| {
            wrong.push(format!("the header has no column `{}`", wanted[0]));
            usize::MAX
        })
    };
    let (series, time, value) = (find(["series", "metric"]), find(["time", "at"]), find(["value", "value"]));
    if names.len() > LABELS_MAX + 3 {
        wrong.push(format!("{} columns, more than {}", names.len(), LABELS_MAX + 3));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let labels =
        names.iter().enumerate().filter(|(at, name)| ![series, time, value].contains(at) && !name.is_empty());
    let labels = labels.map(|(at, name)| (at, (*name).to_owned())).collect();
    Ok(Columns { series, time, value, labels, count: names.len() })
}

fn sample(
    columns: &Columns,
    row: &ByteRecord,
) -> Result<(SeriesKey, Option<SeriesKind>, Sample), Vec<String>> {
    if row.len() != columns.count {
        return Err(vec![format!("{} fields; the header has {}", row.len(), columns.count)]);
    }
    let cell = |at: usize| std::str::from_utf8(row.get(at).unwrap_or_default()).map(str::trim);
    let not_text = |_| vec!["the row is not UTF-8".to_owned()];
    let metric = cell(columns.series).map_err(not_text)?;
    let mut wrong = Vec::new();
    let at = moment::of_text(cell(columns.time).map_err(not_text)?).unwrap_or_else(|| {
        wrong.push(format!("time is not {}", moment::WANTED));
        Default::default()
    });
    let value = match cell(columns.value).map_err(not_text)? {
        "" => f64::NAN,
        number => number.parse().unwrap_or_else(|_| {
            wrong.push("value is not a number".to_owned());
            f64::NAN
        }),
    };
    let mut labels = Vec::with_capacity(columns.labels.len());
    for (at, label) in &columns.labels {
        let value = cell(*at).map_err(not_text)?;
        if !value.is_empty() {
            labels.push((label.clone(), value.to_owned()));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok((SeriesKey::new(metric, labels), None, Sample { at, value }))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::super::show;
    use super::*;

    #[track_caller]
    fn check(table: &[u8], expect: Expect) {
        expect.assert_eq(&show(&decode(table)));
    }

    #[test]
    fn a_table_with_labels() {
        check(
            b"series,time,value,host,zone\ncpu,2023-06-23T16:23:18Z,1.5,a,\ncpu,1687537458,,a,\n\"hits_total\",1687537458000,7,\"b,c\",eu\n",
            expect![[r#"
                cpu{host=a} unsaid: 2023-06-23T16:23:18Z 1.5, 2023-06-23T16:24:18Z NaN
                hits_total{host=b,c, zone=eu} unsaid: 2023-06-23T16:24:18Z 7"#]],
        );
        check(b"\xef\xbb\xbfValue,At,Metric\r\n1,0,load\r\n", expect!["load unsaid: 1970-01-01T00:00:00Z 1"]);
    }

    #[test]
    fn what_is_wrong() {
        check(
            b"a,b\n1,2\n",
            expect![
                "! cannot be read as CSV of samples: the header has no column `series`; the header has no column `time`; the header has no column `value`"
            ],
        );
        check(
            b"",
            expect![
                "! cannot be read as CSV of samples: the header has no column `series`; the header has no column `time`; the header has no column `value`"
            ],
        );
        check(b"\xff,time,value\n", expect!["! cannot be read as CSV of samples: the header is not UTF-8"]);
        check(
            b"series,time,value\ncpu,0\n,0,1\ncpu,noon,many\ncpu,0,1,2\n\xff,0,1\ncpu,0,1\n",
            expect![[r#"
                cpu unsaid: 1970-01-01T00:00:00Z 1
                ! item 1: 2 fields; the header has 3
                ! item 2: the series has no name
                ! item 3: time is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970; value is not a number
                ! item 4: 4 fields; the header has 3
                ! item 5: the row is not UTF-8"#]],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut table = b"series,time,value,host\n".to_vec();
            table.extend(&bytes);
            decode(&table);
            decode(&bytes);
        }
    }
}
