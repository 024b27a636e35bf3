//! What the tests need beside Rust, and how it comes onto the machine.

use std::path::Path;

use anyhow::Result;

use crate::shell;

/// A program that some tests need.
pub(crate) struct Need {
    /// Any of these names on the search path will do; without a package, any of these variables that says where one is.
    pub(crate) programs: &'static [&'static str],
    /// The package of Debian that brings it; empty where none does.
    pub(crate) package: &'static str,
    /// What cannot run without it.
    pub(crate) what_for: &'static str,
    /// A word in the path of each test that needs it: such tests live in a module of this name, so that
    /// they can be left out, and named as left out, where the program cannot be had.
    pub(crate) test_word: &'static str,
}

/// Everything that a test may need; a test that needs more adds its line here.
pub(crate) const TEST_NEEDS: &[Need] = &[
    Need {
        programs: &["chromium", "chromium-browser", "google-chrome"],
        package: "chromium",
        what_for: "the test that looks at the HTML report in a browser",
        test_word: "needs_chromium",
    },
    Need {
        programs: &["postgres"],
        package: "postgresql",
        what_for: "the contract of the stores on PostgreSQL",
        test_word: "needs_postgres",
    },
    Need {
        // Not `rabbitmq-server`: Debian has a second one of that name, which would change to another user.
        programs: &["rabbitmq-env"],
        package: "rabbitmq-server",
        what_for: "whatever is tested against a real RabbitMQ",
        test_word: "needs_rabbitmq",
    },
    Need {
        programs: &["mosquitto"],
        package: "mosquitto",
        what_for: "whatever is tested against a real MQTT broker",
        test_word: "needs_mosquitto",
    },
    Need {
        programs: &["redis-server"],
        package: "redis-server",
        what_for: "whatever is tested against a real Redis",
        test_word: "needs_redis",
    },
    Need {
        programs: &["mariadbd"],
        package: "mariadb-server",
        what_for: "whatever is tested against a real MariaDB",
        test_word: "needs_mariadb",
    },
    Need {
        programs: &["MANAZIR_TEST_CQL"],
        package: "",
        what_for: "whatever is tested against a real Cassandra",
        test_word: "needs_cassandra",
    },
    Need {
        programs: &["prometheus"],
        package: "prometheus",
        what_for: "whatever is tested against a real Prometheus",
        test_word: "needs_prometheus",
    },
    Need {
        programs: &["prometheus-alertmanager"],
        package: "prometheus-alertmanager",
        what_for: "whatever is tested against a real Alertmanager",
        test_word: "needs_alertmanager",
    },
    Need {
        programs: &["python3"],
        package: "python3-venv",
        what_for: "the OpenTelemetry SDK that exports to the service",
        test_word: "needs_otel",
    },
    Need {
        programs: &["python3"],
        package: "python3-venv",
        what_for: "requests made from the OpenAPI document by schemathesis",
        test_word: "needs_schemathesis",
    },
    Need {
        programs: &["python3"],
        package: "python3-venv",
        what_for: "the export to a bucket, with Moto in the place of S3",
        test_word: "needs_s3",
    },
    Need {
        programs: &["python3"],
        package: "python3-venv",
        what_for: "the event graph in a graph database, with ArcadeDB in the place of Neo4j",
        test_word: "needs_arcadedb",
    },
    Need {
        programs: &["python3"],
        package: "python3-venv",
        what_for: "signing in at an identity provider, with Canaille as one",
        test_word: "needs_canaille",
    },
];

impl Need {
    /// True if the program is on the machine, or a variable says where it is.
    pub(crate) fn is_met(&self) -> bool {
        let is_there = |name: &str| match self.package {
            "" => std::env::var_os(name).is_some(),
            _ => shell::find(name).is_some(),
        };
        self.programs.iter().any(|name| is_there(name))
    }

    /// Says what to type, for a person who must do it.
    fn advice(&self) -> String {
        if self.package.is_empty() {
            return format!("{}=HOST:PORT is not set, so {} is left out", self.programs[0], self.what_for);
        }
        format!(
            "{} is missing, so {} is left out; on Debian: sudo apt-get install {}",
            self.programs[0], self.what_for, self.package
        )
    }
}

/// The needs of `needs` that are not met, after installing what can be installed if `install` asks for it.
pub(crate) fn unmet(needs: &[Need], install: bool) -> Vec<&Need> {
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return missing;
    }
    if install {
        let names = missing.iter().map(|need| need.package).filter(|package| !package.is_empty());
        packages(&names.collect::<Vec<_>>());
    }
    let unmet: Vec<_> = missing.into_iter().filter(|need| !need.is_met()).collect();
    for need in &unmet {
        eprintln!("{}", need.advice());
    }
    unmet
}

/// Adds rustfmt and clippy where rustup leaves them out, as its minimal profile does.
pub(crate) fn rust_components() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !shell::succeeds(shell::cargo().args([subcommand, "--version"])) {
            shell::run(shell::program("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// The error says why packages cannot be installed from here.
fn can_install() -> Result<(), &'static str> {
    if shell::find("apt-get").is_none() || !Path::new("/etc/debian_version").is_file() {
        return Err("this is not Debian or a child of it");
    }
    let user = shell::output(shell::program("id").arg("-u")).unwrap_or_default();
    if user.trim() != "0" {
        return Err("that takes root");
    }
    Ok(())
}

/// Installs packages of Debian where that can be done from here; what did not arrive is found missing
/// afterwards.
pub(crate) fn packages(packages: &[&str]) {
    if let Err(reason) = can_install() {
        eprintln!("{} cannot be installed from here: {reason}", packages.join(", "));
        return;
    }
    let apt = |arguments: &[&str]| {
        let mut command = shell::program("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command
    };
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    // The lists of packages are fetched only if the machine has none or old ones: that takes a while.
    if shell::run(&mut apt(&install)).is_err() {
        let done = shell::run(&mut apt(&["update"])).and_then(|()| shell::run(&mut apt(&install)));
        if let Err(error) = done {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Need =
        Need { programs: &["no-such-program", "sh"], package: "dash", what_for: "a", test_word: "needs_sh" };
    const ABSENT: Need = Need {
        programs: &["no-such-program"],
        package: "no-such-package",
        what_for: "the test of absence",
        test_word: "needs_nothing",
    };

    #[test]
    fn what_cannot_be_installed_is_found_by_a_variable() {
        let there = Need { programs: &["PATH"], package: "", ..ABSENT };
        let absent = Need { programs: &["NO_SUCH_VARIABLE"], package: "", ..ABSENT };
        assert!(there.is_met() && !absent.is_met());
        assert!(absent.advice().starts_with("NO_SUCH_VARIABLE=HOST:PORT is not set"));
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_the_command_that_brings_it() {
        let needs = [HERE, ABSENT];
        let unmet = unmet(&needs, false);
        assert_eq!(unmet.iter().map(|need| need.test_word).collect::<Vec<_>>(), ["needs_nothing"]);
        assert_eq!(
            unmet[0].advice(),
            "no-such-program is missing, so the test of absence is left out; \
             on Debian: sudo apt-get install no-such-package"
        );
    }
}
