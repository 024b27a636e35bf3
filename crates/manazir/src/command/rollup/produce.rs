//! `manazir rollup produce`: findings of a file onto the broker.

use std::io::Write;

use anyhow::{Context, Result};
use manazir_model::hash::{fnv1a, mixed};
use manazir_rabbitmq::fanout::FanoutPublisher;
use serde::Serialize;

use super::{asides, broker, runtime, source_name, unless_interrupted};
use crate::cli::Output;
use crate::cli::rollup::RollupProduce;
use crate::command::{Ending, write_json};
use crate::progress::{catch_interrupts, interrupted};
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::counting::Aside;
use crate::rollup::producing::{Produced, Progress, Rejects, produce};
use crate::rollup::specification::Specification;

#[derive(Serialize)]
struct ProducedJson<'p> {
    rollup: &'p str,
    exchange: &'p str,
    published: u64,
    rejected: u64,
    aside: &'p [Aside],
}

pub(super) fn run(args: &RollupProduce, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let specification = Specification::read(&args.spec, None)?;
    if args.once {
        std::fs::metadata(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    }
    let address = broker(&args.to)?;
    let exchange = specification.exchange();
    let spec = &specification.compiled.spec;
    let source = source_name(args.source_name.as_deref(), &args.file)?;
    // Another broker, or another stream, has its own.
    let identity = format!("{address:?} {exchange} {source}");
    let progress = Progress::new(&args.data, &spec.name, mixed(fnv1a(identity.bytes())))?;
    catch_interrupts();
    let Produced { published, rejected, asides, .. } = runtime()?.block_on(async {
        let queues = specification.queues();
        let opened = unless_interrupted(FanoutPublisher::open(&address, &exchange, &queues)).await;
        let Some(opened) = opened else { return Ok(Produced::default()) };
        let rejects = Rejects::new(&specification, &args.data);
        let mut publisher = opened.with_context(|| format!("publish to {address:?}"))?;
        produce(&specification, &mut publisher, &args.file, &source, &progress, args.once, rejects).await
    })?;
    let ending = Ending::of(interrupted() && args.once);
    if output.json {
        let json =
            ProducedJson { rollup: &spec.name, exchange: &exchange, published, rejected, aside: &asides };
        write_json(out, &json)?;
        return Ok(ending);
    }
    let style = Style::of_stdout();
    let mut heading = format!("{} published", counted(published as usize, "finding", "findings"));
    if rejected > 0 {
        heading += &format!(", {} rejected", counted(rejected as usize, "line", "lines"));
    }
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    asides::say(out, &asides, rejected, style)?;
    Ok(ending)
}
