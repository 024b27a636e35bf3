//! Compares answers of the relational truth, and of a copy that follows it, with the oracles of a directory of graphs:
//!
//! ```text
//! cargo run --release -p manazir-sql --example sql_oracles -- DIR URL
//! ```
//!
//! DIR is what `crates/manazir-people/examples/oracles.rs` takes. URL is `sqlite:` for files of its own, or the address
//! of a PostgreSQL server up to its database; databases `oracle0`, `oracle1`, … are made there.

#![allow(clippy::print_stdout, reason = "what it finds is what it is for")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use flate2::read::GzDecoder;
use manazir_people::Following;
use manazir_people::contract::oracles::{self, Compared};
use manazir_sql::{SqlPeople, Truth};
use sqlx::{AssertSqlSafe, Connection as _};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("which directory?")?;
    let mut stores =
        Stores { url: arguments.next().ok_or("which database?")?, folder: tempfile::tempdir()?, next: 0 };
    let mut names: Vec<String> = fs::read_dir(&directory)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let mut differing = 0;
    for name in names {
        let text = |kind: &str| text(&Path::new(&directory).join(name.replace("_edges", kind)));
        if name.ends_with("_edges.csv.gz") {
            let truth = stores.empty().await?;
            oracles::load(&truth, &text("_edges")?).await?;
            let copy = Following::load(truth.clone()).await?;
            let (pymk, mutual) = (text("_pymk")?, text("_mutual")?);
            differing += say(&name, "suggestions, truth", &oracles::suggestions(&truth, &pymk).await?);
            differing += say(&name, "suggestions, copy", &oracles::suggestions(&copy, &pymk).await?);
            differing += say(&name, "mutual, truth", &oracles::mutual(&truth, &mutual).await?);
            differing += say(&name, "mutual, copy", &oracles::mutual(&copy, &mutual).await?);
        } else if name.ends_with("_stream.csv.gz") {
            let events = text("_stream")?;
            differing +=
                say(&name, "stream, truth", &oracles::stream(&stores.empty().await?, &events).await?);
            let copy = Following::load(stores.empty().await?).await?;
            differing += say(&name, "stream, copy", &oracles::stream(&copy, &events).await?);
        }
    }
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Stores {
    url: String,
    folder: tempfile::TempDir,
    next: u32,
}

impl Stores {
    async fn empty(&mut self) -> Result<SqlPeople, Box<dyn Error>> {
        let name = format!("oracle{}", self.next);
        self.next += 1;
        let url = if self.url.starts_with("sqlite:") {
            format!("sqlite://{}", self.folder.path().join(name).display())
        } else {
            let mut server = sqlx::PgConnection::connect(&self.url).await?;
            let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::raw_sql(create).execute(&mut server).await?;
            let (address, _) = self.url.rsplit_once('/').ok_or("the address names no database")?;
            format!("{address}/{name}")
        };
        Ok(SqlPeople::new(Truth::open(&url).await?))
    }
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
