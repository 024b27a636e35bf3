//! What no detector at all reaches on labelled sets: random scores, and the clipped mean absolute z-score.
//!
//! `cargo run --release -p manazir-score --example floor -- DIR`, DIR in the layout of `labelled`. A detector
//! that does not clear the second is not worth its time; a measure that gives the first a high figure is not
//! worth reading.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use manazir_score::labelled::{Labelled, Series, load};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: floor DIR")?);
    let mut out = std::io::stdout().lock();
    let labelled = load(&dir)?;
    writeln!(out, "skipped: {:?}", labelled.skipped)?;
    print(&mut out, "random", &labelled, random)?;
    print(&mut out, "z-score", &labelled, z_score)
}

/// Judges the scores that `detector` gives the scored rows.
fn print(
    out: &mut impl Write,
    name: &str,
    labelled: &Labelled,
    detector: fn(&Series) -> Vec<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut figures = Vec::new();
    for series in labelled.series() {
        let scores = detector(series);
        figures.push(series.judge(&scores, &scores, 0)?);
    }
    let report = labelled.report(&figures)?;
    for (set, report) in &report.sets {
        writeln!(
            out,
            "{name:8} {set:10} ({:2}, {} not scored)  VUS-PR {:.3}  AUC-PR {:.3}  recall {:.3}  delay {:?}",
            report.series,
            report.unscored,
            report.vus_pr,
            report.auc_pr,
            report.event_recall,
            report.delay_median_points
        )?;
    }
    writeln!(
        out,
        "{name:8} mean VUS-PR {:.3}, {:.0} ms",
        report.mean_vus_pr,
        1e3 * started.elapsed().as_secs_f64()
    )?;
    Ok(())
}

/// Uniform scores by a fixed rule (Weyl sequence, scrambled by a multiplication).
fn random(series: &Series) -> Vec<f64> {
    let scramble = |row: u64| (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (row << 17);
    (0..series.n_scored() as u64)
        .map(|row| (scramble(row).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64)
        .collect()
}

/// Mean over the channels of min(|x − mean| / deviation, 10), both from the train rows, or from all where there
/// are none. An empty cell repeats the value before it.
fn z_score(series: &Series) -> Vec<f64> {
    // One channel that was constant in training must not drown the others.
    const CLIP: f64 = 10.0;
    let mut scores = vec![0.0; series.n_scored()];
    for channel in &series.channels {
        let learnt = if series.n_train > 0 { &channel[..series.n_train] } else { channel };
        let (mean, deviation) = mean_and_deviation(learnt);
        let mut last = mean;
        for (score, &value) in scores.iter_mut().zip(&channel[series.n_train..]) {
            last = if value.is_nan() { last } else { value };
            *score += ((last - mean).abs() / deviation).min(CLIP) / series.channels.len() as f64;
        }
    }
    scores
}

/// Of the values that are there; a deviation of zero counts as 1.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let present = || values.iter().filter(|value| !value.is_nan());
    let n_samples = present().count() as f64;
    let mean = present().sum::<f64>() / n_samples;
    let deviation = (present().map(|value| (value - mean).powi(2)).sum::<f64>() / n_samples).sqrt();
    (mean, if deviation < 1e-9 { 1.0 } else { deviation })
}
