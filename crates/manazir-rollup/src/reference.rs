//! Reference tables: what findings are joined with.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::split;
use crate::spec;
use crate::value::Value;

/// One table, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Rows by the text of their key.
    rows: HashMap<Arc<str>, Arc<[Value]>>,
    /// Keys in the order of the file.
    order: Vec<Arc<str>>,
}

/// Rows of a table that cannot be used: their lines, from 1 on, and what is wrong with them.
pub type Broken = Vec<(u64, String)>;

impl Reference {
    /// Reads a table from its CSV. What cannot be used is left out and told.
    pub fn read(spec: &spec::Reference, bytes: &[u8]) -> (Self, Broken) {
        let (mut table, mut broken) = (Self::default(), Broken::new());
        let key = spec.columns.iter().position(|column| column.name == spec.key).unwrap_or(0);
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        for (line, number) in lines.into_iter().zip(1_u64..).skip(usize::from(spec.header)) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let row = row(spec, line).and_then(|row| {
                let id: Arc<str> = row[key].to_string().into();
                if table.rows.contains_key(&id) {
                    return Err(format!("`{}` {id:?} is there already", spec.key));
                }
                Ok((id, row))
            });
            match row {
                Ok((id, row)) => {
                    table.order.push(Arc::clone(&id));
                    table.rows.insert(id, row.into());
                }
                Err(what) => broken.push((number, what)),
            }
        }
        (table, broken)
    }

    /// The row of a key.
    pub fn row(&self, key: &str) -> Option<&Arc<[Value]>> {
        self.rows.get(key)
    }

    /// All rows with their keys, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<[Value]>)> {
        self.order.iter().filter_map(|key| self.rows.get_key_value(key))
    }
}

fn row(spec: &spec::Reference, line: &[u8]) -> Result<Vec<Value>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "it is no UTF-8".to_owned())?;
    let texts = split(line)?;
    if texts.len() != spec.columns.len() {
        return Err(format!("it has {} values, and {} are expected", texts.len(), spec.columns.len()));
    }
    spec.columns.iter().zip(&texts).map(|(column, text)| Value::read(column, text)).collect()
}
