//! What the kernel says of a process.

use std::time::Duration;

use crate::setup::Setup;
use crate::table::Table;

/// Ticks of `/proc` a second, on every Linux that we build for.
const TICKS: f64 = 100.0;

/// Seconds of processor that a process has had; 0 if it is gone.
pub(crate) fn cpu_seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; fields 14 and 15 of the whole are user and system time.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// Processes whose parent is `id`.
pub(crate) fn children(id: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Resident and proportional set, peak of the resident set, in MiB.
fn memory_mib(id: u32) -> [f64; 3] {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    };
    [field("smaps_rollup", "Rss:"), field("smaps_rollup", "Pss:"), field("status", "VmHWM:")]
}

/// A row with the memory of each process.
pub(crate) fn memory(setup: &Setup, when: &str, table: &mut Table) {
    for id in setup.processes() {
        let [resident, proportional, peak] = memory_mib(id);
        table.row(
            format!("memory {when}"),
            setup.stands.as_str(),
            format!("RSS {resident:.0} MiB, PSS {proportional:.0} MiB, peak RSS {peak:.0} MiB"),
        );
    }
}

/// Memory of a service that nobody has called yet, ten seconds after its start.
pub(crate) fn idle(setup: &Setup, table: &mut Table) {
    std::thread::sleep(Duration::from_secs(10));
    memory(setup, "idle, 10 s after the start", table);
}
