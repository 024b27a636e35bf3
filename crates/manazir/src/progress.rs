//! Progress on standard error, and the flag that Ctrl-C sets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Set by Ctrl-C; the work reads it between two series and two blocks of rows.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Exit code of a process that was interrupted: 128 + SIGINT, as shells have it.
pub const INTERRUPTED_CODE: i32 = 130;

/// Lets the first Ctrl-C (or SIGTERM) end the work with what is finished, and the second one the process.
pub fn catch_interrupts() {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED_CODE);
        }
    };
    // A second handler in one process is the only failure; the first one does the same.
    let _ = ctrlc::set_handler(handler);
}

/// True after Ctrl-C.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// What progress counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of files.
    Bytes,
    /// Samples judged.
    Samples,
    /// Days of events judged.
    Days,
    /// Findings counted.
    Findings,
}

/// A piece of work with a known size.
pub struct Work {
    bar: ProgressBar,
}

impl Work {
    /// Shows a bar with rate and time left on standard error; nothing if `quiet` or without a terminal.
    pub fn start(what: &'static str, total: u64, unit: Unit, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what);
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes}  {bytes_per_sec}",
            Unit::Samples => "{human_pos}/{human_len} samples  {per_sec}",
            Unit::Findings => "{human_pos}/{human_len} findings  {per_sec}",
            Unit::Days => "{human_pos}/{human_len} days",
        };
        let template = format!("{{msg:10}} {{bar:24}} {counts}  {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Work that nobody watches.
    pub fn unseen() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// True if the work should end with what is finished.
    pub fn stopped(&self) -> bool {
        interrupted()
    }

    /// So much more is done.
    pub fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    /// So much is done, of so much.
    pub fn set(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
