//! Settings that cannot work are refused before the first socket opens, each with a sentence that says what would.

use std::ops::RangeInclusive;

use anyhow::{Context, Error, Result, bail};
use manazir_mqtt::{Address, Topics};

use super::{MqttSource, Role, Settings};
use crate::live::EventRollup;

/// A hundred years: longer than anything is kept, short enough to be counted in microseconds.
const DAYS_MAX: u64 = 36_500;

/// A day: whoever waits for longer has gone.
const SECONDS_MAX: u64 = 86_400;

/// The smallest disk that days of samples can be kept on.
const DISK_BYTES_MIN: u64 = 1 << 20;

/// The most that a person may have of anything; a graph is made for thousands.
const TIES_MAX: u64 = 1_000_000;

/// More in a second is no limit any more.
const RATE_MAX: u64 = 100_000;

/// A job of more people is too long a row.
const BATCH_MAX: u64 = 25_000;

/// The longest text that MQTT can write.
const CLIENT_ID_BYTES_MAX: usize = u16::MAX as usize;

/// Refuses the first thing that cannot work.
pub(super) fn check(settings: &Settings) -> Result<()> {
    places(settings)?;
    settings.accounts.check()?;
    settings.sources.mqtt.iter().try_for_each(sensors)?;
    EventRollup::check(&settings.events.series).map_err(Error::msg).context("`events.series`")?;
    for (key, value, range) in ranges(settings) {
        if !range.contains(&value) {
            match *range.end() {
                u64::MAX => bail!("`{key}` is {value}; it is at least {}", range.start()),
                end => bail!("`{key}` is {value}; it lies between {} and {end}", range.start()),
            }
        }
    }
    let limits = &settings.limits;
    if limits.wait_seconds >= limits.request_seconds {
        bail!(
            "`limits.wait_seconds` is {}, and a request is ended after `limits.request_seconds`, which is {}: \
             let it wait for less, so that it can be answered",
            limits.wait_seconds,
            limits.request_seconds
        );
    }
    Ok(())
}

fn ranges(settings: &Settings) -> [(&'static str, u64, RangeInclusive<u64>); 21] {
    let Settings { limits, worker, events, lake, explanations, people, accounts, .. } = settings;
    [
        ("limits.event_bytes_max", limits.event_bytes_max as u64, 1..=u64::MAX),
        ("limits.batch_bytes_max", limits.batch_bytes_max as u64, 1..=u64::MAX),
        ("limits.publications_max", limits.publications_max as u64, 1..=u64::MAX),
        ("limits.wait_seconds", limits.wait_seconds, 0..=SECONDS_MAX),
        ("limits.request_seconds", limits.request_seconds, 1..=SECONDS_MAX),
        ("worker.batch_max", worker.batch_max as u64, 1..=u64::MAX),
        ("worker.snapshot_every", worker.snapshot_every as u64, 1..=u64::MAX),
        ("worker.lease_seconds", worker.lease_seconds, 1..=SECONDS_MAX),
        ("events.retention_days", events.retention_days.into(), 1..=DAYS_MAX),
        ("lake.retention_days", lake.retention_days.into(), 1..=DAYS_MAX),
        ("explanations.refresh_minutes", explanations.refresh_minutes.into(), 0..=SECONDS_MAX / 60),
        ("people.contacts_max", people.contacts_max as u64, 1..=TIES_MAX),
        ("people.ties_max", people.ties_max as u64, 1..=TIES_MAX),
        ("people.searches_a_second", people.searches_a_second.into(), 1..=RATE_MAX),
        ("people.requests_a_second", people.requests_a_second.into(), 1..=RATE_MAX),
        ("people.answers_a_second", people.answers_a_second.into(), 1..=RATE_MAX),
        ("people.cache_mib", people.cache_mib.into(), 1..=u64::from(u32::MAX)),
        ("people.batch_max", people.batch_max as u64, 1..=BATCH_MAX),
        ("accounts.idle_days", accounts.idle_days.into(), 1..=DAYS_MAX),
        ("accounts.session_days", accounts.session_days.into(), 1..=DAYS_MAX),
        ("lake.disk_bytes_max", lake.disk_bytes_max, DISK_BYTES_MIN..=u64::MAX),
    ]
}

/// Queue, truth and role fit each other. Addresses hold passwords: no message shows more of one than its scheme.
fn places(settings: &Settings) -> Result<()> {
    let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| settings.truth.starts_with(scheme));
    match &settings.queue {
        None if settings.role != Role::All => bail!(
            "the embedded queue is held by one process, which does everything: for several, give --queue \
             amqp://… and --truth postgres://…, or leave --role away"
        ),
        Some(queue) if !queue.starts_with("amqp://") => bail!(
            "{} is no address of a queue: it begins with amqp://, or is left away for the embedded one",
            shown(queue)
        ),
        Some(_) if !postgres => bail!(
            "with a queue on a broker the verdicts must be where every worker sees them: give --truth \
             postgres://…"
        ),
        _ => Ok(()),
    }
}

fn sensors(source: &MqttSource) -> Result<()> {
    Address::parse(&source.address).context("`sources.mqtt.address`")?;
    Topics::new(source.topics.clone()).context("`sources.mqtt.topics`")?;
    match &source.client_id {
        Some(id) if id.is_empty() || id.len() > CLIENT_ID_BYTES_MAX => {
            bail!("`sources.mqtt.client_id` has {} bytes; it has 1 to {CLIENT_ID_BYTES_MAX}", id.len())
        }
        _ => Ok(()),
    }
}

/// What may be shown of an address.
fn shown(address: &str) -> String {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    match scheme.filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(scheme) => format!("`{scheme}://…`"),
        None => "what is given".to_owned(),
    }
}
