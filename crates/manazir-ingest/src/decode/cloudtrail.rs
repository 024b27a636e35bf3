//! Records of AWS CloudTrail, in every wrapping they come in.
//!
//! One record, an object with `Records` (a delivery file), an array, records line by line, and the envelope
//! of EventBridge (`detail`); <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html>.

mod identity;

use std::borrow::Cow;

use manazir_model::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::names::{Names, RESOURCES_MAX};
use super::text::{Text, or_empty};
use super::{Decoded, Error, Record, rfc3339};
use crate::{EventId, Format};

/// CloudTrail cuts records at 256 KiB; four times that is taken.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// What is read of a record, or of what it is wrapped in; all else stays in the raw bytes.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields<'a> {
    #[serde(borrow, rename = "eventID")]
    event_id: Option<Text<'a>>,
    #[serde(borrow)]
    event_time: Option<Text<'a>>,
    #[serde(borrow)]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    event_source: Option<Text<'a>>,
    #[serde(borrow)]
    event_name: Option<Text<'a>>,
    #[serde(borrow)]
    aws_region: Option<Text<'a>>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Option<Text<'a>>,
    #[serde(borrow)]
    user_agent: Option<Text<'a>>,
    #[serde(borrow)]
    error_code: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_account_id: Option<Text<'a>>,
    #[serde(borrow, rename = "requestID")]
    request_id: Option<Text<'a>>,
    read_only: Option<bool>,
    #[serde(borrow)]
    user_identity: Option<identity::UserIdentity<'a>>,
    #[serde(borrow)]
    request_parameters: Option<Names<'a>>,
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow, rename = "Records")]
    records: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
    #[serde(borrow, rename = "ARN")]
    arn: Option<Text<'a>>,
}

/// Reads all records of a delivery, whatever its wrapping.
///
/// If the first line is JSON of its own, each line is an item; otherwise the whole is one document.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let mut decoded = Decoded::default();
    if bytes.is_empty() {
        return decoded;
    }
    if one_document(bytes) {
        decode_item(bytes, &mut decoded);
        return decoded;
    }
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = bytes[start..end].trim_ascii();
        start = end + 1;
        if !line.is_empty() {
            decode_item(line, &mut decoded);
        }
    }
    decoded
}

/// False if the text goes on after its first line and that line is a whole value, or cannot begin one.
fn one_document(bytes: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', bytes) else { return true };
    let first = bytes[..end].trim_ascii();
    match serde_json::from_slice::<serde::de::IgnoredAny>(first) {
        Ok(_) => false,
        // A list may hold a record a line; an object goes on with a key, unless the line was cut short.
        Err(error) => {
            let next = bytes[end..].trim_ascii_start().first();
            error.is_eof() && (first.first() == Some(&b'[') || next != Some(&b'{'))
        }
    }
}

/// Reads one value and appends what it holds.
fn decode_item<'a>(raw: &'a [u8], decoded: &mut Decoded<'a>) {
    let item = decoded.next_item();
    if raw.first() == Some(&b'[') {
        match serde_json::from_slice::<Vec<&RawValue>>(raw) {
            Ok(records) => decode_all(&records, decoded),
            Err(source) => decoded.rejects.push_kept(Error::Json { item, source }, Format::CloudTrail, raw),
        }
        return;
    }
    match serde_json::from_slice::<Fields<'_>>(raw) {
        Ok(Fields { records: Some(records), .. }) => decode_all(&records, decoded),
        Ok(Fields { detail: Some(detail), event_name: None, .. }) => decode_all(&[detail], decoded),
        Ok(fields) => decoded.push(event(fields, raw, item), Format::CloudTrail, raw),
        Err(source) => decoded.rejects.push_kept(Error::Json { item, source }, Format::CloudTrail, raw),
    }
}

fn decode_all<'a>(records: &[&'a RawValue], decoded: &mut Decoded<'a>) {
    decoded.parsed.reserve(records.len());
    for record in records {
        let (item, raw) = (decoded.next_item(), record.get().as_bytes());
        decoded.push(decode_record(raw, item), Format::CloudTrail, raw);
    }
}

/// Reads one bare record; `item` is the number that an error gives it.
pub fn decode_record(raw: &[u8], item: usize) -> Result<Record<'_>, Error> {
    match serde_json::from_slice::<Fields<'_>>(raw) {
        Ok(fields) => event(fields, raw, item),
        Err(source) => Err(Error::Json { item, source }),
    }
}

/// Source of the identities of records.
const SOURCE: &str = "cloudtrail";

fn event<'a>(fields: Fields<'a>, raw: &'a [u8], item: usize) -> Result<Record<'a>, Error> {
    if raw.len() > RECORD_BYTES_MAX {
        return Err(Error::TooLong { item, bytes: raw.len(), most: RECORD_BYTES_MAX });
    }
    let at = fields.event_time.as_ref().and_then(|text| rfc3339::parse(&text.0));
    let (Some(at), Some(name), Some(id)) = (at, &fields.event_name, &fields.event_id) else {
        return Err(Error::Wrong { item, wrong: what_is_missing(&fields) });
    };
    if let Some(fault) = EventId::fault(SOURCE, &id.0) {
        return Err(Error::Wrong { item, wrong: vec![fault] });
    }
    let identity = fields.user_identity.unwrap_or_default();
    let (who, resources) = (identity.who(), resources(fields.request_parameters, fields.resources));
    let event = Event {
        source: Cow::Borrowed(SOURCE),
        action: Cow::Owned(action(fields.event_source.as_ref(), name)),
        id: id.0.clone(),
        request: or_empty(fields.request_id),
        account: or_empty(fields.recipient_account_id),
        at,
        kind: or_empty(fields.event_type),
        actor: who.actor,
        session: who.session,
        peers: Cow::Borrowed(who.peers),
        writes: fields.read_only.map(|read_only| !read_only),
        resources,
        error: or_empty(fields.error_code),
        place: or_empty(fields.aws_region),
        address: or_empty(fields.source_ip_address),
        agent: or_empty(fields.user_agent),
    };
    Ok(Record { event, raw })
}

fn what_is_missing(fields: &Fields<'_>) -> Vec<String> {
    let time = match &fields.event_time {
        None => Some("eventTime is missing"),
        Some(text) if rfc3339::parse(&text.0).is_none() => {
            Some("eventTime is not a time as RFC 3339 writes it")
        }
        Some(_) => None,
    };
    let name = fields.event_name.is_none().then_some("eventName is missing");
    let id = fields.event_id.is_none().then_some("eventID is missing");
    [time, name, id].into_iter().flatten().map(str::to_owned).collect()
}

/// `iam:CreateUser`: the service without its domain, the name without the version of an interface
/// (`UpdateFunctionCode20150331v2`), because an old and a new client do the same.
fn action(source: Option<&Text<'_>>, name: &Text<'_>) -> String {
    let service = source.map_or("", |text| text.0.strip_suffix(".amazonaws.com").unwrap_or(&text.0));
    let name = without_version(&name.0);
    let mut action = String::with_capacity(service.len() + 1 + name.len());
    action.push_str(service);
    action.push(':');
    action.push_str(name);
    action
}

fn without_version(name: &str) -> &str {
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let undated = |text: &str| (digits(text) == 8).then(|| text.len() - 8);
    let suffix = digits(name);
    let unversioned = name[..name.len() - suffix].strip_suffix(['v', '_']).filter(|_| suffix > 0);
    match undated(name).or_else(|| unversioned.and_then(undated)) {
        Some(length) if length > 0 => &name[..length],
        _ => name,
    }
}

fn resources<'a>(parameters: Option<Names<'a>>, listed: Option<Vec<Resource<'a>>>) -> Vec<Cow<'a, str>> {
    let mut names = parameters.unwrap_or_default().0;
    for arn in listed.into_iter().flatten().filter_map(|resource| resource.arn) {
        if names.len() < RESOURCES_MAX && !names.contains(&arn.0) {
            names.push(arn.0);
        }
    }
    names
}

#[cfg(test)]
mod tests;
