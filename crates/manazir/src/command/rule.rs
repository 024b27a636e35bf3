//! `manazir rule`: rules of the event graph, checked and tested as text.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use manazir_rca::events::scenario::parse;
use manazir_rca::events::{Method, RuleSet};
use serde::Serialize;

use super::{Ending, write_json};
use crate::cli::{Output, Rule, RuleCheck, RuleStandard};
use crate::report::terminal::Style;

/// The rules that come with the product.
const STANDARD: &str = RuleSet::STANDARD;

#[derive(Serialize)]
struct CheckJson {
    types: usize,
    rules: usize,
    scenarios: usize,
    failed: Vec<String>,
}

pub(super) fn run(rule: &Rule, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match rule {
        Rule::Check(args) => check(args, output, out),
        Rule::Standard(RuleStandard {}) => {
            out.write_all(STANDARD.as_bytes())?;
            Ok(Ending::Done)
        }
    }
}

fn check(args: &RuleCheck, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let rules = match &args.rules {
        Some(path) => super::explain::rules(path)?,
        None => RuleSet::standard(),
    };
    let (mut failed, mut scenarios, mut wrong) = (Vec::new(), 0, 0);
    for path in &args.scenarios {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        for scenario in parse(&text).with_context(|| format!("understand {}", path.display()))? {
            scenarios += 1;
            let of = format!("{}, line {}, `{}`", path.display(), scenario.line, scenario.name);
            let outcome = scenario.run(&rules, &Method::default()).with_context(|| of.clone())?;
            wrong += usize::from(!outcome.differences.is_empty());
            let ranking = outcome.ranking.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            failed.extend(
                outcome
                    .differences
                    .iter()
                    .map(|difference| format!("{of}: {difference} (ranked: {ranking})")),
            );
        }
    }
    let (types, n_rules) = (rules.types_len(), rules.len());
    let ending = if failed.is_empty() { Ending::Done } else { Ending::Unwell };
    if output.json {
        write_json(out, &CheckJson { types, rules: n_rules, scenarios, failed })?;
        return Ok(ending);
    }
    writeln!(out, "{n_rules} rules for {types} types of events are understood.")?;
    if scenarios > 0 {
        writeln!(out, "{} of {scenarios} scenarios end as they should.", scenarios - wrong)?;
    }
    let style = Style::of_stdout();
    for failure in &failed {
        writeln!(out, "{}", crate::report::terminal::wrapped(failure, style.width, 2))?;
    }
    Ok(ending)
}
