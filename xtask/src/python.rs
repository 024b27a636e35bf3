//! Programs in Python that tests need, each in an environment of its own below the target directory.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{shell, tidy};

/// A program that tests use, and the packages it is made of; their versions are fixed, so that a new release of
/// theirs is no failure of ours.
pub(crate) struct Peer {
    name: &'static str,
    packages: &'static [&'static str],
    /// The program, by its name in the environment.
    program: &'static str,
    /// The variable in which tests look for it.
    pub(crate) variable: &'static str,
    /// The word in the names of the tests that need it.
    pub(crate) test_word: &'static str,
}

/// Generates requests from the OpenAPI document and checks the answers against it.
pub(crate) const SCHEMATHESIS: Peer = Peer {
    name: "schemathesis",
    packages: &["schemathesis==4.32.5"],
    program: "schemathesis",
    variable: "MANAZIR_SCHEMATHESIS",
    test_word: "needs_schemathesis",
};

/// Exports to the service as an application does.
const OPENTELEMETRY: Peer = Peer {
    name: "opentelemetry",
    packages: &["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"],
    program: "python",
    variable: "MANAZIR_OTEL_PYTHON",
    test_word: "needs_otel",
};

/// A bucket, as far as a test can tell.
const MOTO: Peer = Peer {
    name: "moto",
    packages: &["moto[server]==5.2.5"],
    program: "moto_server",
    variable: "MANAZIR_MOTO",
    test_word: "needs_s3",
};

/// A graph database that speaks Bolt, with the Java that it runs on.
const ARCADEDB: Peer = Peer {
    name: "arcadedb",
    packages: &["arcadedb-embedded==26.10.2.post1"],
    program: "python",
    variable: "MANAZIR_ARCADEDB_PYTHON",
    test_word: "needs_arcadedb",
};

/// An identity server, at which people sign in by OpenID Connect.
const CANAILLE: Peer = Peer {
    name: "canaille",
    packages: &["canaille[front,oidc]==0.3.6"],
    program: "python",
    variable: "MANAZIR_CANAILLE_PYTHON",
    test_word: "needs_canaille",
};

/// All of them.
pub(crate) const PEERS: [Peer; 5] = [SCHEMATHESIS, OPENTELEMETRY, MOTO, ARCADEDB, CANAILLE];

/// Where the program of a peer is; its environment is made at the first call, which needs a network.
pub(crate) fn environment(peer: &Peer) -> Result<PathBuf> {
    let folder = tidy::metadata()?.target_directory.join("python").join(peer.name);
    let programs = folder.join("bin");
    // Written last: an environment that was interrupted is made again.
    let done = folder.join("packages.txt");
    let wanted = peer.packages.join("\n");
    if std::fs::read_to_string(&done).is_ok_and(|made| made == wanted) {
        return Ok(programs.join(peer.program).into());
    }
    if !shell::succeeds(shell::program("python3").args(["-m", "venv", "--clear"]).arg(&folder)) {
        bail!("python3 cannot make an environment; on Debian: sudo apt-get install python3-venv");
    }
    let mut install = shell::program(programs.join("python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shell::run(install.args(peer.packages)).context("install packages of Python")?;
    std::fs::write(&done, wanted).with_context(|| format!("write {done}"))?;
    Ok(programs.join(peer.program).into())
}
