//! What the service carries of people and connections: 100,000 people, 4.9 million connections, hubs of 5,000.
//!
//! ```console
//! cargo bench -p manazir --bench people -- prepare DIR
//! cargo bench -p manazir --bench people -- start,load,sign-ins,batch,kill DIR
//! ```
//!
//! `prepare` fills the truth that `serve --data DIR` uses, or another (`--truth postgres://…`), unless it is filled;
//! the others fill it first if need be. `load` asks all actions at fixed rates, 90 % reads, `sign-ins` the same while
//! people sign in; every answer is looked at, and every write afterwards. The callers run on the same machine and are
//! counted in. Ends with 1 if an answer is wrong or a write is not as it was acknowledged.

#![allow(clippy::print_stdout, reason = "a benchmark talks to a terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

mod afterwards;
mod batch;
mod filling;
mod load;
mod open_loop;
mod plan;
mod running;
mod sign_ins;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use running::Start;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// Fills the truth.
    Prepare,
    /// Until it is ready, and how much memory the graph takes.
    Start,
    /// All actions at fixed rates.
    Load,
    /// The same at the first rate, while others sign in.
    SignIns,
    /// One batch.
    Batch,
    /// One batch, and the process dies when a tenth, a half, and nine tenths of it are done.
    Kill,
}

#[derive(Clone, Debug)]
struct Figures(Vec<Figure>);

#[derive(Debug, Parser)]
struct Options {
    /// Which of prepare, start, load, sign-ins, batch, kill, with commas between them; all if it is not given.
    #[arg(value_parser = read, default_value = "prepare,start,load,sign-ins,batch,kill")]
    figures: Figures,
    /// The directory of the service; one that goes away if it is not given.
    data: Option<PathBuf>,
    /// Another truth than a file there.
    #[arg(long)]
    truth: Option<String>,
    /// The population.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Requests a second, one load after the other.
    #[arg(long, value_delimiter = ',', default_value = "2000,5000")]
    rates: Vec<usize>,
    /// How long each load takes.
    #[arg(long, default_value_t = 20)]
    seconds: usize,
    /// People who sign in at the same time.
    #[arg(long, default_value_t = 32)]
    callers: usize,
    /// People of a batch.
    #[arg(long, default_value_t = 5_000)]
    batch: u32,
    /// The service.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_manazir"))]
    program: String,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn read(text: &str) -> Result<Figures, String> {
    let figures: Result<Vec<Figure>, String> =
        text.split(',').map(|word| Figure::from_str(word, false)).collect();
    figures.map(Figures)
}

fn main() -> ExitCode {
    let options = Options::parse();
    let folder = tempfile::tempdir().unwrap();
    let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
    std::fs::create_dir_all(&data).unwrap();
    let (program, truth) = (options.program.clone(), options.truth.clone());
    let start = Start { program, data, truth, config: folder.path().join("service.toml") };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let population = filling::population(options.people);
    let filled = runtime.block_on(filling::fill(&start.url(), &population));
    drop(runtime);
    let busy = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load averages of the machine beforehand: {}", busy.trim());
    let is_wanted = |figure: Figure| options.figures.0.contains(&figure);
    if is_wanted(Figure::Start) {
        start.measure();
    }
    if options.figures.0.iter().all(|figure| matches!(figure, Figure::Prepare | Figure::Start)) {
        return ExitCode::SUCCESS;
    }
    let mut running = start.run();
    // Another each time: what an earlier one has made is there.
    let run = jiff::Timestamp::now().as_second() as u64;
    let mut is_right = true;
    for (place, rate) in options.rates.iter().enumerate().filter(|_| is_wanted(Figure::Load)) {
        is_right &= load::load(&running, &filled, *rate, options.seconds, run + place as u64);
    }
    if is_wanted(Figure::SignIns) {
        let (rate, run) = ((options.rates[0], options.seconds), run + options.rates.len() as u64);
        is_right &= sign_ins::beside(&running, &filled, options.callers, rate, run);
    }
    if is_wanted(Figure::Batch) {
        batch::measure(&running, &filled, options.batch);
    }
    for share in [0.1, 0.5, 0.9].iter().filter(|_| is_wanted(Figure::Kill)) {
        batch::kill(&mut running, &filled, options.batch, *share);
    }
    is_right &= running.terminate();
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
