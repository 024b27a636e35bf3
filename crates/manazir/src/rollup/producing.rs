//! From a file that grows to the broker.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_rabbitmq::fanout::FanoutPublisher;
use manazir_rollup::follow::{Follow, Line, Place, TooLong};

use super::counting::Aside;
use super::specification::Specification;
use crate::progress::interrupted;

/// Findings that are published together.
const TOGETHER: usize = 5_000;

/// How long a file at its end is left alone.
const PATIENCE: Duration = Duration::from_millis(200);

/// Lines that cannot be read are told up to this; all are counted.
const ASIDES_MAX: usize = 1_000;

/// Where it is kept how far the findings of a file were confirmed.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
}

impl Progress {
    /// `identity`: of what is published where; another has a progress of its own.
    pub fn new(data: &Path, name: &str, identity: u64) -> Result<Self> {
        let folder = data.join("rollup");
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(Self { path: folder.join(format!("{name}-{identity:016x}.place")) })
    }

    pub(super) fn read(&self) -> Option<Place> {
        // What cannot be read is as if it was not there: everything is sent once more, which changes no total.
        std::fs::read_to_string(&self.path).ok()?.parse().ok()
    }

    pub(super) fn write(&self, place: Place) -> Result<()> {
        let part = self.path.with_extension("part");
        std::fs::write(&part, place.to_string())
            .and_then(|()| std::fs::rename(&part, &self.path))
            .with_context(|| format!("write {}", self.path.display()))
    }
}

/// What was published.
#[derive(Debug, Default)]
pub struct Produced {
    /// Findings that the broker has.
    pub published: u64,
    /// Lines that are none.
    pub rejected: u64,
    /// The first of those.
    pub asides: Vec<Aside>,
}

/// Publishes the findings of a file from where it was confirmed last, until Ctrl-C, or with `once` to its end.
pub async fn produce(
    specification: &Specification,
    publisher: &mut FanoutPublisher,
    file: &Path,
    source: &str,
    progress: &Progress,
    once: bool,
) -> Result<Produced> {
    let source: Arc<str> = source.into();
    let mut produced = Produced::default();
    let mut follow = Follow::open(file, progress.read());
    loop {
        let mut lines = follow.read(TOGETHER).with_context(|| format!("read {}", file.display()))?;
        let at_end = lines.is_empty();
        if at_end && once {
            lines.extend(follow.finish());
        }
        let messages: Vec<Vec<u8>> =
            lines.iter().filter_map(|line| message(specification, &source, line, &mut produced)).collect();
        publisher.publish(&messages).await.context("publish findings")?;
        produced.published += messages.len() as u64;
        if !lines.is_empty() {
            progress.write(follow.place())?;
        }
        if interrupted() || (at_end && once) {
            return Ok(produced);
        }
        if at_end {
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

/// The message of a line; `None` if it is no finding.
fn message(
    specification: &Specification,
    source: &Arc<str>,
    line: &Line,
    produced: &mut Produced,
) -> Option<Vec<u8>> {
    let compiled = &specification.compiled;
    let position = line.position;
    if position == 0 && compiled.spec.source.header {
        return None;
    }
    let bytes = line.bytes.as_deref().map_err(TooLong::to_string);
    match bytes.and_then(|bytes| Ok((bytes, compiled.spec.source.decode(bytes)?))) {
        Ok((bytes, values)) => {
            Some(compiled.encode(&compiled.identity(source, position, bytes, &values), &values))
        }
        Err(reason) => {
            tracing::warn!(line = position + 1, reason, "a line is no finding");
            produced.rejected += 1;
            if produced.asides.len() < ASIDES_MAX {
                produced.asides.push(Aside { line: position + 1, reason, waits: false });
            }
            None
        }
    }
}
