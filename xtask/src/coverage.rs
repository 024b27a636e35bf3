//! `cargo xtask coverage`: which lines of each crate the tests reach.
//!
//! The compiler instruments our own crates only, by way of cargo's workspace wrapper: cargo calls this very
//! program in place of the compiler, and it adds one flag. The tools of LLVM must be of the compiler's own
//! version; Debian has them as `llvm-22` and kin, rustup as the component `llvm-tools`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::{install, shell, tidy};

/// Set while cargo calls this program in place of the compiler.
const AS_COMPILER: &str = "MANAZIR_XTASK_AS_COMPILER";

/// If cargo calls us in place of the compiler, does what the compiler would do, with coverage.
pub(crate) fn as_compiler() -> Option<ExitCode> {
    std::env::var_os(AS_COMPILER)?;
    let mut arguments = std::env::args_os().skip(1);
    let compiler = arguments.next()?;
    let status = Command::new(compiler).args(arguments).arg("-Cinstrument-coverage").status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures by the tests of `packages`, of all if it is empty, and prints; with `lines` also the lines that no
/// test reaches.
pub(crate) fn run(install: bool, lines: bool, packages: &[String]) -> Result<()> {
    let which: Vec<_> = match packages {
        [] => vec!["--workspace"],
        some => some.iter().flat_map(|name| ["--package", name]).collect(),
    };
    let tools = Tools::find(install)?;
    let folder: PathBuf = tidy::metadata()?.target_directory.join("coverage").into();
    let profiles = folder.join("profiles");
    if profiles.exists() {
        fs::remove_dir_all(&profiles).context("remove old profiles")?;
    }
    fs::create_dir_all(&profiles).context("make a folder for profiles")?;

    // A copy, for the build puts a new xtask in the place of the one that runs.
    let compiler = folder.join("compiler");
    fs::copy(std::env::current_exe().context("find this program")?, &compiler)
        .context("copy this program")?;
    let objects = build(&compiler, &which)?;
    // `%4m`: at most four files per binary, which its processes merge into, however many tests there are.
    let pattern = profiles.join("%4m.profraw");
    let mut tests = instrumented(&compiler, &which);
    // A test that fails has reached its lines all the same; it is told at the end.
    let tested = shell::run(tests.args(["--quiet", "--no-fail-fast"]).env("LLVM_PROFILE_FILE", pattern));

    let merged = folder.join("merged.profdata");
    shell::run(tools.merge().arg(&profiles).arg("-o").arg(&merged))?;
    let mut export = tools.export();
    export.arg("--format=lcov").arg("--instr-profile").arg(&merged);
    for object in &objects {
        export.arg("--object").arg(object);
    }
    let files = own_lines(&shell::output(&mut export)?)?;
    print!("{}", report(&files));
    if lines {
        print!("{}", unreached(&files));
    }
    tested
}

/// Builds every test and the binary, and returns them.
fn build(compiler: &Path, which: &[&str]) -> Result<BTreeSet<PathBuf>> {
    let mut command = instrumented(compiler, which);
    let text = shell::output(command.args(["--no-run", "--message-format=json"]))?;
    let mut objects = BTreeSet::new();
    for message in Message::parse_stream(text.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message.context("read what cargo built")?
            && let Some(executable) = artifact.executable
        {
            objects.insert(executable.into());
        }
    }
    Ok(objects)
}

/// The tests of the crates that `which` names. Not the examples in documentation, which are compiled apart.
fn instrumented(compiler: &Path, which: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--lib", "--bins", "--tests"]).args(which);
    command.env("RUSTC_WORKSPACE_WRAPPER", compiler).env(AS_COMPILER, "1");
    command
}

/// The tools of LLVM that read what an instrumented program writes.
struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Tools {
    fn find(install: bool) -> Result<Self> {
        let version = shell::output(shell::program("rustc").arg("-vV"))?;
        let major = llvm_major(&version).context("rustc does not say its version of LLVM")?;
        let sysroot = shell::output(shell::program("rustc").args(["--print", "target-libdir"]))?;
        let beside_compiler = Path::new(sysroot.trim()).with_file_name("bin");
        let find = |name: &str| {
            let by_rustup = beside_compiler.join(name);
            if by_rustup.is_file() { Some(by_rustup) } else { shell::find(&format!("{name}-{major}")) }
        };
        let both = || Some(Self { profdata: find("llvm-profdata")?, cov: find("llvm-cov")? });
        let package = format!("llvm-{major}");
        if both().is_none() && install {
            install::packages(&[&package]);
        }
        both().with_context(|| {
            format!(
                "the tools of LLVM {major} are missing: `rustup component add llvm-tools`, \
                 or on Debian `sudo apt-get install {package}`"
            )
        })
    }

    fn merge(&self) -> Command {
        let mut command = shell::program(&self.profdata);
        command.args(["merge", "--sparse"]);
        command
    }

    fn export(&self) -> Command {
        let mut command = shell::program(&self.cov);
        command.arg("export");
        command
    }
}

/// The `22` of `LLVM version: 22.1.2`.
fn llvm_major(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("LLVM version: "))?.split('.').next()
}

/// How often each line of a file was reached.
type Lines = BTreeMap<usize, u64>;

/// The lines of our crates without those of their tests, by path from the root of the workspace.
fn own_lines(lcov: &str) -> Result<BTreeMap<String, Lines>> {
    let mut files = parse_lcov(lcov, shell::root());
    let mut only_in_tests = BTreeSet::new();
    for (path, lines) in &mut files {
        let text = fs::read_to_string(shell::root().join(path)).with_context(|| format!("read {path}"))?;
        let (first, modules) = test_code(&text);
        lines.retain(|number, _| *number < first);
        let folder = module_folder(path);
        only_in_tests.extend(modules.into_iter().map(|module| format!("{folder}/{module}.rs")));
    }
    files.retain(|path, _| !only_in_tests.contains(path));
    if files.is_empty() {
        bail!("no line of a crate was measured");
    }
    Ok(files)
}

/// Reads `SF:path`, `DA:line,count`, `end_of_record` (geninfo(1)) of the files `crates/*/src/` below `root`.
fn parse_lcov(lcov: &str, root: &Path) -> BTreeMap<String, Lines> {
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut current = None;
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let relative = Path::new(path).strip_prefix(root).ok().map(|path| path.display().to_string());
            current = relative.filter(|path| crate_of(path).is_some());
        } else if let (Some(path), Some(data)) = (&current, line.strip_prefix("DA:"))
            && let Some((number, count)) = data.split_once(',')
            && let (Ok(number), Ok(count)) = (number.parse(), count.parse::<u64>())
        {
            let total = files.entry(path.clone()).or_default().entry(number).or_insert(0);
            *total = total.saturating_add(count);
        }
    }
    files
}

/// `manazir-model` of `crates/manazir-model/src/time.rs`.
fn crate_of(path: &str) -> Option<&str> {
    let (name, rest) = path.strip_prefix("crates/")?.split_once('/')?;
    rest.starts_with("src/").then_some(name)
}

/// Where the modules lie that the file `path` declares.
fn module_folder(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    stem.strip_suffix("/lib").or_else(|| stem.strip_suffix("/main")).unwrap_or(stem)
}

/// The first line of the tests at the end of a file, and the modules that only tests have.
fn test_code(text: &str) -> (usize, Vec<&str>) {
    let mut modules = Vec::new();
    let lines: Vec<_> = text.lines().collect();
    for (index, pair) in lines.windows(2).enumerate() {
        let declared = pair[1].trim_start_matches("pub(crate) ").strip_prefix("mod ");
        if pair[0] == "#[cfg(test)]"
            && let Some(module) = declared
        {
            match module.strip_suffix(';') {
                Some(name) => modules.push(name),
                None => return (index + 1, modules),
            }
        }
    }
    (usize::MAX, modules)
}

fn report(files: &BTreeMap<String, Lines>) -> String {
    let mut crates: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (path, lines) in files {
        let (reached, all) = crates.entry(crate_of(path).unwrap_or(path)).or_default();
        *reached += lines.values().filter(|count| **count > 0).count();
        *all += lines.len();
    }
    let mut text = String::from("| crate | lines | reached by tests |\n|---|---|---|\n");
    for (name, (reached, all)) in crates.into_iter().filter(|(_, (_, all))| *all > 0) {
        text += &format!("| {name} | {all} | {:.1} % |\n", 100.0 * reached as f64 / all as f64);
    }
    text
}

fn unreached(files: &BTreeMap<String, Lines>) -> String {
    let mut text = String::new();
    for (path, lines) in files {
        let missed: Vec<_> =
            lines.iter().filter(|(_, count)| **count == 0).map(|(n, _)| n.to_string()).collect();
        if !missed.is_empty() {
            text += &format!("{path}: {}\n", missed.join(" "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_counted_by_crate() {
        let lcov = "SF:/src/crates/manazir-model/src/time.rs\nFN:3,x\nDA:3,1\nDA:4,0\nDA:5,7\nend_of_record\n\
                    SF:/elsewhere/serde/src/lib.rs\nDA:1,0\nend_of_record\n\
                    SF:/src/crates/manazir-model/tests/a.rs\nDA:1,0\nend_of_record\n";
        let files = parse_lcov(lcov, Path::new("/src"));
        assert_eq!(
            report(&files),
            "| crate | lines | reached by tests |\n|---|---|---|\n| manazir-model | 3 | 66.7 % |\n"
        );
        assert_eq!(unreached(&files), "crates/manazir-model/src/time.rs: 4\n");
    }

    #[test]
    fn the_lines_of_tests_do_not_count() {
        let text = "//! A.\n#[cfg(test)]\npub(crate) mod check;\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(test_code(text), (6, vec!["check"]));
        assert_eq!(test_code("//! A.\n"), (usize::MAX, vec![]));
        assert_eq!(module_folder("crates/a/src/lib.rs"), "crates/a/src");
        assert_eq!(module_folder("crates/a/src/stream.rs"), "crates/a/src/stream");
    }

    #[test]
    fn the_tools_must_be_of_the_compilers_version() {
        assert_eq!(llvm_major("rustc 1.95.0\nLLVM version: 22.1.2\n"), Some("22"));
        assert_eq!(llvm_major("rustc 1.95.0\n"), None);
    }
}
