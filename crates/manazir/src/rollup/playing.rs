//! A stream played in time, until Ctrl-C.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use manazir_rollup::play::{Broken, Stage};

use crate::progress::interrupted;

/// How soon Ctrl-C is heard.
const STEP: Duration = Duration::from_millis(100);

/// The clock of this machine.
#[derive(Debug, Default)]
pub struct RealTime {
    /// The first lines that were left out, and why.
    pub broken: Vec<(u64, Broken)>,
}

/// Broken lines are told up to this; all are counted.
const BROKEN_MAX: usize = 1_000;

impl Stage for RealTime {
    fn wait(&mut self, time: Duration) -> ControlFlow<()> {
        let begin = Instant::now();
        while !interrupted() {
            let left = time.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return ControlFlow::Continue(());
            }
            std::thread::sleep(left.min(STEP));
        }
        ControlFlow::Break(())
    }

    fn broken(&mut self, line: u64, why: Broken) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push((line, why));
        }
    }
}
