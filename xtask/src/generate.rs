//! `cargo xtask generate`: files that are made from the code.
//!
//! Three kinds. Those that a crate can make by itself are written by a test named `generated_…` of that crate,
//! which compares otherwise, so that the crate's own tests keep them fresh. The reference of the command
//! line is what the binary says of itself, and is written here. And where a document shows what a command
//! prints, in a block of text below `<!-- shows: COMMAND -->`, the block is what it does print.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{docs, shell, test};

const COMMAND_LINE: &str = "docs/reference/command-line.md";

/// What stands above this line is written by hand.
const MARK: &str = "<!-- Generated from here on by `cargo xtask generate`. -->\n";

/// Begins a line that names the command whose output stands below it.
const SHOWS: &str = "\n<!-- shows: ";

/// Writes the generated files, or fails if one of them is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    if !check {
        let mut command = shell::cargo();
        shell::run(command.args(["test", "--workspace", "--quiet", "generated_"]).env("UPDATE_EXPECT", "1"))?;
    }
    test::build_binary()?;
    let mut stale = Vec::new();
    let mut renew = |page: &Path, new: fn(&str) -> Result<String>| -> Result<()> {
        let path = shell::root().join(page);
        let old = fs::read_to_string(&path).with_context(|| format!("read {}", page.display()))?;
        let new = new(&old).with_context(|| format!("generate {}", page.display()))?;
        if old != new && check {
            stale.push(page.display().to_string());
        } else if old != new {
            fs::write(&path, new).with_context(|| format!("write {}", page.display()))?;
        }
        Ok(())
    };
    renew(Path::new(COMMAND_LINE), |page| renewed(page, &command_line(test::manazir)?))?;
    for page in docs::pages()? {
        renew(&page, |page| shown(page, docs::output))?;
    }
    if stale.is_empty() { Ok(()) } else { bail!("run `cargo xtask generate`; stale: {}", stale.join(", ")) }
}

/// `page` with what `run` prints in each block below a line `<!-- shows: COMMAND -->`.
fn shown(page: &str, run: fn(&str) -> Result<String>) -> Result<String> {
    let mut new = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(SHOWS) {
        let (command, after) = after.split_once(" -->\n```text\n").context("a block of text must follow")?;
        let (_, after) = after.split_once("```\n").context("the block of text has no end")?;
        let output = run(command)?;
        let lines: Vec<_> = output.trim_end().lines().map(str::trim_end).collect();
        new += &format!("{before}{SHOWS}{command} -->\n```text\n{}\n```\n", lines.join("\n"));
        rest = after;
    }
    Ok(new + rest)
}

/// `page` with what stands below the mark replaced.
fn renewed(page: &str, generated: &str) -> Result<String> {
    let (by_hand, _) = page
        .split_once(MARK)
        .with_context(|| format!("{COMMAND_LINE} has lost its line: {}", MARK.trim()))?;
    Ok(format!("{by_hand}{MARK}{generated}"))
}

/// The help of the binary and of each of its commands; `manazir` runs the binary and returns what it prints.
fn command_line(manazir: impl Fn(&[&str]) -> Result<String>) -> Result<String> {
    let overview = manazir(&["--help"])?;
    let mut page = section("manazir", &overview);
    page_of(&mut page, &[], &overview, &manazir)?;
    Ok(page)
}

/// Appends the sections of the commands below `parents`, whose help is `help`.
fn page_of(
    page: &mut String,
    parents: &[&str],
    help: &str,
    manazir: &impl Fn(&[&str]) -> Result<String>,
) -> Result<()> {
    for name in commands(help) {
        let path = [parents, &[name]].concat();
        let help = manazir(&[&path[..], &["--help"]].concat())?;
        page.push_str(&section(&format!("manazir {}", path.join(" ")), &help));
        page_of(page, &path, &help, manazir)?;
    }
    Ok(())
}

fn section(title: &str, help: &str) -> String {
    let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
    format!("\n## {title}\n\n```text\n{}\n```\n", lines.join("\n"))
}

/// The names in the list `Commands:` of a help text, without `help` itself.
fn commands(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_the_help_of_every_command() {
        let page = command_line(|arguments| {
            Ok(match arguments {
                ["--help"] => "Finds.\n\nCommands:\n  up     Main job  \n         and more\n  score  Accuracy\n  help   Help\n\nOptions:\n  -h\n",
                ["score", "--help"] => "Accuracy.\n\nCommands:\n  nab  NAB\n",
                _ => "Help.\n",
            }
            .to_owned())
        })
        .unwrap();
        let titles: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(titles, ["manazir", "manazir up", "manazir score", "manazir score nab"]);
        assert!(page.contains("  up     Main job\n"), "spaces at the end of lines stay out: {page}");
    }

    #[test]
    fn a_document_shows_what_a_command_prints() {
        let page = "# A\n\n<!-- shows: up x -->\n```text\nold\n```\n\nText.\n";
        let new = shown(page, |command| Ok(format!("did {command}   \n\nend\n\n"))).unwrap();
        assert_eq!(new, "# A\n\n<!-- shows: up x -->\n```text\ndid up x\n\nend\n```\n\nText.\n");
        assert_eq!(shown(&new, |command| Ok(format!("did {command}\n\nend"))).unwrap(), new);
        assert!(shown("\n<!-- shows: up -->\nText.\n", |_| Ok(String::new())).is_err());
        assert!(shown(page, |_| bail!("it fails")).is_err());
    }

    #[test]
    fn what_stands_above_the_mark_stays() {
        let page = format!("# Title\n{MARK}old\n");
        assert_eq!(renewed(&page, "new\n").unwrap(), format!("# Title\n{MARK}new\n"));
        assert!(renewed("# Title\n", "new\n").is_err());
    }
}
