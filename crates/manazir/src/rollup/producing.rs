//! From a file that grows to the broker.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_rabbitmq::Address;
use manazir_rabbitmq::fanout::FanoutPublisher;
use manazir_rollup::decode::content_of;
use manazir_rollup::follow::{Follow, Line, Place, TooLong};
use manazir_rollup::history::{Aside as Kept, AsideState};
use manazir_rollup::{Destination, Raw, batches};

use super::counting::{Aside, now};
use super::destinations::Target;
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
    /// Those that are not kept yet.
    unkept: Vec<Kept>,
}

/// Keeps lines that are no findings where totals without a destination are, so that they can be mended and published.
pub struct Rejects<'r> {
    specification: &'r Specification,
    data: &'r Path,
    place: Option<Box<dyn Destination>>,
}

impl<'r> Rejects<'r> {
    /// Makes nothing before there is one.
    pub fn new(specification: &'r Specification, data: &'r Path) -> Self {
        Self { specification, data, place: None }
    }

    async fn keep(&mut self, asides: &mut Vec<Kept>) -> Result<()> {
        if asides.is_empty() {
            return Ok(());
        }
        let place = match self.place.take() {
            Some(place) => place,
            None => {
                let target = Target::new(self.specification, None, self.data)?;
                let place = target.open(&self.specification.compiled.shape(&target.name)).await?;
                place.prepare(&[]).await.context("make the tables of rejected lines")?;
                place
            }
        };
        if let Some(history) = place.history() {
            history.set_aside(asides).await.context("keep rejected lines")?;
        }
        self.place = Some(place);
        asides.clear();
        Ok(())
    }
}

/// Publishes the findings of a file from where it was confirmed last, until Ctrl-C, or with `once` to its end.
pub async fn produce(
    specification: &Specification,
    publisher: &mut FanoutPublisher,
    file: &Path,
    source: &str,
    progress: &Progress,
    once: bool,
    mut rejects: Rejects<'_>,
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
        let events: Vec<Vec<u8>> =
            lines.iter().filter_map(|line| event(specification, &source, line, &mut produced)).collect();
        publisher.publish(&batches(&events)).await.context("publish findings")?;
        produced.published += events.len() as u64;
        rejects.keep(&mut produced.unkept).await?;
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

/// Sends one finding to every destination.
pub async fn publish(specification: &Specification, broker: &Address, event: Vec<u8>) -> Result<()> {
    let opened = FanoutPublisher::open(broker, &specification.exchange(), &specification.queues()).await;
    let mut publisher = opened.with_context(|| format!("publish to {broker:?}"))?;
    publisher.publish(&[event]).await.context("publish the finding")
}

/// The event of a line; `None` if it is no finding.
fn event(
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
                produced.asides.push(Aside { line: position + 1, reason: reason.clone(), waits: false });
            }
            let bytes = line.bytes.as_deref().unwrap_or_default();
            produced.unkept.push(Kept {
                number: 0,
                source: Arc::clone(source),
                position,
                content: content_of(bytes),
                known_at: now(),
                raw: if line.bytes.is_ok() { Raw::Line(bytes.into()) } else { Raw::Nothing },
                reason,
                state: AsideState::Rejected,
            });
            None
        }
    }
}
