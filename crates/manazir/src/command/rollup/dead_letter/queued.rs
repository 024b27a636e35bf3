//! Those in the queues beside a destination's own.
//!
//! A queue has no places that stay: a finding is named by what its message says, and two of one name say the same.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use manazir_rabbitmq::Address;
use manazir_rabbitmq::fanout::{Aside, Fate, Letter, decide};
use manazir_rollup::decode::content_of;
use manazir_rollup::{Identity, Outcome};

use super::shown::{self, Shown};
use crate::cli::Output;
use crate::cli::rollup::{
    RollupAside, RollupAsides, RollupAsidesOf, RollupAsidesReplay, RollupDiscard, RollupRepair,
};
use crate::command::look::now;
use crate::command::rollup::{broker, runtime};
use crate::command::{Ending, write_json};
use crate::report::name::printable;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::consuming::{UNREADABLE, unreadable};
use crate::rollup::producing::publish;
use crate::rollup::specification::Specification;

/// A number has so few bits that every reader of JSON keeps it.
const NUMBER_BITS: u32 = 48;

/// The queues of one destination.
struct Queues {
    specification: Specification,
    address: Address,
    queue: String,
}

impl Queues {
    fn of(of: &RollupAsidesOf, from: &str) -> Result<Self> {
        let specification = Specification::read(&of.place.spec, of.place.references.as_deref())?;
        let to = of.place.to.as_deref().context("--from needs --to, the name of a destination")?;
        let names: Vec<&str> =
            specification.compiled.spec.destinations.iter().map(|one| one.name.as_str()).collect();
        ensure!(names.contains(&to), "there is no destination `{to}`; there are {}", names.join(", "));
        Ok(Self { address: broker(from)?, queue: specification.queue(to), specification })
    }

    async fn decide(
        &self,
        aside: Aside,
        what: impl FnMut(&Letter) -> ControlFlow<Fate, Fate>,
    ) -> Result<u64> {
        let decided = decide(&self.address, &self.queue, aside, what).await;
        decided.with_context(|| format!("look at what is beside {} of {:?}", self.queue, self.address))
    }

    /// Looks at all of a state, until there are `most`.
    async fn look(&self, asides: &[Aside], most: usize) -> Result<Vec<Shown>> {
        let mut all = Vec::new();
        for &aside in asides {
            let look = |letter: &Letter| {
                if all.len() == most {
                    return ControlFlow::Break(Fate::Stay);
                }
                all.push(self.shown(aside, letter));
                ControlFlow::Continue(Fate::Stay)
            };
            self.decide(aside, look).await?;
        }
        Ok(all)
    }

    /// The first of a number.
    async fn find(&self, number: u64) -> Result<(Aside, Letter)> {
        for aside in [Aside::Dead, Aside::Waiting] {
            let mut found = None;
            let look = |letter: &Letter| {
                if number_of(letter) != number {
                    return ControlFlow::Continue(Fate::Stay);
                }
                found = Some(letter.clone());
                ControlFlow::Break(Fate::Stay)
            };
            self.decide(aside, look).await?;
            if let Some(found) = found {
                return Ok((aside, found));
            }
        }
        bail!("there is none of the number {number}; `rollup dead-letter list` shows what there is")
    }

    /// What becomes of all of a number; how many there were.
    async fn settle(&self, aside: Aside, number: u64, fate: &Fate) -> Result<u64> {
        let settle = |letter: &Letter| {
            ControlFlow::Continue(if number_of(letter) == number { fate.clone() } else { Fate::Stay })
        };
        self.decide(aside, settle).await
    }

    fn identity(&self, body: &[u8]) -> Identity {
        match self.specification.compiled.decode_message(body) {
            Ok((identity, _)) => identity,
            Err(_) => unreadable(body),
        }
    }

    fn shown(&self, aside: Aside, letter: &Letter) -> Shown {
        let identity = self.identity(&letter.body);
        let readable = &*identity.source != UNREADABLE;
        Shown {
            number: number_of(letter),
            state: state(aside),
            source: identity.source.to_string(),
            line: if readable { identity.position.saturating_add(1) } else { 0 },
            arrived_at: None,
            reason: letter.reason.clone(),
            body: String::from_utf8_lossy(&letter.body).into_owned(),
        }
    }
}

fn number_of(letter: &Letter) -> u64 {
    content_of(&letter.body) >> (u64::BITS - NUMBER_BITS)
}

fn state(aside: Aside) -> &'static str {
    match aside {
        Aside::Dead => "rejected",
        Aside::Waiting => "waiting",
    }
}

pub(super) fn list(args: &RollupAsides, from: &str, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let asides: &[Aside] = match &*args.state {
        "open" | "all" => &[Aside::Waiting, Aside::Dead],
        "waiting" => &[Aside::Waiting],
        "rejected" => &[Aside::Dead],
        state => bail!("a broker forgets what is {state}; `--state open` shows what is not seen to"),
    };
    ensure!(args.after == 0, "a broker has no pages: --limit shows more");
    let queues = Queues::of(&args.of, from)?;
    let all = runtime()?.block_on(queues.look(asides, args.limit))?;
    shown::list(&all, output, out)
}

pub(super) fn show(args: &RollupAside, from: &str, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let queues = Queues::of(&args.of, from)?;
    let (aside, letter) = runtime()?.block_on(queues.find(args.number))?;
    shown::one(&queues.shown(aside, &letter), output, out)
}

pub(super) fn repair(args: &RollupRepair, from: &str, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let queues = Queues::of(&args.of, from)?;
    let (compiled, line) = (&queues.specification.compiled, args.line.as_bytes());
    let mut plan = queues.specification.plan()?;
    let values = compiled.spec.source.decode(line).map_err(anyhow::Error::msg).context("the line")?;
    let settled = runtime()?.block_on(async {
        let (aside, letter) = queues.find(args.number).await?;
        let Identity { source, position, .. } = queues.identity(&letter.body);
        let identity = compiled.identity(&Arc::clone(&source), position, line, &values);
        // Told before anything is sent: what was mended has to count.
        if let Outcome::Rejected(why) = plan.resolve(identity.clone(), &values, now()) {
            bail!("it would be rejected still: {why}");
        }
        let mended = compiled.encode(&identity, &values);
        let fate = match &args.publish {
            None => Fate::Send(mended),
            Some(to) => {
                publish(&queues.specification, &broker(to)?, mended).await?;
                Fate::Discard
            }
        };
        queues.settle(aside, args.number, &fate).await
    })?;
    ensure!(settled > 0, "somebody else saw to finding {} meanwhile", args.number);
    if output.json {
        write_json(out, &serde_json::json!({ "number": args.number, "published": true }))?;
        return Ok(Ending::Done);
    }
    let whom = if args.publish.is_some() { "each destination counts it" } else { "its consumers count it" };
    writeln!(out, "Finding {} is published: {whom}.", args.number)?;
    Ok(Ending::Done)
}

pub(super) fn replay(
    args: &RollupAsidesReplay,
    from: &str,
    output: Output,
    out: &mut dyn Write,
) -> Result<Ending> {
    let queues = Queues::of(&args.of, from)?;
    let replay = |letter: &Letter| {
        let wanted = args.numbers.is_empty() || args.numbers.contains(&number_of(letter));
        ControlFlow::Continue(if wanted { Fate::Send(letter.body.clone()) } else { Fate::Stay })
    };
    let sent = runtime()?.block_on(async {
        anyhow::Ok(queues.decide(Aside::Waiting, replay).await? + queues.decide(Aside::Dead, replay).await?)
    })?;
    if output.json {
        write_json(out, &serde_json::json!({ "published": sent }))?;
        return Ok(Ending::Done);
    }
    let sent = counted(sent as usize, "finding is", "findings are");
    let what = format!("{sent} on the way to the consumers again; those that cannot count come back");
    writeln!(out, "{}", Style::of_stdout().paint(Ink::Strong, &what))?;
    Ok(Ending::Done)
}

pub(super) fn discard(
    args: &RollupDiscard,
    from: &str,
    output: Output,
    out: &mut dyn Write,
) -> Result<Ending> {
    let queues = Queues::of(&args.of, from)?;
    let letter = runtime()?.block_on(async {
        let (aside, letter) = queues.find(args.number).await?;
        queues.settle(aside, args.number, &Fate::Discard).await?;
        anyhow::Ok(Shown { state: "discarded", ..queues.shown(aside, &letter) })
    })?;
    if output.json {
        write_json(out, &letter)?;
        return Ok(Ending::Done);
    }
    writeln!(
        out,
        "Finding {} is gone from the broker. It said:\n\n{}",
        args.number,
        printable(&letter.body)
    )?;
    Ok(Ending::Done)
}
