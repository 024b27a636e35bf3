//! The reference page of detectors, written from their tables.

use std::fmt::Write;

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
    page
}

fn section(page: &mut String, title: &str, introduction: &str, detectors: &[StreamInfo]) {
    let mut text = format!("\n## {title}\n\n{introduction}\n\n");
    text.push_str("| name | what it does | good for | not for | cost |\n| --- | --- | --- | --- | --- |\n");
    for info in detectors {
        let StreamInfo { name, summary, good_for, not_for, cost } = info;
        writeln!(text, "| `{name}` | {summary} | {good_for} | {not_for} | {} |", cost.name())
            .expect("writing to a string cannot fail");
    }
    page.push_str(&text);
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
        // A bar within a text would tear its row apart.
        let rows = page.lines().filter(|line| line.starts_with('|'));
        assert!(rows.clone().count() > STREAM_DETECTORS.len());
        assert!(rows.clone().all(|row| row.matches('|').count() == 6), "{page}");
    }
}
