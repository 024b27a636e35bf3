//! The demo: a shop in four weeks of data, with incidents that are known.
//!
//! It is written as files and read back like anybody's data, so that what a newcomer sees is the real path.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use manazir_detect::Random;
use manazir_model::{Grain, Series, SeriesKey, Timestamp};
use serde::Serialize;

use crate::finding::SeriesReport;
use crate::generate::{Disturbance, Incident, Injected, Rhythm, Span, draw, injected};

/// The demo never changes: its sentences stand in the documentation.
const SEED: u64 = 7171;

const DAYS: usize = 28;

/// Samples of five minutes in an hour and in a day.
const HOUR: usize = 12;
const DAY: usize = 24 * HOUR;

/// An incident of the demo, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemoIncident {
    /// What happened.
    pub story: &'static str,
    /// Where and when.
    #[serde(flatten)]
    pub injected: Injected,
}

/// The demo's series, table by table, and its incidents in order of time.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Name of the file, and its series: one for each column, or for each value of the label.
    pub tables: Vec<(&'static str, Vec<Series>)>,
    /// What was hidden.
    pub incidents: Vec<DemoIncident>,
}

/// Four weeks from Monday, 2 March 2026, in steps of five minutes.
fn span() -> Span {
    let grain = Grain::from_micros(5 * Grain::MINUTE.micros()).unwrap_or(Grain::MINUTE);
    Span::days(Timestamp::from_seconds(1_772_409_600), grain, DAYS)
}

/// The same weeks in quarters of an hour, for the table of many series.
fn span_of_quarters() -> Span {
    let grain = Grain::from_micros(15 * Grain::MINUTE.micros()).unwrap_or(Grain::HOUR);
    Span::days(span().start, grain, DAYS)
}

/// A place in the demo: day from 0, hour and minute.
fn place(day: usize, hour: usize, minute: usize) -> usize {
    day * DAY + hour * HOUR + minute / 5
}

/// Draws the demo.
pub fn demo() -> Demo {
    let mut maker = Maker { random: Random::new(SEED), incidents: Vec::new() };
    let tables = vec![
        ("orders", maker.orders()),
        ("latency", vec![maker.latency()]),
        ("errors", maker.errors()),
        ("cold_store", vec![maker.temperature()]),
        ("disk", vec![maker.disk()]),
        // Drawn last, so that the others stay what they were before it came.
        ("baskets", maker.baskets()),
    ];
    let mut incidents = maker.incidents;
    incidents.sort_by_key(|incident| incident.injected.start_at);
    Demo { tables, incidents }
}

struct Maker {
    random: Random,
    incidents: Vec<DemoIncident>,
}

impl Maker {
    fn series(
        &mut self,
        key: SeriesKey,
        rhythm: &Rhythm,
        hidden: Option<(&'static str, Incident)>,
    ) -> Series {
        self.drawn(key, rhythm, span(), hidden)
    }

    fn drawn(
        &mut self,
        key: SeriesKey,
        rhythm: &Rhythm,
        span: Span,
        hidden: Option<(&'static str, Incident)>,
    ) -> Series {
        let incident = hidden.map(|(_, incident)| incident);
        let series = draw(key.clone(), rhythm, span, incident.as_slice(), &mut self.random);
        if let Some((story, incident)) = hidden {
            self.incidents.push(DemoIncident { story, injected: injected(key, span, &incident) });
        }
        series
    }

    /// Baskets that are paid, by country and version of the app: one combination of them loses orders.
    fn baskets(&mut self) -> Vec<Series> {
        let release =
            Incident { kind: Disturbance::Dip, first: place(23, 17, 0) / 3, length: 24, factor: 0.15 };
        let countries = [("BR", 520.0, 20.0), ("DE", 310.0, 18.0), ("IN", 260.0, 14.0), ("US", 590.0, 23.0)];
        let apps = [("3.9", 0.09), ("4.1", 0.22), ("4.2", 0.55), ("web", 0.14)];
        let mut all = Vec::new();
        for (app, share) in apps {
            for (country, level, peak_hour) in countries {
                let rhythm = Rhythm {
                    level: level * share,
                    day_share: 0.75,
                    peak_hour,
                    weekend: 1.1,
                    growth: 0.05,
                    noise: 0.04,
                    counts: true,
                };
                let labels = [("app", app), ("country", country)];
                let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let is_broken = (app, country) == ("4.2", "BR");
                let hidden = is_broken.then_some(("app 4.2 lost its payments in Brazil", release));
                let key = SeriesKey::new("paid_baskets", labels);
                all.push(self.drawn(key, &rhythm, span_of_quarters(), hidden));
            }
        }
        all
    }

    /// Orders a minute of four countries, whose days and weekends differ.
    fn orders(&mut self) -> Vec<Series> {
        let rhythm = |level, peak_hour, weekend| Rhythm {
            level,
            day_share: 0.75,
            peak_hour,
            weekend,
            growth: 0.05,
            noise: 0.04,
            counts: true,
        };
        let payment = Incident { kind: Disturbance::Dip, first: place(17, 13, 5), length: 19, factor: 0.38 };
        let bots = Incident {
            kind: Disturbance::SeasonBreak,
            first: place(22, 1, 0),
            length: 3 * HOUR,
            factor: 1.0,
        };
        let countries = [
            ("BR", rhythm(420.0, 20.0, 1.25), Some(("a payment provider failed in Brazil", payment))),
            ("DE", rhythm(310.0, 18.0, 0.85), Some(("bots ordered by night in Germany", bots))),
            ("IN", rhythm(260.0, 14.0, 1.05), None),
            ("US", rhythm(690.0, 23.0, 1.10), None),
        ];
        countries
            .into_iter()
            .map(|(country, rhythm, hidden)| {
                let key = SeriesKey::new("orders_per_minute", [("country".to_owned(), country.to_owned())]);
                self.series(key, &rhythm, hidden)
            })
            .collect()
    }

    fn latency(&mut self) -> Series {
        let rhythm = Rhythm {
            level: 85.0,
            day_share: 0.25,
            peak_hour: 20.0,
            weekend: 1.0,
            growth: 0.0,
            noise: 0.06,
            counts: false,
        };
        let release = Incident { kind: Disturbance::Spike, first: place(15, 9, 30), length: 5, factor: 11.5 };
        self.series(
            SeriesKey::new("latency_p95_ms", []),
            &rhythm,
            Some(("a release without its cache", release)),
        )
    }

    /// Errors are rare and counted: no bell curve fits them.
    fn errors(&mut self) -> Vec<Series> {
        let rhythm = |level| Rhythm {
            level,
            day_share: 0.3,
            peak_hour: 19.0,
            weekend: 1.0,
            growth: 0.0,
            noise: 0.0,
            counts: true,
        };
        let expired = Incident {
            kind: Disturbance::LevelShift,
            first: place(19, 0, 0),
            length: 9 * HOUR,
            factor: 14.0,
        };
        let services = [
            ("checkout", rhythm(0.8), Some(("a certificate expired at midnight", expired))),
            ("search", rhythm(2.5), None),
        ];
        services
            .into_iter()
            .map(|(service, rhythm, hidden)| {
                let key = SeriesKey::new("errors", [("service".to_owned(), service.to_owned())]);
                self.series(key, &rhythm, hidden)
            })
            .collect()
    }

    fn temperature(&mut self) -> Series {
        let rhythm = Rhythm {
            level: 4.2,
            day_share: 0.08,
            peak_hour: 15.0,
            weekend: 1.0,
            growth: 0.0,
            noise: 0.02,
            counts: false,
        };
        let stuck =
            Incident { kind: Disturbance::FlatLine, first: place(20, 22, 0), length: 11 * HOUR, factor: 1.0 };
        self.series(SeriesKey::new("temperature_celsius", []), &rhythm, Some(("a sensor froze", stuck)))
    }

    /// A counter: bytes written since the start of the machine.
    fn disk(&mut self) -> Series {
        let rhythm = Rhythm {
            level: 6.5e8,
            day_share: 0.4,
            peak_hour: 3.0,
            weekend: 1.0,
            growth: 0.1,
            noise: 0.05,
            counts: false,
        };
        let runaway = Incident {
            kind: Disturbance::LevelShift,
            first: place(24, 10, 0),
            length: 26 * HOUR,
            factor: 2.6,
        };
        let mut series = self.series(
            SeriesKey::new("disk_written_bytes_total", []),
            &rhythm,
            Some(("a debug log was left on", runaway)),
        );
        let mut total = 0.0;
        for value in &mut series.values {
            total += value.round();
            *value = total;
        }
        series
    }
}

impl Demo {
    /// Writes each table as a file of comma-separated values into `folder`. Files that hold the same already
    /// are left alone, so that a second `up` sees nothing new.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (name, series) in &self.tables {
            let path = folder.join(format!("{name}.csv"));
            let text = table_text(series);
            if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            let mut out = BufWriter::new(File::create(path)?);
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    }
}

/// `time,label,…,metric`; rows in order of time.
fn table_text(series: &[Series]) -> String {
    let Some(first) = series.first() else { return String::new() };
    let labels: String = first.key.labels.iter().map(|(label, _)| format!("{label},")).collect();
    let mut text = format!("time,{labels}{}\n", first.key.metric);
    for index in 0..first.len() {
        for series in series {
            let labels: String = series.key.labels.iter().map(|(_, value)| format!("{value},")).collect();
            text.push_str(&format!("{},{labels}{}\n", series.at[index], series.values[index]));
        }
    }
    text
}

/// Which of the hidden incidents were found: one whose series has an episode that touches it.
pub fn found<'a>(incidents: &'a [DemoIncident], reports: &[SeriesReport]) -> Vec<(&'a DemoIncident, bool)> {
    let touched = |incident: &DemoIncident| {
        reports.iter().filter(|report| same_series(&report.series.key, &incident.injected.series)).any(
            |report| {
                let grain = report.series.grain.map_or(0, Grain::micros);
                report.anomalies.iter().any(|anomaly| {
                    anomaly.start_at.micros() <= incident.injected.end_at.micros() + grain
                        && anomaly.end_at.micros() + grain >= incident.injected.start_at.micros()
                })
            },
        )
    };
    incidents.iter().map(|incident| (incident, touched(incident))).collect()
}

/// A catalog may add labels of its own, such as the name of the file.
fn same_series(read: &SeriesKey, hidden: &SeriesKey) -> bool {
    read.metric == hidden.metric && hidden.labels.iter().all(|label| read.labels.contains(label))
}

/// What was hidden, in words, and whether it was found.
pub fn verdict(incidents: &[(&DemoIncident, bool)]) -> Vec<(String, bool)> {
    let words = |incident: &DemoIncident| {
        let Injected { series, kind, .. } = &incident.injected;
        format!("{} ({series}, {})", incident.story, kind.word().replace('_', " "))
    };
    incidents.iter().map(|&(incident, found)| (words(incident), found)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_always_the_same_and_hides_seven_incidents() {
        let (one, other) = (demo(), demo());
        assert_eq!(one.incidents, other.incidents);
        assert_eq!(one.incidents.len(), 7);
        let series =
            |demo: &Demo| demo.tables.iter().flat_map(|(_, series)| series.clone()).collect::<Vec<_>>();
        assert_eq!(series(&one), series(&other));
        assert_eq!(series(&one).len(), 9 + 16);
    }

    #[test]
    fn a_counter_never_falls() {
        let demo = demo();
        let disk = &demo.tables[4].1[0];
        assert!(disk.values.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn files_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let demo = demo();
        demo.write(folder.path()).unwrap();
        let modified = || fs::metadata(folder.path().join("orders.csv")).unwrap().modified().unwrap();
        let before = modified();
        demo.write(folder.path()).unwrap();
        assert_eq!(modified(), before);
        let text = fs::read_to_string(folder.path().join("orders.csv")).unwrap();
        assert!(
            text.starts_with("time,country,orders_per_minute\n2026-03-02T00:00:00Z,BR,"),
            "{}",
            &text[..80]
        );
    }
}
