//! Separated values: fields of a record without a `String` for each.

use std::io::Read;
use std::ops::ControlFlow;

use super::Visitor;
use super::lines::{Record, Records};
use crate::cell::{Cell, Row};
use crate::rejects::Reason;

/// Cuts records into fields; keeps its buffers from one record to the next.
#[derive(Default)]
pub(crate) struct Fields {
    /// Start and end of each field, in the record or, where it has quotes, in `unquoted`.
    ranges: Vec<(u32, u32)>,
    unquoted: String,
}

struct CsvRow<'a> {
    raw: &'a str,
    text: &'a str,
    ranges: &'a [(u32, u32)],
}

impl Row for CsvRow<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        match self.ranges.get(column) {
            Some(&(start, end)) => Cell::Text(&self.text[start as usize..end as usize]),
            None => Cell::Null,
        }
    }

    fn width(&self) -> usize {
        self.ranges.len()
    }

    fn raw(&self) -> &[u8] {
        self.raw.as_bytes()
    }
}

impl Fields {
    /// Cuts `record`; the fields are then found by [`Fields::get`].
    pub(crate) fn cut(&mut self, record: &str, delimiter: u8, quoted: bool) {
        self.ranges.clear();
        if quoted {
            return self.cut_quoted(record, delimiter);
        }
        let mut start = 0;
        for end in memchr::memchr_iter(delimiter, record.as_bytes()) {
            self.ranges.push((start, end as u32));
            start = end as u32 + 1;
        }
        self.ranges.push((start, record.len() as u32));
    }

    /// RFC 4180: a field in quotes may hold delimiters, line ends and doubled quotes.
    fn cut_quoted(&mut self, record: &str, delimiter: u8) {
        self.unquoted.clear();
        let mut start = 0;
        let mut characters = record.chars().peekable();
        let mut inside = false;
        let mut field_start = true;
        while let Some(character) = characters.next() {
            match character {
                '"' if inside && characters.peek() == Some(&'"') => {
                    characters.next();
                    self.unquoted.push('"');
                }
                '"' if inside => inside = false,
                '"' if field_start => inside = true,
                other if !inside && other == char::from(delimiter) => {
                    self.ranges.push((start, self.unquoted.len() as u32));
                    start = self.unquoted.len() as u32;
                    field_start = true;
                    continue;
                }
                other => self.unquoted.push(other),
            }
            field_start = false;
        }
        self.ranges.push((start, self.unquoted.len() as u32));
    }

    fn row<'a>(&'a self, record: &'a str, quoted: bool) -> CsvRow<'a> {
        CsvRow { raw: record, text: if quoted { &self.unquoted } else { record }, ranges: &self.ranges }
    }

    /// Number of fields of the last record.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The fields of the last record as texts.
    pub(crate) fn texts<'a>(&'a self, record: &'a str, quoted: bool) -> impl Iterator<Item = &'a str> {
        let text = if quoted { self.unquoted.as_str() } else { record };
        self.ranges.iter().map(|&(start, end)| &text[start as usize..end as usize])
    }
}

/// Reads all rows of a file with `columns` columns. Blank lines and lines that begin with `#` before the
/// header are passed over. A stream that breaks is reported once, as a reject.
pub(crate) fn read(
    input: impl Read,
    delimiter: u8,
    header: bool,
    columns: usize,
    line_bytes_max: usize,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let mut records = Records::new(input, line_bytes_max, Some(delimiter));
    let mut fields = Fields::default();
    let mut header_to_come = header;
    let mut preamble = true;
    let mut last_line = 0;
    loop {
        let record = match records.next() {
            Ok(Some(record)) => record,
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => return visitor.reject(last_line + 1, Reason::Damaged(error.to_string()), &[]),
        };
        match record {
            Record::TooLong { line, head } => {
                last_line = line;
                visitor.reject(line, Reason::TooLong, head)?;
            }
            Record::OpenQuote { line, bytes } => {
                last_line = line;
                visitor.reject(line, Reason::OpenQuote, bytes)?;
            }
            Record::Text { line, bytes, quoted } => {
                last_line = line;
                let bytes = if line == 1 { without_bom(bytes) } else { bytes };
                // With one column a blank line is a row without a value.
                let blank = bytes.trim_ascii().is_empty() && (columns > 1 || preamble);
                if blank || (preamble && bytes.starts_with(b"#")) {
                    continue;
                }
                preamble = false;
                if std::mem::take(&mut header_to_come) {
                    continue;
                }
                let Ok(text) = std::str::from_utf8(bytes) else {
                    visitor.reject(line, Reason::Utf8, bytes)?;
                    continue;
                };
                fields.cut(text, delimiter, quoted);
                if !fits(&fields, text, quoted, columns) {
                    let reason = Reason::FieldCount { expected: columns, found: fields.len() };
                    visitor.reject(line, reason, bytes)?;
                    continue;
                }
                visitor.row(line, &fields.row(text, quoted))?;
            }
        }
    }
}

/// A delimiter at the end of the line, with nothing behind it, makes no field.
fn fits(fields: &Fields, text: &str, quoted: bool, columns: usize) -> bool {
    fields.len() == columns
        || (fields.len() == columns + 1 && fields.texts(text, quoted).last().is_some_and(str::is_empty))
}

/// Without the byte order mark that some editors put before UTF-8.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_and_without_quotes() {
        let check = |record: &str, expected: &[&str]| {
            let mut fields = Fields::default();
            fields.cut(record, b',', record.contains('"'));
            assert_eq!(fields.texts(record, record.contains('"')).collect::<Vec<_>>(), expected);
        };
        check("", &[""]);
        check("a,,c", &["a", "", "c"]);
        check("\"a,b\",\"say \"\"hi\"\"\",ü", &["a,b", "say \"hi\"", "ü"]);
        check("5\" pipe,\"x\ny\"", &["5\" pipe", "x\ny"]);
    }
}
