//! What the commands that look at the truth share.

use std::path::Path;

use anyhow::{Context, Result, bail};
use manazir_model::Timestamp;
use manazir_sql::Truth;

use super::serve::runtime;
use crate::cli::look::DataArgs;
use crate::service;

/// Opens the truth of a directory, does something with it and closes it. A service that runs there does not
/// mind: the database is made for it.
pub(super) fn with_truth<T>(args: &DataArgs, work: impl AsyncFnOnce(Truth) -> Result<T>) -> Result<T> {
    let data = &args.data;
    if args.truth.is_none() && !data.join("truth.db").is_file() {
        bail!(
            "no service has run in {}: start one there with `manazir serve --data {0}`, or name its directory \
             with --data DIR",
            data.display()
        );
    }
    runtime()?.block_on(async {
        let truth = match &args.truth {
            Some(url) => Truth::open(url).await?,
            None => service::open_truth(data).await?,
        };
        let result = work(truth.clone()).await;
        truth.close().await;
        result
    })
}

/// The hour.
pub(super) fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// A time in a table, to the second.
pub(super) fn when(at: Timestamp) -> String {
    let whole = Timestamp::from_seconds(at.micros().div_euclid(1_000_000));
    whole.to_string()
}

/// The bytes of a file, or of standard input.
pub(super) fn body(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut body)?;
        return Ok(body);
    }
    std::fs::read(path).with_context(|| format!("read {}", path.display()))
}
