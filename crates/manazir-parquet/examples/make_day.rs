//! Writes a day of made-up samples as an export does, to try a reader on:
//!
//! `cargo run -p manazir-parquet --example make_day -- DIR`

use std::borrow::Cow;

use manazir_ingest::lake::series_id;
use manazir_model::{JudgedSample, Random, SeriesKey, Timestamp};
use manazir_parquet::Folder;

/// 2026-03-01, in days since 1970.
const DAY: i64 = 20_513;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder to write to")?;
    let mut random = Random::new(1);
    let mut chunks: Vec<(u64, SeriesKey, Vec<JudgedSample>)> = ["BR", "DE", "JP"]
        .map(|country| {
            let key = SeriesKey::new("orders", [("country".to_owned(), country.to_owned())]);
            let rows = (0..1_440).map(|minute| row(minute, country == "BR", &mut random)).collect();
            (series_id(&key), key, rows)
        })
        .into();
    chunks.sort_by_key(|(id, ..)| *id);
    Folder::new(folder).samples(DAY, chunks.into_iter().map(Ok))?;
    Ok(())
}

/// Sixty orders a minute; in the first country a tenth of them at half past two.
fn row(minute: i64, falls: bool, random: &mut Random) -> JudgedSample {
    let at = Timestamp::from_seconds(86_400 * DAY + 60 * minute);
    let fallen = falls && (870..880).contains(&minute);
    let value = (60.0 + 5.0 * random.normal()).round() * if fallen { 0.1 } else { 1.0 };
    JudgedSample {
        expected: 60.0,
        lower: 42.0,
        upper: 78.0,
        score: if fallen { 14.0 } else { 0.0 },
        p_value: if fallen { 4e-5 } else { 1.0 },
        detector: Cow::Borrowed("value"),
        alarm: fallen,
        ..JudgedSample::unjudged(at, value, at)
    }
}
