//! Attack techniques, and how they are hidden among what is ordinary.

use std::path::Path;

use manazir_model::{Random, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::catalogue::is_global;
use super::people::PRINCIPALS;
use super::record::{ACCOUNT, Act, identity, time};
use crate::{Error, Result};

/// The mark of the tool that made the records: in agents, roles, buckets.
pub(super) const MARK: &str = "stratus-red-team";

/// One technique: its records in order of time.
#[derive(Clone, Debug)]
pub(super) struct Technique {
    pub(super) name: String,
    pub(super) events: Vec<(i64, Map<String, Value>)>,
}

#[derive(Deserialize)]
struct Line {
    technique: String,
    event: Map<String, Value>,
}

/// Reads `stratus_detonations.ndjson.gz`: `{"technique": …, "event": {…}}` a line. Techniques come in the order
/// of their names, so that the order of the file means nothing.
pub(super) fn load(path: &Path) -> Result<Vec<Technique>> {
    let mut techniques: Vec<Technique> = Vec::new();
    for line in crate::table::lines(path)? {
        let line: Line =
            serde_json::from_str(&line).map_err(|source| Error::Json { path: path.to_owned(), source })?;
        let Some(at) = event_time(&line.event) else {
            return Err(Error::layout(path, format!("an event of {} has no eventTime", line.technique)));
        };
        match techniques.iter_mut().find(|technique| technique.name == line.technique) {
            Some(technique) => technique.events.push((at, line.event)),
            None => techniques.push(Technique { name: line.technique, events: vec![(at, line.event)] }),
        }
    }
    for technique in &mut techniques {
        technique.events.sort_by_key(|(at, _)| *at);
    }
    techniques.sort_by(|a, b| a.name.cmp(&b.name));
    if techniques.is_empty() {
        return Err(Error::layout(path, "no technique in it"));
    }
    Ok(techniques)
}

fn event_time(event: &Map<String, Value>) -> Option<i64> {
    let time: jiff::Timestamp = event.get("eventTime")?.as_str()?.parse().ok()?;
    Some(Timestamp::from(time).micros())
}

/// A record of a technique in its new place.
pub(super) struct Placed {
    pub(super) at: i64,
    pub(super) who: usize,
    pub(super) line: String,
}

impl Technique {
    /// Puts the technique into a day: somebody's credentials are used from its own machine, with its own
    /// program, while it works. Nothing is left that tells the attack but what it does.
    pub(super) fn place(&self, day: &[Act], random: &mut Random, first_id: u64) -> Vec<Placed> {
        let host = host(day, random);
        let start = self.events.first().map_or(0, |(at, _)| *at);
        let begin = host.at + 1_000_000 * (1 + random.below(60) as i64);
        let moved = self.events.iter().enumerate().map(|(index, (at, event))| {
            let at = begin + at - start;
            let line = disguised(event.clone(), host, at, first_id + index as u64);
            Placed { at, who: host.who, line }
        });
        moved.collect()
    }
}

/// A principal, each that works on the day as likely as any other, and one of its calls.
fn host<'a>(day: &'a [Act], random: &mut Random) -> &'a Act {
    let is_person_or_program = |who: usize| PRINCIPALS[who].kind != super::people::Kind::Service;
    let mut present: Vec<usize> =
        day.iter().map(|act| act.who).filter(|&who| is_person_or_program(who)).collect();
    present.sort_unstable();
    present.dedup();
    let who = present[random.below(present.len())];
    let acts: Vec<&Act> = day.iter().filter(|act| act.who == who).collect();
    acts[random.below(acts.len())]
}

fn disguised(mut event: Map<String, Value>, host: &Act, at: i64, id: u64) -> String {
    let account = event.get("recipientAccountId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let source = event.get("eventSource").and_then(Value::as_str).unwrap_or_default().to_owned();
    let global = is_global(source.trim_end_matches(".amazonaws.com"));
    let region = if global { "us-east-1" } else { host.way.region };
    let old_region = event.get("awsRegion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let identity = identity(&PRINCIPALS[host.who], &host.way.session);
    let mut put = |key: &str, value: Value| {
        event.insert(key.to_owned(), value);
    };
    put("userIdentity", serde_json::from_str(&identity).unwrap_or_default());
    put("eventTime", time(at).into());
    put("awsRegion", region.into());
    put("sourceIPAddress", host.way.address.clone().into());
    put("userAgent", host.way.agent.into());
    put("recipientAccountId", ACCOUNT.into());
    put("eventID", format!("{id:08x}-b39e-4a18-a6a0-d07a6e2105cb").into());
    put("requestID", format!("{id:08x}-5d71-441e-84c8-b424f1c78ffb").into());
    let mut line = Value::Object(event).to_string().replace(MARK, "team");
    for (old, new) in [(account.as_str(), ACCOUNT), (old_region.as_str(), region)] {
        if !old.is_empty() {
            line = line.replace(old, new);
        }
    }
    line
}
