//! The totals as they are read back.

use manazir_rollup::Total;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::RollupTable;
use crate::statement::{Statement, unsigned};
use crate::text::came;

/// Key, label, count, sum, how many categories there are, the sum of each, and the further columns.
struct Line(Total);

impl<'r, R: Row> FromRow<'r, R> for Line
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    f64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let categories = usize::try_from(row.try_get::<i64, _>(4)?).unwrap_or_default();
        let columns = |columns: std::ops::Range<usize>| columns.map(|column| row.try_get(column));
        let by_category = columns(5..5 + categories).collect::<sqlx::Result<_>>()?;
        let more =
            (5 + categories..row.len()).map(|column| row.try_get(column)).collect::<sqlx::Result<_>>()?;
        Ok(Self(Total {
            key: came(row.try_get(0)?),
            label: came(row.try_get(1)?),
            count: unsigned(row.try_get(2)?),
            sum: row.try_get(3)?,
            by_category,
            more,
        }))
    }
}

/// All of them, by key.
pub(super) async fn read(table: &RollupTable) -> sqlx::Result<Vec<Total>> {
    let lines: Vec<Line> = select(table).fetch(&table.truth).await?;
    let mut totals: Vec<Total> = lines.into_iter().map(|Line(total)| total).collect();
    if table.layout.totals.is_none() {
        for total in &mut totals {
            total.sum = total.by_category.iter().sum();
        }
    }
    // Not by the database: a text may be kept as another one.
    if table.layout.integer_keys {
        totals.sort_by_cached_key(|total| total.key.parse::<i64>().unwrap_or_default());
    } else {
        totals.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(totals)
}

fn select(table: &RollupTable) -> Statement {
    let layout = &table.layout;
    let mut select = Statement::new("SELECT CAST(held.").name(&layout.key).then(" AS TEXT), ");
    select = match &layout.label {
        Some(label) => select.then("held.").name(label),
        None => select.then("''"),
    };
    select = match &layout.totals {
        Some(totals) => {
            let counted = select.then(", COALESCE(total.").name(&totals.count).then(", 0)");
            counted.then(", COALESCE(total.").name(&totals.sum).then(", 0)")
        }
        None => select.then(", CAST(0 AS BIGINT), CAST(0 AS BIGINT)"),
    };
    select = select.then(", CAST(").place(layout.sums.len()).then(" AS BIGINT)");
    for sum in &layout.sums {
        select = select.then(", held.").name(sum);
    }
    for (name, _) in layout.totals.iter().flat_map(|totals| &totals.more) {
        select = select.then(", total.").name(name);
    }
    select = select.then(" FROM ").name(&layout.table).then(" AS held");
    let Some(totals) = &layout.totals else { return select };
    let joined = select.then(" LEFT JOIN ").name(&totals.table).then(" AS total ON total.");
    joined.name(&layout.key).then(" = held.").name(&layout.key)
}
