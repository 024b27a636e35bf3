//! Findings that were counted, written where the next ones stand.

use manazir_rollup::history::merge::{BYTES_FULL, FULL, merged};
use manazir_rollup::history::segment::{Builder, Came, Counted, FINDINGS_MAX};
use manazir_rollup::history::{Head, Sums, checkpoint};
use manazir_rollup::{AsOf, Row};

use super::RollupTable;
use crate::statement::{Connection, Statement, signed, unsigned};

/// A checkpoint costs as much as its keys: there are so many findings for each of them between two.
const FINDINGS_PER_KEY: u64 = 4;

/// What is damaged, if one is.
pub(super) const SEGMENT: &str = "a segment of findings";

/// What the row of the rollup says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register {
    /// Findings that were counted.
    findings: u64,
    /// Those of them in segments that are full.
    sealed: u64,
}

impl Register {
    /// Lets nobody else change anything of the rollup until the transaction ends.
    pub(super) async fn lock(table: &RollupTable, connection: &mut Connection<'_>) -> sqlx::Result<Self> {
        let select = Statement::new("SELECT findings, sealed FROM manazir_rollup WHERE name = ")
            .text(table.layout.rollup.as_str())
            .then(table.dialect.lock_rows);
        let rows = select.fetch_in::<(i64, i64)>(connection).await?;
        let (findings, sealed) = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Self { findings: unsigned(*findings), sealed: unsigned(*sealed) })
    }

    pub(super) async fn write(
        self,
        table: &RollupTable,
        connection: &mut Connection<'_>,
    ) -> sqlx::Result<()> {
        let update = Statement::new("UPDATE manazir_rollup SET findings = ")
            .number(signed(self.findings))
            .then(", sealed = ")
            .number(signed(self.sealed))
            .then(" WHERE name = ")
            .text(table.layout.rollup.as_str());
        update.execute(connection).await.map(drop)
    }
}

/// A segment, unpacked.
struct Segment {
    counted: Counted,
    came: Came,
}

/// Appends findings that were counted now, and merges what has become many.
pub(super) async fn append(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    mut register: Register,
    rows: &[&Row],
) -> sqlx::Result<()> {
    for segment in built(rows) {
        insert(table, connection, &mut register, segment).await?;
        merge(table, connection, &mut register).await?;
    }
    register.write(table, connection).await
}

/// Segments that no bound is passed by.
fn built(rows: &[&Row]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let (mut builder, mut findings) = (Builder::default(), 0);
    let mut close = |builder: Builder| {
        let (counted, came) = builder.finish();
        segments.push(Segment { counted, came });
    };
    for row in rows {
        if findings == FINDINGS_MAX || builder.size() > BYTES_FULL || !builder.add(row) {
            close(std::mem::take(&mut builder));
            findings = 0;
            // The first finding of a segment always finds room.
            builder.add(row);
        }
        findings += 1;
    }
    if findings > 0 {
        close(builder);
    }
    segments
}

/// Puts a segment behind all others; with a checkpoint if it is full.
async fn insert(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    register: &mut Register,
    Segment { counted, came }: Segment,
) -> sqlx::Result<()> {
    let Some(head) = Head::of(register.findings, &counted) else { return Ok(()) };
    let is_full = head.findings >= FULL || came.size() > BYTES_FULL;
    // A full one is behind full ones only: what was small before it was merged with it, or stands between for good.
    let seals = is_full && register.sealed == register.findings;
    let totals = if seals { totals(table, connection, register, &counted).await? } else { Vec::new() };
    register.findings += head.findings;
    if seals {
        register.sealed = register.findings;
    }
    let insert = Statement::new(
        "INSERT INTO manazir_rollup_segment (rollup, first, findings, at_min, at_max, known_min, known_max, \
         has_totals, counted, came, totals) VALUES (",
    );
    let mut insert = insert.text(table.layout.rollup.as_str()).then(", ").number(signed(head.first));
    let times =
        [head.at.0, head.at.1, head.known_at.0, head.known_at.1].map(manazir_model::Timestamp::micros);
    for number in [signed(head.findings)].into_iter().chain(times).chain([i64::from(!totals.is_empty())]) {
        insert = insert.then(", ").number(number);
    }
    let insert = insert.then(", ").bytes(counted.to_bytes()).then(", ").bytes(came.to_bytes());
    insert.then(", ").bytes(totals).then(")").execute(connection).await.map(drop)
}

/// The checkpoint at the end of a segment that begins where all before it are full; empty if there is none yet.
async fn totals(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    register: &Register,
    counted: &Counted,
) -> sqlx::Result<Vec<u8>> {
    let select = Statement::new("SELECT first, findings, totals FROM manazir_rollup_segment WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" AND has_totals = 1 ORDER BY first DESC LIMIT 1");
    let last = select.fetch_in::<(i64, i64, Vec<u8>)>(connection).await?.pop();
    let (mut sums, end) = match last {
        Some((first, findings, bytes)) => {
            let sums = checkpoint::from_bytes(&bytes).ok_or_else(|| damaged("a checkpoint"))?;
            (sums, unsigned(first) + unsigned(findings))
        }
        None => (Sums::new(table.layout.sums.len()), 0),
    };
    let findings = register.findings + counted.len() as u64 - end;
    if findings < FINDINGS_PER_KEY * sums.keys().len() as u64 {
        return Ok(Vec::new());
    }
    let select = Statement::new("SELECT counted FROM manazir_rollup_segment WHERE rollup = ");
    let select = behind(table, select, end).then(" AND first < ").number(signed(register.findings));
    for (bytes,) in select.fetch_in::<(Vec<u8>,)>(connection).await? {
        sums.add(&Counted::from_bytes(&bytes).ok_or_else(|| damaged(SEGMENT))?, AsOf::default());
    }
    sums.add(counted, AsOf::default());
    Ok(checkpoint::to_bytes(&sums))
}

/// Merges as many of the last segments as should be now, until none should be.
async fn merge(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    register: &mut Register,
) -> sqlx::Result<()> {
    loop {
        let select = Statement::new("SELECT first, findings FROM manazir_rollup_segment WHERE rollup = ");
        let select = behind(table, select, register.sealed).then(" ORDER BY first");
        let tail = select.fetch_in::<(i64, i64)>(connection).await?;
        let sizes: Vec<u64> = tail.iter().map(|(_, findings)| unsigned(*findings)).collect();
        let count = merged(&sizes);
        if count == 0 {
            return Ok(());
        }
        let first = unsigned(tail[tail.len() - count].0);
        let Some(one) = read(table, connection, first).await? else {
            // Too many streams for one segment: they stay as they are, and are read as they are.
            register.sealed = register.findings;
            return Ok(());
        };
        let delete = Statement::new("DELETE FROM manazir_rollup_segment WHERE rollup = ");
        behind(table, delete, first).execute(connection).await?;
        register.findings = first;
        insert(table, connection, register, one).await?;
    }
}

/// All segments from one on as one; `None` if they do not fit into one.
async fn read(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    from: u64,
) -> sqlx::Result<Option<Segment>> {
    let select = Statement::new("SELECT counted, came FROM manazir_rollup_segment WHERE rollup = ");
    let select = behind(table, select, from).then(" ORDER BY first");
    let mut one = Segment { counted: Counted::default(), came: Came::default() };
    for (counted, came) in select.fetch_in::<(Vec<u8>, Vec<u8>)>(connection).await? {
        let (counted, came) = (Counted::from_bytes(&counted), Came::from_bytes(&came));
        let (counted, came) = counted.zip(came).ok_or_else(|| damaged(SEGMENT))?;
        if !one.came.append(&came) {
            return Ok(None);
        }
        one.counted.append(&counted);
    }
    Ok(Some(one))
}

/// Goes on with the condition that only segments of this rollup are meant, from one on.
fn behind(table: &RollupTable, statement: Statement, from: u64) -> Statement {
    statement.text(table.layout.rollup.as_str()).then(" AND first >= ").number(signed(from))
}

pub(super) fn damaged(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} is none").into())
}
