//! The reference page of detectors, written from their tables.

use std::fmt::Write;

use crate::batch::{BATCH_DETECTORS, BatchInfo};
use crate::event::{self, EventInfo};
use crate::stream::table::{CHANNEL_DETECTORS, STREAM_DETECTORS, StreamInfo};

/// `docs/reference/detectors.md`: regenerated from the tables, never written by hand.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Detectors\n\n\
         This page is generated from the tables of detectors in `manazir-detect`; do not edit it.\n\n\
         *Light* detectors take well below a microsecond a sample and at most 4 KiB for each series, beside the profile \
         of a season; *medium* ones take microseconds or up to 256 KiB; *heavy* ones take more.\n",
    );
    section(
        &mut page,
        "Streaming, one series",
        "Each sample is judged by those before it, then learnt. State is fixed, and can be saved and restored.",
        STREAM_DETECTORS,
    );
    section(
        &mut page,
        "Streaming, several channels of one entity",
        "Each row is judged by those before it, with the share that every channel has in the score.",
        CHANNEL_DETECTORS,
    );
    batch_section(&mut page);
    event_section(&mut page);
    page
}

fn section(page: &mut String, title: &str, introduction: &str, detectors: &[StreamInfo]) {
    page.push_str(&format!("\n## {title}\n\n{introduction}\n\n"));
    page.push_str("| name | what it does | good for | not for | cost |\n| --- | --- | --- | --- | --- |\n");
    for info in detectors {
        let StreamInfo { name, summary, good_for, not_for, cost } = info;
        writeln!(page, "| `{name}` | {summary} | {good_for} | {not_for} | {} |", cost.name())
            .expect("writing to a string cannot fail");
    }
}

fn batch_section(page: &mut String) {
    page.push_str(
        "\n## Batch\n\nThese may look at the whole series, so they are never used live.\n\n\
         | name | what it finds | cost |\n| --- | --- | --- |\n",
    );
    for BatchInfo { name, about, cost, .. } in BATCH_DETECTORS {
        writeln!(page, "| `{name}` | {about} | {cost} |").expect("writing to a string cannot fail");
    }
}

fn event_section(page: &mut String) {
    page.push_str(
        "\n## Events\n\nEach event is judged by those before it. The weight is the share that a surprise has in the \
         score.\n\n| name | what it notices | weight |\n| --- | --- | --- |\n",
    );
    for EventInfo { name, summary, weight } in event::detectors() {
        writeln!(page, "| {name} | {summary} | {weight} |").expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_whole_row() {
        let page = reference_markdown();
        for info in STREAM_DETECTORS.iter().chain(CHANNEL_DETECTORS) {
            let row = format!("| `{}` | {} |", info.name, info.summary);
            assert!(page.contains(&row), "{} is missing", info.name);
        }
        for info in BATCH_DETECTORS {
            assert!(
                page.contains(&format!("| `{}` | {} |", info.name, info.about)),
                "{} is missing",
                info.name
            );
        }
    }

    #[test]
    fn no_text_tears_its_row_apart() {
        let page = reference_markdown();
        for table in page.split("\n## ").skip(1) {
            let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
            let bars = |row: &str| row.matches('|').count();
            assert!(rows.len() > 2 && rows.iter().all(|row| bars(row) == bars(rows[0])), "{table}");
        }
    }
}
