//! Requests made from the OpenAPI document, sound and broken ones: the answers are what the document says.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

mod needs_schemathesis {
    use std::process::Command;

    use manazir_auth::Scope;

    use std::sync::Arc;

    use manazir_http::{People, PeopleLimits};
    use manazir_people::memory::InMemoryPeople;
    use manazir_people::{Limits, contract};

    use super::common::{Service, rollup, secret};

    /// For each operation; `MANAZIR_SCHEMATHESIS_CASES` says otherwise.
    const CASES: &str = "25";

    /// The people that `schemathesis.toml` names.
    async fn three_people() -> People {
        let people = Arc::new(InMemoryPeople::new(Limits::default(), 1_000));
        contract::join(&*people, 3).await;
        People::new(people.clone(), people, PeopleLimits::default())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_answers_are_those_of_the_document() {
        let mut service = Service::start(true).await;
        service.app.rollups = [rollup::karma().await].into();
        service.app.people = three_people().await;
        let address = service.listen().await;
        let program = std::env::var_os("MANAZIR_SCHEMATHESIS").unwrap_or_else(|| "schemathesis".into());
        let cases = std::env::var("MANAZIR_SCHEMATHESIS_CASES").unwrap_or_else(|_| CASES.to_owned());
        let mut command = Command::new(program);
        command
            .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--continue-on-failure"])
            .args(["--max-examples", &cases, "--generation-database", "none"])
            .args(["--header", &format!("Authorization: Bearer {}", secret(Scope::Admin).reveal())])
            .arg(format!("http://{address}/api/openapi.json"));
        if let Ok(seed) = std::env::var("MANAZIR_SCHEMATHESIS_SEED") {
            command.args(["--seed", &seed]);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        let output = output.expect("schemathesis is installed (pip install schemathesis)");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        service.stop();
    }
}
