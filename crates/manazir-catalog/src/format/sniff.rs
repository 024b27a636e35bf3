//! What a file is, judged by its bytes.

use super::Format;
use super::csv::{Fields, without_bom};
use crate::cell::Cell;
use crate::time::text::looks_like_time;

/// Delimiters in order of preference among equals.
const DELIMITERS: [u8; 4] = *b",\t;|";

/// Lines that decide about the delimiter.
const LINES_MAX: usize = 200;

/// Share of lines that must have the usual number of fields for text to be a table.
const REGULAR_SHARE: f64 = 0.9;

/// Judges the decoded `head` of a text file. `whole` is true if the file ends with it; `named_table` if the
/// name ends as that of a table does, which lets a single column count as one.
pub(crate) fn sniff(head: &[u8], whole: bool, named_table: bool) -> Result<Format, String> {
    let head = without_bom(head);
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err("UTF-16 text; save it as UTF-8".to_owned());
    }
    if head.iter().take(4_096).any(|&byte| byte == 0) {
        return Err("binary".to_owned());
    }
    let text = head.trim_ascii_start();
    match text.first() {
        None => Err("empty".to_owned()),
        Some(b'[') => match text[1..].trim_ascii_start().first() {
            Some(b'{') => Ok(Format::JsonArray),
            _ => sniff_separated(head, whole, named_table)
                .map_err(|_| "a JSON array of something other than objects".to_owned()),
        },
        Some(b'{') => sniff_object(text),
        Some(_) => sniff_separated(head, whole, named_table),
    }
}

/// An object that ends on the first line is followed by others: NDJSON.
fn sniff_object(text: &[u8]) -> Result<Format, String> {
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
    let rest = &text[first.len()..];
    if serde_json::from_slice::<serde_json::Value>(first).is_ok_and(|value| !is_table(&value)) {
        return Ok(Format::Ndjson);
    }
    if rest.trim_ascii_start().starts_with(b"{") {
        // Two objects one after the other; the first is broken.
        return Ok(Format::Ndjson);
    }
    Ok(Format::JsonColumns)
}

fn is_table(value: &serde_json::Value) -> bool {
    value.as_object().is_some_and(|members| {
        !members.is_empty()
            && members.values().all(|member| member.as_array().is_some_and(|all| all.len() > 1))
    })
}

fn sniff_separated(head: &[u8], whole: bool, named_table: bool) -> Result<Format, String> {
    // The last line may be cut off.
    let end = if whole { head.len() } else { memchr::memrchr(b'\n', head).unwrap_or(head.len()) };
    let text = String::from_utf8_lossy(&head[..end]);
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| line.trim().is_empty() || line.starts_with('#'))
        .filter(|line| !line.trim().is_empty())
        .take(LINES_MAX)
        .collect();
    if lines.is_empty() {
        return Err("no line of text".to_owned());
    }
    let mut best: Option<(f64, usize, u8)> = None;
    for delimiter in DELIMITERS {
        let (share, fields) = regularity(&lines, delimiter);
        let better = best.is_none_or(|(best_share, best_fields, _)| {
            fields > 1 && (best_fields == 1 || (share * fields as f64) > best_share * best_fields as f64)
        });
        if better {
            best = Some((share, fields, delimiter));
        }
    }
    let (share, fields, delimiter) = best.unwrap_or((0.0, 0, b','));
    let enough = if named_table { 0.5 } else { REGULAR_SHARE };
    if share < enough || (!named_table && (fields < 2 || lines.len() < 2)) {
        return Err("text, but no table: its lines have no common number of fields".to_owned());
    }
    let header = has_header(&lines, delimiter);
    if fields == 1 && !header && lines.iter().all(|line| Cell::Text(line).trimmed().number(false).is_none()) {
        return Err("lines of text without fields".to_owned());
    }
    Ok(Format::Csv { delimiter: char::from(delimiter), header })
}

/// Share of lines with the most frequent number of fields, and that number.
fn regularity(lines: &[&str], delimiter: u8) -> (f64, usize) {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    let mut fields = Fields::default();
    for line in lines {
        fields.cut(line, delimiter, line.contains('"'));
        *counts.entry(fields.len()).or_default() += 1;
    }
    let (fields, lines_with) =
        counts.into_iter().max_by_key(|&(fields, lines)| (lines, fields)).unwrap_or((0, 0));
    (lines_with as f64 / lines.len() as f64, fields)
}

/// A first line that holds a number or a time is data; one of words above numbers names the columns.
fn has_header(lines: &[&str], delimiter: u8) -> bool {
    let mut fields = Fields::default();
    let mut cut = |line: &str| -> Vec<String> {
        fields.cut(line, delimiter, line.contains('"'));
        fields.texts(line, line.contains('"')).map(|field| field.trim().to_owned()).collect()
    };
    let first = cut(lines[0]);
    let is_data = |field: &String| {
        Cell::Text(field).number(false).is_some_and(|number| !number.is_nan()) || looks_like_time(field)
    };
    // `0,1,2`: what pandas writes above columns without names.
    let numbered =
        first.len() > 2 && first.iter().enumerate().all(|(column, name)| *name == column.to_string());
    if first.iter().any(is_data) && !numbered {
        return false;
    }
    let mut names: Vec<&String> = first.iter().filter(|name| !name.is_empty()).collect();
    let named = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < named {
        return false;
    }
    // Words above words: a value of the first line that comes again in its column is no name.
    let rest: Vec<Vec<String>> = lines[1..].iter().take(50).map(|line| cut(line)).collect();
    if rest.iter().flatten().any(is_data) {
        return true;
    }
    let comes_again = |(column, name): (usize, &String)| rest.iter().any(|row| row.get(column) == Some(name));
    !first.iter().enumerate().any(comes_again)
}
