//! The report of the demo in a real browser, without a network.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

fn browser() -> Option<&'static str> {
    let answers = |name: &&&str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    BROWSERS.iter().find(answers).copied()
}

/// Runs the demo in `folder` and gives its report.
fn demo_report(folder: &Path) -> PathBuf {
    let status = Command::new(env!("CARGO_BIN_EXE_manazir"))
        .args(["up", "--quiet"])
        .current_dir(folder)
        .env_remove("MANAZIR_DATA")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    folder.join(".manazir/demo/manazir-report.html")
}

#[test]
fn the_report_of_the_demo_has_its_structure() {
    let folder = tempfile::tempdir().unwrap();
    let html = fs::read_to_string(demo_report(folder.path())).unwrap();
    assert!(html.contains("What the demo hid: ") && html.contains(" of 7 incidents found"));
    for needle in [
        "<h1>",
        "class=\"ranked\"",
        "Which combination made it",
        "app = 4.2 in BR",
        "<article",
        "role=\"img\"",
        "What was found",
        "prefers-color-scheme:dark",
    ] {
        assert!(html.contains(needle), "{needle}");
    }
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}

/// Chromium lays the page out, every host name unreachable, and what it made of it is read back: the charts
/// stand in the document, in their size, and no error page has taken their place.
#[test]
fn the_report_opens_in_a_browser_without_network() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED the_report_opens_in_a_browser_without_network: none of {BROWSERS:?} is installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let report = demo_report(folder.path());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("file://{}", report.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("Refused to"), "the security policy stopped something of our own: {log}");
    let source = fs::read_to_string(&report).unwrap();
    for needle in ["<figure", "<path class=\"value\"", "<article", "<tr", "<h2"] {
        assert_eq!(dom.matches(needle).count(), source.matches(needle).count(), "{needle}");
    }
}
