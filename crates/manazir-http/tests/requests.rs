//! Requests made from the OpenAPI document, sound and broken ones: the answers are what the document says.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

mod needs_schemathesis {
    use std::process::Command;

    use manazir_auth::Scope;

    use std::sync::Arc;

    use manazir_http::{People, PeopleLimits};
    use manazir_model::Timestamp;
    use manazir_people::memory::InMemoryPeople;
    use manazir_people::teams::{Caller, InMemoryTeams, NewService, NewTeam, Owner, ServiceKey, TeamStore};
    use manazir_people::{Limits, UserId, contract};
    use uuid::Uuid;

    use super::common::{Service, rollup, secret};

    /// For each operation; `MANAZIR_SCHEMATHESIS_CASES` says otherwise.
    const CASES: &str = "25";

    /// The people that `schemathesis.toml` names.
    async fn three_people() -> People {
        let people = Arc::new(InMemoryPeople::new(Limits::default(), 1_000));
        contract::join(&*people, 3).await;
        People::new(people.clone(), people, PeopleLimits::default())
    }

    /// The team and the service that it names.
    async fn a_team_and_a_service() -> Arc<dyn TeamStore> {
        let teams = InMemoryTeams::default();
        let (id, at) = (Uuid::from_u128(11), Timestamp(0));
        let (slug, name) = ("sre".to_owned(), "SRE".to_owned());
        let owners = vec![UserId(1)];
        let team = NewTeam { id, slug, name, description: String::new(), avatar_seed: None, owners, at };
        teams.create_team(Caller::Administrator, &team).await.unwrap();
        let service = NewService {
            id: Uuid::from_u128(12),
            key: ServiceKey::named("checkout"),
            description: String::new(),
            owners: [Owner::Team(id)].into(),
            labels: [("tier".to_owned(), "1".to_owned())].into(),
            avatar_seed: None,
            at,
        };
        teams.create_service(Caller::Administrator, &service).await.unwrap();
        Arc::new(teams)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_answers_are_those_of_the_document() {
        let mut service = Service::start(true).await;
        service.app.rollups = [rollup::karma().await].into();
        service.app.people = three_people().await;
        service.app.teams = a_team_and_a_service().await;
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
