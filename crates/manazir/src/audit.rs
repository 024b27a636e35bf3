//! Audit logs: which sources are one, and what was unusual in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::bufread::MultiGzDecoder;
use manazir_detect::event::{EventConfig, EventJudge};
use manazir_ingest::decode::{self, cloudtrail, unpack};
use manazir_model::{Event, EventVerdict, Grain, Reason, Timestamp};
use serde::Serialize;

use crate::progress::Work;

/// A delivery file has 50 MB at most; ten times that, unpacked, is taken.
const FILE_BYTES_MAX: usize = 512 << 20;
/// Bytes by which a file is known.
const HEAD_BYTES: usize = 64 << 10;
/// Unusual episodes that are kept of one actor.
const EPISODES_MAX: usize = 50;

/// What one actor did that was unusual, strange events with less than an hour between them as one.
#[derive(Clone, Debug, Serialize)]
pub struct Episode {
    /// Role, user or service.
    pub actor: String,
    /// First and last strange event.
    pub start_at: Timestamp,
    /// See `start_at`.
    pub end_at: Timestamp,
    /// Strange events in it.
    pub events: usize,
    /// Of its strangest event.
    pub score: f64,
    /// What that event did.
    pub action: String,
    /// Where.
    pub place: String,
    /// True if it is worth a person's time.
    pub alarm: bool,
    /// The expectations that event broke.
    pub reasons: Vec<Reason>,
}

/// What was found in a log.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// Records judged.
    pub records: usize,
    /// Records that could not be read.
    pub rejected: usize,
    /// The first of them, in words.
    pub first_rejects: Vec<String>,
    /// First and last event.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The strangest first.
    pub episodes: Vec<Episode>,
    /// Stopped before the end.
    pub interrupted: bool,
}

/// The files of an audit log: all files below the sources, if the first that is not empty holds CloudTrail
/// records. `None` sends the sources to the catalogue.
pub fn files(sources: &[String]) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    for source in sources {
        walk(Path::new(source), 0, &mut files)?;
    }
    let first = files.iter().find_map(|path| head(path).filter(|head| !head.is_empty()))?;
    let has = |key: &str| memchr::memmem::find(&first, key.as_bytes()).is_some();
    (has("\"eventName\"") && has("\"eventSource\"") && has("\"userIdentity\"")).then_some(files)
}

/// Files below a path in the order of their names; `None` if it is neither file nor folder.
fn walk(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Option<()> {
    const DEPTH_MAX: usize = 32;
    if path.is_file() {
        files.push(path.to_owned());
        return Some(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && depth < DEPTH_MAX {
            // What cannot be read below a folder is left out.
            let _ = walk(&entry, depth + 1, files);
        }
    }
    Some(())
}

fn head(path: &Path) -> Option<Vec<u8>> {
    let mut packed = Vec::new();
    fs::File::open(path).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut packed).ok()?;
    if !packed.starts_with(&[0x1f, 0x8b]) {
        return Some(packed);
    }
    let mut head = Vec::new();
    // The end of what was read cuts the stream short: what came before it is enough.
    let _ = MultiGzDecoder::new(packed.as_slice()).take(HEAD_BYTES as u64).read_to_end(&mut head);
    Some(head)
}

/// Reads and judges the files in the order of their first events; a file is in memory at a time.
pub fn judge(files: &[PathBuf], work: &Work) -> Result<Findings> {
    let mut ordered = Vec::new();
    for path in files {
        let first = head(path).and_then(|head| first_time(&head));
        ordered.push((first, path));
    }
    ordered.sort();
    let mut judge = EventJudge::new(EventConfig::default());
    let mut findings = Findings::default();
    let mut episodes = BTreeMap::new();
    for (_, path) in ordered {
        if work.stopped() {
            findings.interrupted = true;
            break;
        }
        let packed = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let bytes = match unpack(&packed, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(why) => {
                findings.reject(path, &why);
                continue;
            }
        };
        let mut decoded = cloudtrail::decode(&bytes);
        decoded.parsed.sort_by_key(|record| record.event.at);
        decoded.rejects.iter().for_each(|why| findings.reject(path, why));
        findings.rejected += decoded.rejects.unlisted();
        for record in &decoded.parsed {
            let verdict = judge.update(&record.event);
            findings.count(record.event.at);
            add(&mut episodes, &record.event, verdict);
        }
        work.advance(packed.len() as u64);
    }
    findings.episodes = episodes.into_values().flatten().collect();
    findings.episodes.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.start_at.cmp(&b.start_at)));
    Ok(findings)
}

/// Time of the first record that begins in `head`.
fn first_time(head: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"eventTime\"";
    let after = &head[memchr::memmem::find(head, KEY)? + KEY.len()..];
    let mut quoted = after.split(|&byte| byte == b'"');
    quoted.nth(1).map(|time| String::from_utf8_lossy(time).into_owned())
}

fn add(episodes: &mut BTreeMap<String, Vec<Episode>>, event: &Event<'_>, verdict: EventVerdict) {
    if verdict.reasons.is_empty() {
        return;
    }
    let of_actor = episodes.entry(event.actor.clone().into_owned()).or_default();
    let goes_on = |last: &&mut Episode| event.at.micros_since(last.end_at) <= Grain::HOUR.micros();
    if let Some(last) = of_actor.last_mut().filter(goes_on) {
        last.end_at = last.end_at.max(event.at);
        last.events += 1;
        last.alarm |= verdict.anomaly;
        if verdict.score > last.score {
            *last = Episode {
                start_at: last.start_at,
                end_at: last.end_at,
                events: last.events,
                alarm: last.alarm,
                ..episode(event, verdict)
            };
        }
        return;
    }
    if of_actor.len() == EPISODES_MAX
        && let Some(least) =
            (0..of_actor.len()).min_by(|&a, &b| of_actor[a].score.total_cmp(&of_actor[b].score))
    {
        of_actor.remove(least);
    }
    of_actor.push(episode(event, verdict));
}

fn episode(event: &Event<'_>, verdict: EventVerdict) -> Episode {
    Episode {
        actor: event.actor.clone().into_owned(),
        start_at: event.at,
        end_at: event.at,
        events: 1,
        score: verdict.score,
        action: event.action.clone().into_owned(),
        place: event.place.clone().into_owned(),
        alarm: verdict.anomaly,
        reasons: verdict.reasons,
    }
}

impl Findings {
    fn reject(&mut self, path: &Path, why: &decode::Error) {
        self.rejected += 1;
        if self.first_rejects.len() < 3 {
            self.first_rejects.push(format!("{}: {why}", path.display()));
        }
    }

    fn count(&mut self, at: Timestamp) {
        self.records += 1;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn record(minute: usize, name: &str) -> String {
        let (day, hour, minute) = (1 + minute / 1_440, minute / 60 % 24, minute % 60);
        format!(
            r#"{{"eventID":"e","eventTime":"2024-05-{day:02}T{hour:02}:{minute:02}:00Z","eventName":"{name}","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/app/i-1"}}}}"#
        )
    }

    /// A packed delivery of the second week comes first by name, and a broken line is in it.
    #[test]
    fn a_folder_of_deliveries_is_judged_in_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let usual: Vec<String> =
            (0..10 * 144).map(|step| record(step * 10, ["GetObject", "ListBucket"][step % 2])).collect();
        fs::write(folder.path().join("b.json"), format!("{{\"Records\":[{}]}}", usual.join(","))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writeln!(packed, "{}\n{{\"eventID\":7}}", record(10 * 1_440 + 5, "PutBucketPolicy")).unwrap();
        fs::write(folder.path().join("a.json.gz"), packed.finish().unwrap()).unwrap();
        let files = files(&[folder.path().to_string_lossy().into_owned()]).unwrap();
        let findings = judge(&files, &Work::unseen()).unwrap();
        assert_eq!((findings.records, findings.rejected), (1_441, 1));
        let strangest = &findings.episodes[0];
        assert_eq!((strangest.action.as_str(), strangest.alarm), ("s3:PutBucketPolicy", true));
        assert!(
            strangest.reasons[0]
                .text
                .starts_with("assumed-role/app never called s3:PutBucketPolicy in 10 days")
        );
    }

    #[test]
    fn other_files_are_left_to_the_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "time,eventName\n1,2\n").unwrap();
        assert_eq!(files(&[path.to_string_lossy().into_owned()]), None);
        assert_eq!(files(&["no such thing".to_owned()]), None);
        assert_eq!(files(&[]), None);
    }
}
