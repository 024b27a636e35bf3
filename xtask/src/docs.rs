//! `cargo xtask docs`: the commands that the documents show are run, so that they go on working.
//!
//! A block that begins with a line of three backticks and `sh` is a script; the blocks of a page run one
//! after the other in one fresh folder that holds a copy of `examples/`. A block that speaks to git or to
//! xtask is left alone. For a command that is not to be run, use `console`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{shell, test, tidy};

/// Where the documents lie whose commands are run.
const FOLDERS: [&str; 4] = ["docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation"];

/// Runs the scripts of every page; fails with the page whose script fails.
pub(crate) fn run() -> Result<()> {
    test::build_binary()?;
    let target: PathBuf = tidy::metadata()?.target_directory.into();
    let mut search = OsString::from(target.join("debug"));
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());

    let mut count = 0;
    for page in pages()? {
        let text = fs::read_to_string(shell::root().join(&page))
            .with_context(|| format!("read {}", page.display()))?;
        let scripts = scripts(&text);
        if scripts.is_empty() {
            continue;
        }
        let folder = target.join("docs").join(page.file_stem().unwrap_or_default());
        prepare(&folder)?;
        for script in scripts {
            count += 1;
            let script = format!("set -eu\n{script}");
            let mut command = shell::program("sh");
            command.current_dir(&folder).env("PATH", &search).args(["-c", &script]);
            // What the commands print is of interest only if one fails.
            let output = command.output().context("start a shell")?;
            if !output.status.success() {
                bail!(
                    "a command of {} fails ({}):\n{script}{}{}",
                    page.display(),
                    output.status,
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
        eprintln!("{}: runs", page.display());
    }
    if count == 0 {
        bail!("no document shows a command");
    }
    Ok(())
}

/// README.md and every page below docs/, by path from the root of the workspace, sorted.
fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = vec![PathBuf::from("README.md")];
    for folder in FOLDERS {
        let entries = fs::read_dir(shell::root().join(folder)).with_context(|| format!("list {folder}"))?;
        for entry in entries {
            let name = entry.with_context(|| format!("list {folder}"))?.file_name();
            pages.push(Path::new(folder).join(name));
        }
    }
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.sort();
    Ok(pages)
}

/// An empty folder with a copy of the examples.
fn prepare(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    copy(&shell::root().join("examples"), &folder.join("examples"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry.with_context(|| format!("list {}", from.display()))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// The blocks of a page that can be run, with the binary of this build in place of `cargo run`.
fn scripts(page: &str) -> Vec<String> {
    let mut scripts = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match &mut block {
            None if line == "```sh" => block = Some(String::new()),
            None => {}
            Some(script) if line == "```" => {
                let elsewhere = ["cargo xtask", "git "];
                if !script.lines().any(|line| elsewhere.iter().any(|word| line.starts_with(word))) {
                    scripts.push(std::mem::take(script));
                }
                block = None;
            }
            Some(script) => {
                script.push_str(&line.replace("cargo run --release -- ", "manazir "));
                script.push('\n');
            }
        }
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_of_a_page_are_its_blocks_of_shell() {
        let page = "Text.\n```sh\ncargo run --release -- up examples/nab   # look\nmanazir doctor\n```\n\
                    ```sh\ncargo xtask test --install\n```\n```toml\nmanazir = 1\n```\n\
                    ```console\nmanazir up /my/data\n```\n";
        assert_eq!(scripts(page), ["manazir up examples/nab   # look\nmanazir doctor\n"]);
    }

    #[test]
    fn the_first_screen_shows_the_main_job() {
        assert!(pages().unwrap().contains(&PathBuf::from("README.md")));
        let readme = fs::read_to_string(shell::root().join("README.md")).unwrap();
        assert!(scripts(&readme).iter().any(|script| script.contains("manazir up examples/nab")));
    }
}
