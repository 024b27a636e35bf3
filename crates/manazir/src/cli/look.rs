//! Arguments of the commands that look at what the service found, and answer it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use manazir_model::Timestamp;

use super::DATA_FOLDER;

/// Where the truth is.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// The directory of the service
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
    /// The truth of the service, if it is not in its directory: postgres://…
    #[arg(long, value_name = "URL", env = "MANAZIR_TRUTH", hide_env_values = true)]
    pub truth: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, Args)]
pub struct PageArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Only those before this number: the page after
    #[arg(long, value_name = "NUMBER")]
    pub before: Option<u64>,
}

/// Anomalies that the service found.
#[derive(Debug, Subcommand)]
pub enum Anomaly {
    /// What was strange, the newest first
    List(Box<AnomalyList>),
    /// One anomaly with all its reasons
    Show(Numbered),
    /// Say that it was worth looking at
    Confirm(Judge),
    /// Say that it was not
    Reject(Judge),
    /// Take back what was said
    Undo(Numbered),
}

/// Arguments of `anomaly list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir anomaly list
  manazir anomaly list --since 24h --min-score 5
  manazir anomaly list --role role/app --action iam:CreateUser
  manazir anomaly list --asset 'arn:aws:s3:::logs' --json | jq -r '.anomalies[].sentence'
  manazir anomaly list --kind series --since 24h
  manazir anomaly list --feedback none --limit 200

Names are compared as a whole. It works while the service runs, and when it does not.")]
pub struct AnomalyList {
    /// Only events, or only episodes of series
    #[arg(long, value_name = "KIND", value_parser = ["event", "series"])]
    pub kind: Option<String>,
    /// Of this role
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// Of this type of event
    #[arg(long, value_name = "NAME")]
    pub action: Option<String>,
    /// That affected this asset
    #[arg(long, value_name = "NAME")]
    pub asset: Option<String>,
    /// Of the event with this identity
    #[arg(long, value_name = "ID")]
    pub event: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// From this source: plain, cloudtrail
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Found by this detector
    #[arg(long, value_name = "NAME")]
    pub detector: Option<String>,
    /// Not earlier: 2024-05-14T14:22:00Z, 2024-05-14, or 90m, 24h, 7d ago
    #[arg(long, value_name = "T", value_parser = instant)]
    pub since: Option<Timestamp>,
    /// Earlier than this
    #[arg(long, value_name = "T", value_parser = instant)]
    pub until: Option<Timestamp>,
    /// At least so strange
    #[arg(long, value_name = "N")]
    pub min_score: Option<f64>,
    /// As people judged it: confirmed, rejected, or none for what nobody has judged
    #[arg(long, value_name = "VERDICT", value_parser = ["confirmed", "rejected", "none"])]
    pub feedback: Option<String>,
    /// With these words in its sentence
    #[arg(long, value_name = "TEXT")]
    pub words: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// One thing, by its number.
#[derive(Debug, Args)]
pub struct Numbered {
    /// Its number, as the list shows it
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `anomaly confirm` and `anomaly reject`.
#[derive(Debug, Args)]
pub struct Judge {
    /// Its number, as `manazir anomaly list` shows it
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Who says so
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, default_value = "command line")]
    pub by: String,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Messages that could not be read or judged.
#[derive(Debug, Subcommand)]
pub enum DeadLetter {
    /// What could not be read or judged, the newest first
    List(DeadLetterList),
    /// One of them, with its body as it came
    Show(Numbered),
    /// Put another body in the place of the one that came
    Repair(Repair),
    /// Read them again and send them on, through the running service
    Replay(Replay),
    /// Give them up; they stay in the list
    Discard(Discard),
}

/// Arguments of `dead-letter list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir dead-letter list
  manazir dead-letter list --state replayed --limit 100
  manazir dead-letter list --words 'RoleID is missing'")]
pub struct DeadLetterList {
    /// How they stand: waiting, replayed, discarded or all
    #[arg(long, value_name = "STATE", default_value = "waiting",
        value_parser = ["waiting", "replayed", "discarded", "all"])]
    pub state: String,
    /// From this source: plain, cloudtrail
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// With these words in the reason
    #[arg(long, value_name = "TEXT")]
    pub words: Option<String>,
    /// Which page.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `dead-letter repair`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir dead-letter show 7 --json | jq -r .body > seven.json
  manazir dead-letter repair 7 --body seven.json
  manazir dead-letter replay 7")]
pub struct Repair {
    /// Its number, as the list shows it
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// The file with the new body; - for standard input
    #[arg(long, value_name = "F")]
    pub body: PathBuf,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Arguments of `dead-letter replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir dead-letter replay 7 8
  manazir dead-letter replay --all
  manazir dead-letter replay --all --source cloudtrail --words 'eventID is missing'

The running service sends them: it is found through its directory or --server. The token needs the scope
respond. With --all it is a job; manazir job list shows how far it is.

Exit code 1 if one of them still cannot be read; what is wrong with it is listed.")]
pub struct Replay {
    /// Their numbers, as the list shows them
    #[arg(value_name = "NUMBER", required_unless_present = "all", conflicts_with = "all")]
    pub numbers: Vec<u64>,
    /// All that wait
    #[arg(long)]
    pub all: bool,
    /// With --all: only from this source
    #[arg(long, value_name = "NAME", requires = "all")]
    pub source: Option<String>,
    /// With --all: only with these words in the reason
    #[arg(long, value_name = "TEXT", requires = "all")]
    pub words: Option<String>,
    /// How the service is reached.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// How the running service is reached.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Address of the service, if it is not that of the directory: http://127.0.0.1:7171
    #[arg(long, value_name = "URL", env = "MANAZIR_SERVER")]
    pub server: Option<String>,
    /// A token that lets in
    #[arg(long, value_name = "TOKEN", env = "MANAZIR_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Arguments of `dead-letter discard`.
#[derive(Debug, Args)]
pub struct Discard {
    /// Their numbers, as the list shows them
    #[arg(value_name = "NUMBER", required = true)]
    pub numbers: Vec<u64>,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// Long tasks of the service.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Long tasks, the newest first
    List(JobList),
    /// One of them
    Show(Numbered),
}

/// Arguments of `job list`.
#[derive(Debug, Args)]
pub struct JobList {
    /// Which page.
    #[command(flatten)]
    pub page: PageArgs,
    /// Where the truth is.
    #[command(flatten)]
    pub data: DataArgs,
}

/// An instant, a day in UTC, or a length of time ago.
fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let ago = || jiff::Timestamp::now().checked_sub(length(text)?).ok();
    manazir_ingest::decode::time(text)
        .or_else(|| day().map(|day| day.timestamp().into()))
        .or_else(|| ago().map(Timestamp::from))
        .ok_or_else(|| "write a time like 2024-05-14T14:22:00Z, 2024-05-14, or 90m, 24h, 7d".to_owned())
}

/// `90m`: whole minutes, hours, days; a day has 24 hours.
fn length(text: &str) -> Option<jiff::SignedDuration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(jiff::SignedDuration::from_secs(i64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_three_ways() {
        assert_eq!(instant("2024-05-14T14:22:00+02:00").unwrap().to_string(), "2024-05-14T12:22:00Z");
        assert_eq!(instant("2024-05-14").unwrap().to_string(), "2024-05-14T00:00:00Z");
        let ago = instant("7d").unwrap();
        let days = Timestamp::from(jiff::Timestamp::now()).micros_since(ago) / 86_400_000_000;
        assert_eq!(days, 7);
        for wrong in ["", "d", "7 weeks", "-3d", "99999999999999h", "2024-13-01", "é"] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }
}
