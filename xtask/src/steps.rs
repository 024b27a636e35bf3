//! A run of steps that goes on after a failure, so that one run names everything that is wrong.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What has been done so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    closing: Vec<String>,
}

struct Step {
    name: &'static str,
    took: Duration,
    error: Option<String>,
}

impl Steps {
    /// Does one step and remembers how it went.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        eprintln!("\n== {name}");
        let began = Instant::now();
        let error = work().err().map(|error| format!("{error:#}"));
        if let Some(error) = &error {
            eprintln!("{name}: {error}");
        }
        self.done.push(Step { name, took: began.elapsed(), error });
    }

    /// A line to be repeated at the end, for instance a test runner's last one.
    pub(crate) fn closing(&mut self, line: impl Into<String>) {
        self.closing.push(line.into());
    }

    /// Prints what was done and the closing lines; fails if a step has failed.
    pub(crate) fn finish(self) -> Result<()> {
        eprintln!("\n{}", self.report());
        let failed: Vec<_> =
            self.done.iter().filter(|step| step.error.is_some()).map(|step| step.name).collect();
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }

    fn report(&self) -> String {
        let mut lines: Vec<_> = self
            .done
            .iter()
            .map(|step| {
                let outcome = if step.error.is_none() { "ok    " } else { "FAILED" };
                format!("{outcome} {:7.1} s  {}", step.took.as_secs_f64(), step.name)
            })
            .collect();
        lines.extend(self.closing.iter().cloned());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_on_after_a_failure_and_the_end_names_it() {
        let mut steps = Steps::default();
        let mut reached = false;
        steps.run("format", || bail!("two files differ"));
        steps.run("tests", || {
            reached = true;
            Ok(())
        });
        steps.closing("Summary: 3 tests run");
        let report = steps.report();
        assert!(reached);
        assert!(report.contains("FAILED") && report.contains("ok "), "{report}");
        assert!(report.ends_with("Summary: 3 tests run"), "{report}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: format");
    }
}
