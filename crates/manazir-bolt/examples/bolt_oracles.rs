//! Compares answers of the connection graph in a graph database with the oracles of a directory of graphs, and says what
//! differs and how long it took:
//!
//! ```text
//! cargo run -p manazir-bolt --example bolt_oracles -- DIR [NAME…]
//! ```
//!
//! DIR holds the files that the example `oracles` of `manazir-people` reads; names are those of graphs, all
//! without any. The database is an ArcadeDB of its own, or the one that `MANAZIR_TEST_BOLT_URL` names, **in which everything
//! is deleted**.

#![allow(clippy::print_stdout, reason = "what it finds is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use flate2::read::GzDecoder;
use manazir_bolt::BoltConnections;
use manazir_people::contract::oracles::{self, Compared};
use manazir_people::memory::InMemoryPeople;
use manazir_testkit::arcadedb::{self, ArcadeDb};

#[path = "../tests/bolt/client.rs"]
mod client;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("which directory?")?;
    let wanted: Vec<String> = arguments.collect();
    let server = arcadedb::given().is_none().then(ArcadeDb::start);
    let mut names: Vec<String> = fs::read_dir(&directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    names.retain(|name| wanted.is_empty() || wanted.iter().any(|wanted| name.starts_with(wanted)));
    let mut differing = 0;
    for name in names {
        let text = |kind: &str| text(&Path::new(&directory).join(name.replace("_edges", kind)));
        if name.ends_with("_edges.csv.gz") {
            let truth = InMemoryPeople::default();
            oracles::load(&truth, &text("_edges")?).await?;
            let copy = copy(server.as_ref(), truth).await?;
            let begun = Instant::now();
            copy.catch_up().await?;
            println!("{name}: loaded in {:.1} s", begun.elapsed().as_secs_f64());
            let (pymk, mutual) = (text("_pymk")?, text("_mutual")?);
            let begun = Instant::now();
            differing += say(&name, "suggestions", begun, &oracles::suggestions(&copy, &pymk).await?);
            let begun = Instant::now();
            differing += say(&name, "mutual", begun, &oracles::mutual(&copy, &mutual).await?);
        } else if name.ends_with("_stream.csv.gz") {
            let events = text("_stream")?;
            let copy = copy(server.as_ref(), InMemoryPeople::default()).await?;
            copy.catch_up().await?;
            let begun = Instant::now();
            differing += say(&name, "stream", begun, &oracles::stream(&copy, &events).await?);
        }
    }
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Of an empty database.
async fn copy(
    server: Option<&ArcadeDb>,
    truth: InMemoryPeople,
) -> Result<BoltConnections<InMemoryPeople>, Box<dyn Error>> {
    let url = match (server, arcadedb::given()) {
        (Some(server), _) => server.database(),
        (None, Some(url)) => {
            client::client(&url).run(neo4rs::query("MATCH (n) DETACH DELETE n")).await?;
            url
        }
        (None, None) => return Err("no server".into()),
    };
    Ok(BoltConnections::new(&url, truth)?)
}

fn text(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}

/// How many differ.
fn say(graph: &str, what: &str, begun: Instant, compared: &Compared) -> usize {
    println!("{graph}: {what}: in {:.1} s, {compared}", begun.elapsed().as_secs_f64());
    compared.differing.len()
}
