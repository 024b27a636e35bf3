//! Events.

use std::collections::HashMap;

use manazir_explain::{Error, EventQuery, seen_again, sound};
use manazir_model::{GraphEvent, Timestamp};

use super::{delete, number, text};
use crate::Truth;
use crate::failure::failed;
use crate::key::key;
use crate::statement::{Connection, Statement, Value, Writing, damaged, lock, raise, signed, unsigned};
use crate::text::{came, kept};

const COUNTER: &str = "graph_events";

/// Rows a statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS_A_STATEMENT: usize = 500;

/// The longest event of each class but the last, in microseconds: a minute, an hour, a day, thirty days.
///
/// No index finds spans that reach into a window: by their beginning all that came before are candidates, by their end
/// all that came later. Of those that are no longer than this only the ones that begin less than this before the window
/// can reach into it, and few are long.
const CLASSES: [i64; 4] = [60_000_000, 3_600_000_000, 86_400_000_000, 30 * 86_400_000_000];

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    id: String,
    entity: String,
    event_type: String,
    from_at: i64,
    until_at: i64,
    received_at: i64,
    severity: f64,
    target: Option<String>,
    dims: String,
    source: String,
    sentence: String,
}

fn event(row: Row) -> Result<(u64, GraphEvent), Error> {
    let id = came(row.id);
    let dims = serde_json::from_str(&row.dims).map_err(|why| damaged(&format!("event {id:?}"), why))?;
    let event = GraphEvent {
        id,
        entity: came(row.entity),
        event_type: came(row.event_type),
        from: Timestamp(row.from_at),
        until: Timestamp(row.until_at),
        received_at: Timestamp(row.received_at),
        severity: row.severity as f32,
        target: row.target.map(came),
        dims,
        source: came(row.source),
        sentence: came(row.sentence),
    };
    Ok((unsigned(row.seq), event))
}

fn length_class(event: &GraphEvent) -> i64 {
    let length = event.until.micros_since(event.from);
    CLASSES.iter().filter(|longest| length > **longest).count() as i64
}

pub(super) async fn add(truth: &Truth, events: &[GraphEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let mut writing = Writing::begin(truth).await?;
    insert(&mut writing.connection(), events).await?;
    writing.commit().await
}

pub(super) async fn insert(
    connection: &mut Connection<'_>,
    events: &[GraphEvent],
) -> Result<(), sqlx::Error> {
    let events = last_seen(events);
    if events.is_empty() {
        return Ok(());
    }
    lock(connection, COUNTER).await?;
    for some in events.chunks(ROWS_A_STATEMENT) {
        let known = known(connection, some).await?;
        let changed: Vec<(&[u8], GraphEvent)> = some
            .iter()
            .filter_map(|(key, event)| match known.get(key) {
                None => Some((key.as_slice(), event.clone())),
                Some(known) => known.seen_again(event).map(|event| (key.as_slice(), event)),
            })
            .collect();
        put(connection, &changed).await?;
    }
    Ok(())
}

/// Each identity once, in the order in which they come first, with its key.
fn last_seen(events: &[GraphEvent]) -> Vec<(Vec<u8>, GraphEvent)> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut last: Vec<(Vec<u8>, GraphEvent)> = Vec::with_capacity(events.len());
    for event in events {
        let (key, event) = (key([event.id.as_str()]), sound(event));
        if let Some(&place) = places.get(&key) {
            seen_again(&mut last[place].1, &event);
        } else {
            places.insert(key.clone(), last.len());
            last.push((key, event));
        }
    }
    last
}

/// What is needed of a known event to see it again.
#[derive(sqlx::FromRow)]
struct Known {
    key: Vec<u8>,
    from_at: i64,
    until_at: i64,
    severity: f64,
    sentence: String,
}

impl Known {
    /// The event as it is then, but for what does not change; `None` if nothing does.
    fn seen_again(&self, again: &GraphEvent) -> Option<GraphEvent> {
        let mut event = GraphEvent {
            from: Timestamp(self.from_at),
            until: Timestamp(self.until_at),
            severity: self.severity as f32,
            sentence: came(self.sentence.clone()),
            ..again.clone()
        };
        seen_again(&mut event, again).then_some(event)
    }
}

async fn known(
    connection: &mut Connection<'_>,
    events: &[(Vec<u8>, GraphEvent)],
) -> Result<HashMap<Vec<u8>, Known>, sqlx::Error> {
    let keys = events.iter().map(|(key, _)| Value::Bytes(key.clone()));
    let rows =
        Statement::new("SELECT key, from_at, until_at, severity, sentence FROM graph_events WHERE key IN ")
            .rows([keys.collect()])
            .fetch_in::<Known>(connection)
            .await?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), row)).collect())
}

/// Writes events that are new, or of which something has changed.
async fn put(connection: &mut Connection<'_>, changed: &[(&[u8], GraphEvent)]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let last = raise(connection, COUNTER, changed.len() as u64).await?;
    let first = last - changed.len() as i64 + 1;
    Statement::new(
        "INSERT INTO graph_events (key, seq, length_class, from_at, until_at, received_at, id, entity, event_type, \
         severity, target, dims, source, sentence) VALUES ",
    )
    .rows((first..).zip(changed).map(|(seq, (key, event))| row(seq, key, event)))
    .then(
        " ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, length_class = excluded.length_class, \
         until_at = excluded.until_at, severity = excluded.severity, sentence = excluded.sentence",
    )
    .execute(connection)
    .await
    .map(drop)
}

fn row(seq: i64, key: &[u8], event: &GraphEvent) -> Vec<Value> {
    vec![
        Value::Bytes(key.to_owned()),
        number(seq),
        number(length_class(event)),
        number(event.from.micros()),
        number(event.until.micros()),
        number(event.received_at.micros()),
        text(&event.id),
        text(&event.entity),
        text(&event.event_type),
        Value::Real(f64::from(event.severity)),
        Value::Text(event.target.as_deref().map(|target| kept(target).into_owned())),
        // JSON has words of its own for what a database refuses.
        Value::Text(Some(serde_json::json!(event.dims).to_string())),
        text(&event.source),
        text(&event.sentence),
    ]
}

/// The statement of [`read`]: what each class has, the latest of it.
fn selected(query: &EventQuery) -> Statement {
    let mut statement = Statement::default();
    for class in 0..=CLASSES.len() {
        let longest = CLASSES.get(class).copied().unwrap_or(i64::MAX);
        statement = statement
            .then(if class == 0 { "" } else { " UNION ALL " })
            .then(
                "SELECT * FROM (SELECT seq, id, entity, event_type, from_at, until_at, received_at, severity, target, \
                 dims, source, sentence FROM graph_events WHERE length_class = ",
            )
            .number(class as i64)
            .then(" AND from_at >= ")
            .number(query.from.micros().saturating_sub(longest))
            .then(" AND from_at < ")
            .number(query.until.micros())
            .then(" AND until_at >= ")
            .number(query.from.micros());
        if let Some(as_of) = query.as_of {
            statement = statement.then(" AND received_at <= ").number(as_of.micros());
        }
        statement = statement
            .then(" ORDER BY from_at DESC LIMIT ")
            .number(signed(query.max as u64))
            .then(") AS class");
    }
    statement
}

pub(super) async fn read(truth: &Truth, query: &EventQuery) -> Result<Vec<GraphEvent>, Error> {
    let rows = selected(query).fetch::<Row>(truth).await.map_err(failed)?;
    let events: Result<Vec<GraphEvent>, Error> =
        rows.into_iter().map(|row| event(row).map(|(_, event)| event)).collect();
    let mut events = events?;
    events.sort_by(|one, other| (one.from, &one.id).cmp(&(other.from, &other.id)));
    Ok(events.split_off(events.len().saturating_sub(query.max)))
}

pub(super) async fn after(truth: &Truth, seq: u64, max: usize) -> Result<Vec<(u64, GraphEvent)>, Error> {
    let rows = Statement::new(
        "SELECT seq, id, entity, event_type, from_at, until_at, received_at, severity, target, dims, source, sentence \
         FROM graph_events WHERE seq > ",
    )
    .number(signed(seq))
    .then(" ORDER BY seq LIMIT ")
    .number(signed(max as u64))
    .fetch::<Row>(truth)
    .await
    .map_err(failed)?;
    rows.into_iter().map(event).collect()
}

pub(super) async fn forget(truth: &Truth, before: Timestamp, max: u64) -> Result<u64, sqlx::Error> {
    const OVER: &str =
        "DELETE FROM graph_events WHERE key IN (SELECT key FROM graph_events WHERE until_at < ";
    delete(truth, COUNTER, OVER, (before, max)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_window_is_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        let truth = Truth::open(&url).await.unwrap();
        let query = EventQuery { from: Timestamp(0), until: Timestamp(9), as_of: Some(Timestamp(9)), max: 5 };
        let plan = selected(&query).plan(&truth).await;
        let searched = plan.iter().filter(|step| {
            step.starts_with(
                "SEARCH graph_events USING INDEX graph_events_from_at (length_class=? AND from_at>?",
            )
        });
        assert_eq!(searched.count(), CLASSES.len() + 1, "{plan:#?}");
        assert!(
            plan.iter().all(|step| !step.starts_with("SCAN graph_events") && !step.contains("TEMP B-TREE"))
        );
    }

    #[test]
    fn an_event_is_of_the_first_class_that_holds_it() {
        let of = |from: i64, until: i64| {
            length_class(&GraphEvent {
                from: Timestamp(from),
                until: Timestamp(until),
                ..GraphEvent::default()
            })
        };
        assert_eq!([of(5, 5), of(0, 60_000_000), of(0, 60_000_001), of(0, CLASSES[3])], [0, 0, 1, 3]);
        assert_eq!([of(-1, CLASSES[3]), of(i64::MIN, i64::MAX)], [4, 4]);
    }
}
