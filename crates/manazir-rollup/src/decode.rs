//! A line of a stream, read into values.

use std::borrow::Cow;

use manazir_model::hash::{fnv1a, mixed};

use crate::spec::{Format, Source};
use crate::value::{Value, shown};

/// The hash that a [`Row`](crate::Row) has as its content: of the line as it stands. Never 0.
pub fn content_of(line: &[u8]) -> u64 {
    mixed(fnv1a(line.iter().copied())).max(1)
}

impl Source {
    /// The values of a line, one for each field; the error says for a person what is wrong.
    pub fn decode(&self, line: &[u8]) -> Result<Vec<Value>, String> {
        let line = std::str::from_utf8(line)
            .map_err(|error| format!("it is no UTF-8 from byte {} on", error.valid_up_to()))?;
        if line.is_empty() {
            return Err("it is empty".to_owned());
        }
        match self.format {
            Format::Csv => self.decode_csv(line),
            Format::Json => self.decode_json(line),
        }
    }

    fn decode_csv(&self, line: &str) -> Result<Vec<Value>, String> {
        let texts = split(line)?;
        if texts.len() != self.fields.len() {
            let (has, wants) = (texts.len(), self.fields.len());
            return Err(format!("it has {has} values, and {wants} are expected: {}", shown(line)));
        }
        self.fields.iter().zip(&texts).map(|(field, text)| Value::read(field, text)).collect()
    }

    fn decode_json(&self, line: &str) -> Result<Vec<Value>, String> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).map_err(|error| format!("it is no object of JSON: {error}"))?;
        let value = |field: &crate::spec::Field| {
            let text = match object.get(&field.name) {
                None | Some(serde_json::Value::Null) => return Err(format!("`{}` is missing", field.name)),
                Some(serde_json::Value::String(text)) => Cow::Borrowed(text.as_str()),
                Some(other) => Cow::Owned(other.to_string()),
            };
            Value::read(field, &text)
        };
        self.fields.iter().map(value).collect()
    }
}

/// The values of a line of CSV.
pub(crate) fn split(line: &str) -> Result<Vec<Cow<'_, str>>, String> {
    if !line.contains('"') {
        return Ok(line.split(',').map(Cow::Borrowed).collect());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    match reader.records().next() {
        Some(Ok(record)) => Ok(record.iter().map(|text| Cow::Owned(text.to_owned())).collect()),
        _ => Err(format!("it is no CSV: {}", shown(line))),
    }
}
