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
    let mut count = 0;
    for page in pages()? {
        let text = fs::read_to_string(shell::root().join(&page))
            .with_context(|| format!("read {}", page.display()))?;
        let scripts = scripts(&text);
        if scripts.is_empty() {
            continue;
        }
        let folder = prepare(page.file_stem().unwrap_or_default().as_ref())?;
        for script in scripts {
            count += 1;
            // What the commands print is of interest only if one fails.
            run_script(&folder, &script)
                .with_context(|| format!("run the commands of {}", page.display()))?;
        }
        eprintln!("{}: runs", page.display());
    }
    if count == 0 {
        bail!("no document shows a command");
    }
    Ok(())
}

/// What a command prints on its standard output, in a fresh folder with a copy of the examples.
pub(crate) fn output(command: &str) -> Result<String> {
    run_script(&prepare(Path::new("shown"))?, command)
}

/// Runs a script in `folder` with the binary of this build, and returns what it prints.
fn run_script(folder: &Path, script: &str) -> Result<String> {
    let mut search = OsString::from(target()?.join("debug"));
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = shell::program("sh");
    command.current_dir(folder).args(["-c", &format!("set -eu\n{script}")]);
    // Without a terminal in sight, and without settings of whoever calls, it prints the same everywhere.
    command.env("PATH", search).env_remove("MANAZIR_DATA").env("COLUMNS", "100").env("NO_COLOR", "1");
    let output = command.output().context("start a shell")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{} from\n{script}\n{printed}{errors}", output.status);
    }
    Ok(printed)
}

/// README.md and every page below docs/, by path from the root of the workspace, sorted.
pub(crate) fn pages() -> Result<Vec<PathBuf>> {
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

/// A folder that holds a copy of the examples and nothing else.
fn prepare(name: &Path) -> Result<PathBuf> {
    let folder = target()?.join("docs").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    copy(&shell::root().join("examples"), &folder.join("examples"))?;
    Ok(folder)
}

fn target() -> Result<PathBuf> {
    Ok(tidy::metadata()?.target_directory.into())
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
