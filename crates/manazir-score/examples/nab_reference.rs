//! The scorer checked on the scores that NAB ships: the published figures must come out.
//!
//! `cargo run --release -p manazir-score --example nab_reference -- DIR`, DIR in NAB's layout with
//! `reference_scores.parquet`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use manazir_score::nab::Corpus;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: nab_reference DIR")?);
    let mut out = std::io::stdout().lock();
    let corpus = Corpus::load(&dir)?;
    for reference in corpus.reference(&dir)? {
        let started = Instant::now();
        let report = corpus.score(&reference.scores)?;
        let (seconds, best) = (started.elapsed().as_secs_f64(), report.optimum.standard);
        writeln!(
            out,
            "{:18} {:6.2} {:6.2} {:6.2}   out of group {:6.2} {:6.2} {:6.2}   at {:.6}: {} of {} windows, {} false   {:.0} ms",
            reference.detector,
            report.scores.standard,
            report.scores.low_fp,
            report.scores.low_fn,
            report.out_of_group.scores.standard,
            report.out_of_group.scores.low_fp,
            report.out_of_group.scores.low_fn,
            best.threshold,
            best.windows_hit,
            best.windows,
            best.false_positives,
            1e3 * seconds,
        )?;
    }
    Ok(())
}
