//! The tables of a rollup: their names, which are checked here once and for all, their columns and keys.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use manazir_rollup::aggregate::Wanted;
use manazir_rollup::{Key, KeyType, Shape, TotalsShape};
use sqlx::MySql;
use sqlx::query_builder::Separated;

use crate::failure::Refusal;
use crate::insert::Insert;

/// What was counted, of all rollups of a database.
pub(crate) const SEEN: &str = "manazir_rollup_seen";

/// The further columns' cells, of all rollups of a database that have such columns.
pub(crate) const CELLS: &str = "manazir_rollup_cell";

/// A row for each rollup of a database.
pub(crate) const GATES: &str = "manazir_rollup_gate";

/// The collation of all that is told apart by its bytes: neither case nor a space at the end is overlooked.
pub(crate) const BINARY: &str = "utf8mb4_nopad_bin";

const ENGINE: &str = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4";

/// The longest key, source and name of a rollup, in bytes.
const TEXT_MAX: usize = 255;

/// The longest name of a table or a column.
const NAME_MAX: usize = 64;

/// A key as the tables hold it, and in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Id {
    Integer(i64),
    Text(Arc<str>),
}

impl Id {
    /// Adds it to a row of a statement.
    pub(crate) fn bind(&self, row: &mut Separated<'_, MySql, &'static str>) {
        match self {
            Self::Integer(number) => row.push_bind(*number),
            Self::Text(text) => row.push_bind(Arc::clone(text)),
        };
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A shape whose names may stand in a statement.
pub(crate) struct Tables {
    shape: Shape,
}

impl Tables {
    /// Refuses what would be no table.
    pub(crate) fn new(shape: Shape) -> Result<Self, Refusal> {
        let Shape { table, key, label, sums, categories, totals, .. } = &shape;
        let mut names = vec![table, key];
        names.extend(label.iter().chain(sums));
        let mut tables = vec![SEEN, CELLS, GATES, table];
        if let Some(TotalsShape { table, count, sum, mean, more }) = totals {
            names.extend([table, count, sum, mean]);
            names.extend(more.iter().map(|(name, _)| name));
            tables.push(table);
        }
        if let Some(wrong) = names.into_iter().find(|name| !is_name(name)) {
            return Err(Refusal::Name(wrong.clone()));
        }
        tables.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        if let Some(same) = tables.windows(2).find(|pair| pair[0].eq_ignore_ascii_case(pair[1])) {
            return Err(Refusal::SameTable(same[0].to_owned()));
        }
        if categories.len() != sums.len() {
            return Err(Refusal::Columns { categories: categories.len(), sums: sums.len() });
        }
        not_long("a rollup's name", &shape.name)?;
        Ok(Self { shape })
    }

    /// The name under which it is remembered what was counted.
    pub(crate) fn rollup(&self) -> &str {
        &self.shape.name
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The statements that make the tables.
    pub(crate) fn create(&self) -> Vec<String> {
        let Shape { table, key, key_type, label, sums, .. } = &self.shape;
        let text = format!("VARCHAR({TEXT_MAX}) CHARACTER SET utf8mb4 COLLATE {BINARY} NOT NULL");
        let id = match key_type {
            KeyType::Integer => format!("`{key}` BIGINT NOT NULL"),
            KeyType::Text => format!("`{key}` {text}"),
        };
        let create = |table: &str, columns: &str, primary: &str| {
            format!("CREATE TABLE IF NOT EXISTS `{table}` ({columns}, PRIMARY KEY ({primary})) {ENGINE}")
        };
        let mut columns = vec![id.clone()];
        columns.extend(label.iter().map(|label| format!("`{label}` TEXT NOT NULL DEFAULT ''")));
        columns.extend(sums.iter().map(|sum| format!("`{sum}` BIGINT NOT NULL DEFAULT 0")));
        let mut statements = vec![create(table, &columns.join(", "), &format!("`{key}`"))];
        if let Some(TotalsShape { table, count, sum, mean, more }) = &self.shape.totals {
            let more: String = more.iter().map(|(name, _)| format!(", `{name}` DOUBLE NULL")).collect();
            // The digits behind the point come from the first operand, whatever the server is set to.
            let columns = format!(
                "{id}, `{count}` BIGINT NOT NULL DEFAULT 0, `{sum}` BIGINT NOT NULL DEFAULT 0, \
                 `{mean}` DECIMAL(40,6) AS (CAST(`{sum}` AS DECIMAL(40,6)) / NULLIF(`{count}`, 0)) VIRTUAL{more}"
            );
            statements.push(create(table, &columns, &format!("`{key}`")));
        }
        let seen =
            format!("`rollup` {text}, `source` {text}, `block` BIGINT NOT NULL, `seen` MEDIUMBLOB NOT NULL");
        statements.push(create(SEEN, &seen, "`rollup`, `source`, `block`"));
        statements.push(create(GATES, &format!("`rollup` {text}"), "`rollup`"));
        if self.wanted().is_some() {
            let cells = format!("`rollup` {text}, `key` {text}, `cell` MEDIUMBLOB NOT NULL");
            statements.push(create(CELLS, &cells, "`rollup`, `key`"));
        }
        statements
    }

    /// Rows that add to the table: key, label (which stays as it is where there is one), sums.
    pub(crate) fn add(&self) -> Insert {
        let Shape { table, key, label, sums, .. } = &self.shape;
        Insert::new(table, [key].into_iter().chain(label).chain(sums)).adding(sums)
    }

    /// The statement that drops the tables that are its own.
    pub(crate) fn drop(&self) -> String {
        let Shape { table, totals, .. } = &self.shape;
        let totals = totals.as_ref().map_or(String::new(), |totals| format!(", `{}`", totals.table));
        format!("DROP TABLE IF EXISTS `{table}`{totals}")
    }

    /// The statements by which rows of `staged` take the place of all there are, and are gone there.
    pub(crate) fn take_over(&self, staged: &Self) -> Vec<String> {
        let moving = |to: &str, from: &str, columns: &[&String]| {
            let columns: Vec<_> = columns.iter().map(|name| format!("`{name}`")).collect();
            let columns = columns.join(", ");
            [
                format!("DELETE FROM `{to}`"),
                format!("INSERT INTO `{to}` ({columns}) SELECT {columns} FROM `{from}`"),
                format!("DELETE FROM `{from}`"),
            ]
        };
        let Shape { table, key, label, sums, totals, .. } = &self.shape;
        let columns: Vec<_> = [key].into_iter().chain(label).chain(sums).collect();
        let mut statements = Vec::from(moving(table, &staged.shape.table, &columns));
        if let (Some(totals), Some(next)) = (totals, &staged.shape.totals) {
            let TotalsShape { table, count, sum, more, .. } = totals;
            let columns: Vec<_> =
                [key, count, sum].into_iter().chain(more.iter().map(|(name, _)| name)).collect();
            statements.extend(moving(table, &next.table, &columns));
        }
        statements
    }

    /// What the cells keep, if there are some.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        let more = self.shape.more();
        (!more.is_empty()).then(|| more.iter().map(|(_, aggregate)| *aggregate).collect())
    }

    /// Rows that add to the second table: key, count, sum; and, which are set, the further columns.
    pub(crate) fn add_totals(&self) -> Option<Insert> {
        let TotalsShape { table, count, sum, more, .. } = self.shape.totals.as_ref()?;
        let more = more.iter().map(|(name, _)| name);
        let insert = Insert::new(table, [&self.shape.key, count, sum].into_iter().chain(more.clone()));
        Some(more.fold(insert.adding([count, sum]), |insert, name| insert.setting(name)))
    }

    /// Rows for keys that may have one: key and label.
    pub(crate) fn label(&self) -> Insert {
        let Shape { table, key, label, .. } = &self.shape;
        Insert::new(table, [key].into_iter().chain(label)).setting(label.as_ref().unwrap_or(key))
    }

    /// Rows of the second table for keys that may have one: the key alone.
    pub(crate) fn key_of_totals(&self) -> Option<Insert> {
        let TotalsShape { table, .. } = self.shape.totals.as_ref()?;
        Some(Insert::new(table, [&self.shape.key]).setting(&self.shape.key))
    }

    /// The statement that reads all totals: key, label, count, sum, sums, further columns.
    pub(crate) fn select(&self) -> String {
        let Shape { table, key, label, sums, totals, .. } = &self.shape;
        let label = label.as_ref().map_or("''".to_owned(), |label| format!("a.`{label}`"));
        let sums: String = sums.iter().map(|sum| format!(", COALESCE(a.`{sum}`, 0)")).collect();
        let more: String = self.shape.more().iter().map(|(name, _)| format!(", b.`{name}`")).collect();
        let (of, join) = match totals {
            Some(TotalsShape { table, count, sum, .. }) => (
                format!("b.`{count}`, b.`{sum}`"),
                format!(" LEFT JOIN `{table}` b ON b.`{key}` = a.`{key}`"),
            ),
            None => ("NULL, NULL".to_owned(), String::new()),
        };
        format!("SELECT a.`{key}`, {label}, {of}{sums}{more} FROM `{table}` a{join} ORDER BY a.`{key}`")
    }

    /// A key as the tables hold it.
    pub(crate) fn id(&self, key: &Arc<str>) -> Result<Id, Refusal> {
        match self.shape.key_type {
            KeyType::Integer => KeyType::number(key)
                .map(Id::Integer)
                .ok_or_else(|| Refusal::NoInteger(key.chars().take(TEXT_MAX).collect())),
            KeyType::Text => not_long("a key", key).map(|()| Id::Text(Arc::clone(key))),
        }
    }

    /// Keys with their labels, each once, in the order of the tables.
    pub(crate) fn keys<'k>(&self, keys: &'k [Key]) -> Result<Vec<(Id, &'k str)>, Refusal> {
        let labelled: Result<BTreeMap<_, _>, _> =
            keys.iter().map(|key| Ok((self.id(&key.id)?, key.label.as_str()))).collect();
        Ok(labelled?.into_iter().collect())
    }
}

/// Refuses what is longer than its column.
pub(crate) fn not_long(what: &'static str, text: &str) -> Result<(), Refusal> {
    if text.len() > TEXT_MAX { Err(Refusal::Long { what, bytes: text.len() }) } else { Ok(()) }
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    letters && (1..=NAME_MAX).contains(&name.len())
}
