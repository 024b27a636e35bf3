//! Compares answers with the oracles of a directory of graphs, and says what differs:
//!
//! ```text
//! cargo run --release -p manazir-people --features contract --example oracles -- DIR
//! ```
//!
//! DIR holds `NAME_edges.csv.gz`, `NAME_pymk.csv.gz` and `NAME_mutual.csv.gz` of each graph, and `NAME_stream.csv.gz`
//! of each stream; their columns are those of `contract::oracles`.

#![allow(clippy::print_stdout, reason = "what it finds is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use flate2::read::GzDecoder;
use futures_executor::block_on;
use manazir_people::Following;
use manazir_people::contract::oracles::{self, Compared};
use manazir_people::memory::InMemoryPeople;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("which directory?")?;
    let mut names: Vec<String> = fs::read_dir(&directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let mut differing = 0;
    for name in names {
        let text = |kind: &str| text(&Path::new(&directory).join(name.replace("_edges", kind)));
        if name.ends_with("_edges.csv.gz") {
            let truth = InMemoryPeople::default();
            block_on(oracles::load(&truth, &text("_edges")?))?;
            let copy = block_on(Following::load(truth.clone()))?;
            let (pymk, mutual) = (text("_pymk")?, text("_mutual")?);
            differing += say(&name, "suggestions, truth", &block_on(oracles::suggestions(&truth, &pymk))?);
            differing += say(&name, "suggestions, copy", &block_on(oracles::suggestions(&copy, &pymk))?);
            differing += say(&name, "mutual, truth", &block_on(oracles::mutual(&truth, &mutual))?);
            differing += say(&name, "mutual, copy", &block_on(oracles::mutual(&copy, &mutual))?);
        } else if name.ends_with("_stream.csv.gz") {
            let events = text("_stream")?;
            differing +=
                say(&name, "stream, truth", &block_on(oracles::stream(&InMemoryPeople::default(), &events))?);
            let copy = block_on(Following::load(InMemoryPeople::default()))?;
            differing += say(&name, "stream, copy", &block_on(oracles::stream(&copy, &events))?);
        }
    }
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}

/// How many differ.
fn say(graph: &str, what: &str, compared: &Compared) -> usize {
    println!("{graph}: {what}: {compared}");
    compared.differing.len()
}
