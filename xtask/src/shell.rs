//! Running other programs from the root of the workspace.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the workspace")
}

/// Cargo, the same one that runs this, in the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Reports are read by people in a log file as well as at a terminal.
    command.env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// Any program, in the root of the workspace, without standard input.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs a command, shows what it prints, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("start `{}`", shown(command)))?;
    if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", shown(command)) }
}

/// As [`run`], and returns the lines that `keep` wants out of both of its outputs.
pub(crate) fn run_keeping(command: &mut Command, keep: fn(&str) -> bool) -> (Vec<String>, Result<()>) {
    let mut kept = Vec::new();
    let result = stream(command, |line| {
        eprintln!("{line}");
        if keep(line) {
            kept.push(line.trim().to_owned());
        }
    });
    (kept, result)
}

/// What a command prints on its standard output; its errors are shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of `{}`", shown(command)))
}

/// True if `command` can be started and succeeds, whatever it prints.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Debian keeps the programs of servers that may be there in several versions off the search path.
const VERSIONS: &str = "/usr/lib/postgresql";

/// So it does with those that only root or a server itself should call.
const OFF_THE_PATH: [&str; 3] = ["/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin"];

/// Where the program `name` lies, as the shell would find it, or a test that looks where Debian puts servers.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path)
        .chain(versions.map(|version| version.path().join("bin")))
        .chain(OFF_THE_PATH.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs a command and hands over each line of its standard output and error, in the order of arrival.
fn stream(command: &mut Command, mut each: impl FnMut(&str)) -> Result<()> {
    eprintln!("$ {}", shown(command));
    // One pipe for both, so that the lines of a failing test stay beside its name.
    let (reader, writer) = std::io::pipe().context("open a pipe")?;
    let twin = writer.try_clone().context("open a pipe")?;
    let mut child = command
        .stdout(Stdio::from(writer))
        .stderr(Stdio::from(twin))
        .spawn()
        .with_context(|| format!("start `{}`", shown(command)))?;
    // The command keeps its ends of the pipe until they are replaced; the pipe ends when nobody holds one.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("read a pipe")?;
        each(String::from_utf8_lossy(&line).trim_end_matches('\r'));
    }
    let status = child.wait().with_context(|| format!("wait for `{}`", shown(command)))?;
    if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", shown(command)) }
}

/// The command as one would type it, with the variables it sets.
fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let (Some(name), Some(value)) = (name.to_str(), value)
            && name != "CARGO_TERM_PROGRESS_WHEN"
        {
            words.push(format!("{name}={}", quoted(value)));
        }
    }
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    words.push(name.to_string_lossy().into_owned());
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.contains([' ', '(', '*', '&']) { format!("'{word}'") } else { word.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Command {
        let mut command = program("sh");
        command.args(["-c", text]);
        command
    }

    #[test]
    fn the_lines_of_both_outputs_are_kept_when_they_are_wanted() {
        let (kept, result) =
            run_keeping(&mut script("echo Summary 1; echo noise; echo Summary 2 >&2"), |line| {
                line.starts_with("Summary")
            });
        assert!(result.is_ok());
        assert_eq!(kept, ["Summary 1", "Summary 2"]);
    }

    #[test]
    fn a_failing_command_fails_and_still_tells_its_lines() {
        let (kept, result) = run_keeping(&mut script("echo before; exit 3"), |_| true);
        assert_eq!(kept, ["before"]);
        assert!(result.unwrap_err().to_string().contains("exit status: 3"));
        assert!(run(&mut script("exit 1")).is_err());
        assert!(output(&mut script("exit 1")).is_err());
        assert!(!succeeds(&mut script("exit 1")));
        assert!(!succeeds(&mut program("no-such-program-anywhere")));
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = program("/usr/bin/env");
        command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "a b"]);
        assert_eq!(shown(&command), "RUSTDOCFLAGS='-D warnings' env doc 'a b'");
    }
}
