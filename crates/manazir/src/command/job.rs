//! `manazir job`: long tasks of the service.

use std::io::Write;

use anyhow::{Result, anyhow};
use manazir_http::JobJson;
use manazir_ingest::jobs::{Job as Task, Jobs};
use serde::Serialize;

use super::look::{when, with_truth};
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::look::{Job, JobList, Numbered};
use crate::report::name::printable;
use crate::report::terminal::{Style, table};

#[derive(Serialize)]
struct Listed {
    jobs: Vec<JobJson>,
}

pub(super) fn run(args: &Job, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match args {
        Job::List(args) => list(args, output, out)?,
        Job::Show(Numbered { number, data }) => {
            let job = with_truth(data, async |truth| Ok(Jobs::get(&truth, *number).await?))?;
            let job = job
                .ok_or_else(|| anyhow!("there is no job {number}; `manazir job list` shows what there is"))?;
            if output.json {
                write_json(out, &JobJson::from(job))?;
            } else {
                say(out, &[job])?;
            }
        }
    }
    Ok(Ending::Done)
}

fn list(args: &JobList, output: Output, out: &mut dyn Write) -> Result<()> {
    let jobs: Vec<Task> = with_truth(&args.data, async |truth| {
        Ok(Jobs::page(&truth, args.page.before, args.page.limit as usize).await?)
    })?;
    if output.json {
        return write_json(out, &Listed { jobs: jobs.into_iter().map(JobJson::from).collect() });
    }
    if jobs.is_empty() {
        writeln!(out, "No long task was begun yet; `manazir dead-letter replay --all` is one.")?;
        return Ok(());
    }
    say(out, &jobs)
}

fn say(out: &mut dyn Write, jobs: &[Task]) -> Result<()> {
    let row = |job: &Task| {
        let total = job.progress.total.map_or(String::new(), |total| format!(" of {total}"));
        vec![
            job.id.to_string(),
            job.kind.clone(),
            job.progress.state.word().to_owned(),
            format!("{}{total}", job.progress.done),
            when(job.created_at),
            when(job.updated_at),
            printable(&job.progress.message),
        ]
    };
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    let headings = ["#id", "kind", "state", "#done", "made", "last heard of", "says"];
    writeln!(out, "{}", table(&headings, &rows, Style::of_stdout()))?;
    Ok(())
}
