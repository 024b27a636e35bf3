//! `manazir score`: measured accuracy on labelled data.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use manazir_score::{labelled, nab, peak_rss_mib};

use super::{Ending, parquet_out, write_json};
use crate::cli::{Output, Score, ScoreArgs};
use crate::engine;
use crate::progress::{Unit, Work};
use crate::report::number::number;
use crate::report::terminal::{Style, table};

pub(super) fn run(score: &Score, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match score {
        Score::Nab(args) => run_nab(args, output, out),
        Score::Labelled(args) => run_labelled(args, output, out),
        Score::Cloudtrail(args) => super::score_cloudtrail::run(args, output, out),
        Score::Cubes(args) => super::score_causes::cubes(args, output, out),
        Score::Events(args) => super::score_causes::events(args, output, out),
        Score::Petshop(args) => super::score_causes::petshop(args, output, out),
        Score::Nezha(args) => super::score_causes::nezha(args, output, out),
    }
}

/// Points a second of the time that detection took, reading and judging left out.
fn rate(points: usize, since: Instant) -> f64 {
    points as f64 / since.elapsed().as_secs_f64().max(1e-9)
}

fn run_nab(args: &ScoreArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let corpus = nab::Corpus::load(&args.dir).with_context(|| reading(&args.dir))?;
    let points: usize = corpus.files.iter().map(|file| file.values.len()).sum();
    let work = Work::start("scoring", points as u64, Unit::Samples, output.unwatched());
    let begun = Instant::now();
    let series: Vec<_> =
        corpus.files.iter().map(|file| (file.at.as_slice(), file.values.as_slice())).collect();
    let Some(scores) = engine::told_scores(&series, &work) else { return Ok(Ending::Interrupted) };
    let points_per_second = Some(rate(points, begun));
    drop(work);
    let report = nab::Report { points_per_second, peak_rss_mib: peak_rss_mib(), ..corpus.score(&scores)? };
    if let Some(path) = &args.out {
        let rows = corpus
            .files
            .iter()
            .zip(&scores)
            .map(|(file, scores)| (file.name.as_str(), file.at.as_slice(), scores.as_slice()));
        parquet_out::write_scores(path, rows).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    let figure = |name: &str, of: &nab::PerProfile<f64>| {
        vec![
            name.to_owned(),
            format!("{:.2}", of.standard),
            format!("{:.2}", of.low_fp),
            format!("{:.2}", of.low_fn),
        ]
    };
    let rows = [
        figure("best threshold", &report.scores),
        figure("threshold of the other groups", &report.out_of_group.scores),
    ];
    writeln!(out, "{}", table(&["NAB", "#standard", "#low FP", "#low FN"], &rows, Style::of_stdout()))?;
    speed(out, report.points_per_second, report.peak_rss_mib)
}

fn run_labelled(args: &ScoreArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let labelled = labelled::load(&args.dir).with_context(|| reading(&args.dir))?;
    let points: usize = labelled.series().map(|series| series.labels.len()).sum();
    let work = Work::start("scoring", points as u64, Unit::Samples, output.unwatched());
    let begun = Instant::now();
    let channels: Vec<_> = labelled
        .series()
        .map(|series| engine::Channels {
            values: &series.channels,
            timestamps: series.timestamps.as_deref(),
            n_train: series.n_train,
        })
        .collect();
    let Some(judged) = engine::channel_scores(&channels, &work) else { return Ok(Ending::Interrupted) };
    let points_per_second = Some(rate(points, begun));
    drop(work);
    let figures = labelled
        .series()
        .zip(&judged)
        .map(|(series, scores)| series.judge(&scores.batch, &scores.stream, scores.period_samples))
        .collect::<manazir_score::Result<Vec<_>>>()?;
    let report =
        labelled::Report { points_per_second, peak_rss_mib: peak_rss_mib(), ..labelled.report(&figures)? };
    if let Some(path) = &args.out {
        let scores = labelled.series().zip(judged.iter().map(|scores| scores.batch.as_slice()));
        labelled::write_scores(path, scores).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    say_labelled(out, &report)
}

fn say_labelled(out: &mut dyn Write, report: &labelled::Report) -> Result<Ending> {
    let row = |(name, set): (&String, &labelled::SetReport)| {
        vec![
            name.clone(),
            format!("{:.3}", set.vus_pr),
            format!("{:.3}", set.stream_vus_pr),
            format!("{:.3}", set.auc_pr),
            format!("{:.3}", set.event_recall),
            set.delay_median_points.map_or("-".to_owned(), number),
            set.series.to_string(),
        ]
    };
    let rows: Vec<_> = report.sets.iter().map(row).collect();
    let headings = ["set", "#VUS-PR", "#live", "#AUC-PR", "#recall", "#delay", "#series"];
    writeln!(out, "{}", table(&headings, &rows, Style::of_stdout()))?;
    writeln!(out, "mean VUS-PR {:.3}, live {:.3}", report.mean_vus_pr, report.mean_stream_vus_pr)?;
    if !report.skipped.is_empty() {
        writeln!(out, "without labels, skipped: {}", report.skipped.join(", "))?;
    }
    speed(out, report.points_per_second, report.peak_rss_mib)
}

fn speed(out: &mut dyn Write, points_per_second: Option<f64>, peak_rss_mib: Option<f64>) -> Result<Ending> {
    if let Some(rate) = points_per_second {
        writeln!(out, "{} points a second", number(rate))?;
    }
    if let Some(peak) = peak_rss_mib {
        writeln!(out, "{} MiB of memory at most", number(peak))?;
    }
    Ok(Ending::Done)
}

pub(super) fn reading(folder: &Path) -> String {
    format!("cannot score the data in {}", folder.display())
}
