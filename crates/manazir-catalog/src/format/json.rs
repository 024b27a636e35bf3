//! JSON: an object on each line, an array of objects, or an object of arrays.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor as SerdeVisitor};
use serde_json::Value;

use super::Visitor;
use super::csv::without_bom;
use super::lines::{Record, Records};
use crate::cell::{OwnedCell, Row};
use crate::rejects::Reason;

/// Members of an object as columns; members of members are joined by a dot.
pub(crate) struct Columns {
    index: HashMap<String, usize>,
    /// While discovering, a name that is not known becomes a column, up to the limit.
    grow_to: usize,
    /// Members met that are no column.
    pub(crate) unknown: u64,
}

impl Columns {
    /// The columns of a table that is known.
    pub(crate) fn fixed(names: &[String]) -> Self {
        let index = names.iter().enumerate().map(|(column, name)| (name.clone(), column)).collect();
        Self { index, grow_to: 0, unknown: 0 }
    }

    /// No column yet.
    pub(crate) fn growing(limit: usize) -> Self {
        Self { index: HashMap::new(), grow_to: limit, unknown: 0 }
    }

    /// The names in order of their first appearance.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.index.iter().map(|(name, &column)| (column, name.clone())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    fn column(&mut self, name: &str) -> Option<usize> {
        if let Some(&column) = self.index.get(name) {
            return Some(column);
        }
        if self.index.len() >= self.grow_to {
            self.unknown += 1;
            return None;
        }
        let column = self.index.len();
        self.index.insert(name.to_owned(), column);
        Some(column)
    }
}

/// The cells of one object.
#[derive(Default)]
struct ObjectRow<'a> {
    cells: Vec<OwnedCell>,
    raw: &'a [u8],
}

impl Row for ObjectRow<'_> {
    fn cell(&self, column: usize) -> crate::cell::Cell<'_> {
        self.cells.cell(column)
    }

    fn width(&self) -> usize {
        self.cells.len()
    }

    fn raw(&self) -> &[u8] {
        self.raw
    }
}

struct Member<'a> {
    columns: &'a mut Columns,
    cells: &'a mut Vec<OwnedCell>,
    path: &'a mut String,
}

impl Member<'_> {
    fn put(self, cell: OwnedCell) {
        let Some(column) = self.columns.column(self.path) else { return };
        if self.cells.len() <= column {
            self.cells.resize(column + 1, OwnedCell::Null);
        }
        self.cells[column] = cell;
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> SerdeVisitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.put(OwnedCell::Bool(value));
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.put(OwnedCell::Int(value));
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.put(i64::try_from(value).map_or(OwnedCell::Float(value as f64), OwnedCell::Int));
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.put(OwnedCell::Float(value));
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.put(OwnedCell::Text(value.into()));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.put(OwnedCell::Null);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        self.put(OwnedCell::Other);
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Member { columns, cells, path } = self;
        let length = path.len();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                path.push('.');
            }
            path.push_str(&name);
            map.next_value_seed(Member { columns, cells, path })?;
            path.truncate(length);
        }
        Ok(())
    }
}

/// Reads one object and hands it on, as a row or as a reject.
fn visit_object(
    line: u64,
    bytes: &[u8],
    columns: &mut Columns,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    if std::str::from_utf8(bytes).is_err() {
        return visitor.reject(line, Reason::Utf8, bytes);
    }
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return visitor.reject(line, Reason::Json("it does not begin with a brace".to_owned()), bytes);
    }
    let mut row = ObjectRow { cells: Vec::new(), raw: bytes };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut path = String::new();
    let member = Member { columns, cells: &mut row.cells, path: &mut path };
    match member.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
        Ok(()) => visitor.row(line, &row),
        Err(error) => visitor.reject(line, Reason::Json(error.to_string()), bytes),
    }
}

/// Reads a file with one object a line.
pub(crate) fn read_lines(
    input: impl Read,
    columns: &mut Columns,
    line_bytes_max: usize,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let mut records = Records::new(input, line_bytes_max, None);
    let mut last_line = 0;
    loop {
        match records.next() {
            Ok(None) => return ControlFlow::Continue(()),
            Ok(Some(Record::Text { line, bytes, .. } | Record::OpenQuote { line, bytes })) => {
                last_line = line;
                let bytes = if line == 1 { without_bom(bytes) } else { bytes };
                if !bytes.trim_ascii().is_empty() {
                    visit_object(line, bytes, columns, visitor)?;
                }
            }
            Ok(Some(Record::TooLong { line, head })) => {
                last_line = line;
                visitor.reject(line, Reason::TooLong, head)?;
            }
            Err(error) => return visitor.reject(last_line + 1, Reason::Damaged(error.to_string()), &[]),
        }
    }
}

/// Reads an array of objects element by element, so that one that is broken does not take the rest along.
pub(crate) fn read_array(
    input: impl Read,
    columns: &mut Columns,
    line_bytes_max: usize,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let mut elements = Elements::new(line_bytes_max);
    let mut input = input;
    let mut chunk = vec![0; 64 << 10];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                for &byte in &chunk[..read] {
                    if let Some((line, element)) = elements.push(byte) {
                        let flow = match element {
                            Element::Whole(bytes) => visit_object(line, bytes, columns, visitor),
                            Element::TooLong(head) => visitor.reject(line, Reason::TooLong, head),
                        };
                        flow?;
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                return visitor.reject(elements.line, Reason::Damaged(error.to_string()), &[]);
            }
        }
    }
    match elements.rest() {
        Some((line, bytes)) => {
            visitor.reject(line, Reason::Json("the file ends inside it".to_owned()), bytes)
        }
        None => ControlFlow::Continue(()),
    }
}

/// Finds the elements of the outermost array by counting braces outside of strings.
struct Elements {
    element: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    line: u64,
    began: u64,
    limit: usize,
    too_long: bool,
    done: bool,
}

enum Element<'a> {
    Whole(&'a [u8]),
    TooLong(&'a [u8]),
}

impl Elements {
    fn new(limit: usize) -> Self {
        Self {
            element: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            line: 1,
            began: 1,
            limit,
            too_long: false,
            done: true,
        }
    }

    fn push(&mut self, byte: u8) -> Option<(u64, Element<'_>)> {
        if self.done {
            self.element.clear();
            (self.done, self.too_long) = (false, false);
        }
        if byte == b'\n' {
            self.line += 1;
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            self.keep(byte);
            return None;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            // A brace too many must not close the array: the elements behind it are still good.
            b'}' => self.depth = self.depth.saturating_sub(1).max(self.depth.min(1)),
            b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // Depth 1 is the outer array; only its commas and its end separate elements.
        let outside = self.depth <= 1 && matches!(byte, b',' | b']') || (byte == b'[' && self.depth == 1);
        let ends = outside && !self.element.is_empty();
        let blank = byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(&byte);
        if !(outside || self.element.is_empty() && blank) {
            self.keep(byte);
        }
        if !ends {
            return None;
        }
        self.done = true;
        let element =
            if self.too_long { Element::TooLong(&self.element) } else { Element::Whole(&self.element) };
        Some((self.began, element))
    }

    fn keep(&mut self, byte: u8) {
        if self.element.is_empty() {
            self.began = self.line;
        }
        if self.element.len() < self.limit {
            self.element.push(byte);
        } else {
            self.too_long = true;
        }
    }

    fn rest(&self) -> Option<(u64, &[u8])> {
        (!self.done && !self.element.is_empty()).then_some((self.began, self.element.as_slice()))
    }
}

/// The columns of an object of arrays, or what it is instead.
pub(crate) fn columns_of(document: Value) -> Result<Vec<(String, Vec<OwnedCell>)>, String> {
    let Value::Object(members) = document else { return Err("not an object".to_owned()) };
    let mut columns = Vec::with_capacity(members.len());
    for (name, member) in members {
        let Value::Array(values) = member else { return Err(format!("member {name:?} is no array")) };
        let cells: Vec<_> = values.into_iter().map(cell_of).collect();
        if cells.iter().all(|cell| *cell == OwnedCell::Other) && !cells.is_empty() {
            return Err(format!("member {name:?} is an array of arrays or objects"));
        }
        columns.push((name, cells));
    }
    let rows = columns.first().map_or(0, |(_, cells)| cells.len());
    match columns.iter().find(|(_, cells)| cells.len() != rows) {
        Some((name, cells)) => Err(format!("its arrays differ in length ({name:?} has {})", cells.len())),
        None if rows == 0 => Err("it holds no rows".to_owned()),
        None => Ok(columns),
    }
}

fn cell_of(value: Value) -> OwnedCell {
    match value {
        Value::Null => OwnedCell::Null,
        Value::Bool(value) => OwnedCell::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => OwnedCell::Int(value),
            None => number.as_f64().map_or(OwnedCell::Null, OwnedCell::Float),
        },
        Value::String(text) => OwnedCell::Text(text.into()),
        Value::Array(_) | Value::Object(_) => OwnedCell::Other,
    }
}

/// Reads an object of arrays, which has to be held whole.
pub(crate) fn read_columns(
    input: impl Read,
    columns: &[String],
    bytes_max: usize,
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let found = match parse_columns(input, bytes_max) {
        Ok(found) => found,
        Err(message) => return visitor.reject(1, Reason::Damaged(message), &[]),
    };
    let rows = found.first().map_or(0, |(_, cells)| cells.len());
    let mut by_name: HashMap<_, _> = found.into_iter().collect();
    let ordered: Vec<_> = columns.iter().map(|name| by_name.remove(name).unwrap_or_default()).collect();
    for row in 0..rows {
        let cells: Vec<_> =
            ordered.iter().map(|cells| cells.get(row).cloned().unwrap_or(OwnedCell::Null)).collect();
        visitor.row(row as u64 + 1, &cells)?;
    }
    ControlFlow::Continue(())
}

/// Parses an object of arrays of at most `bytes_max`.
pub(crate) fn parse_columns(
    input: impl Read,
    bytes_max: usize,
) -> Result<Vec<(String, Vec<OwnedCell>)>, String> {
    let mut bytes = Vec::new();
    input.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > bytes_max {
        return Err(format!("an object of arrays larger than {bytes_max} bytes"));
    }
    let document = serde_json::from_slice(without_bom(&bytes)).map_err(|error| error.to_string())?;
    columns_of(document)
}
