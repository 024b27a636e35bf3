//! Person × route: a changed permission is a changed line.

use std::fmt::Write;

use expect_test::expect;
use manazir_auth::{Role, permission};
use serde_json::json;

use crate::teams::{ada_bob_and_root, make};
use crate::world::World;

/// A body with which each of them can be asked.
fn body(method: &str, path: &str) -> &'static str {
    match (method, path.rsplit('/').next().unwrap_or_default()) {
        ("POST", "users") => r#"{"email": "new@example.com"}"#,
        ("PUT", "state") => r#"{"state": "deactivated"}"#,
        ("POST", "connections" | "outgoing") => r#"{"id": "@bob"}"#,
        ("POST", "batch") => r#"{"ids": ["@bob"]}"#,
        ("POST", "recommendations") => r#"{"source": "a", "items": [{"id": "@bob"}]}"#,
        ("PATCH", _) => "{}",
        _ => "",
    }
}

/// BB-W3, and a person who acts for another.
#[tokio::test]
async fn bb_w3_who_may_do_what_to_ada() {
    let mut table = String::new();
    for rule in permission::RULES.iter().filter(|rule| rule.path.starts_with("/api/v1/users")) {
        let mut may = Vec::new();
        for who in ["", "ingest", "read", "respond", "people", "admin", "ada", "bob", "root"] {
            // A world of its own: what one does must not matter to the next.
            let mut world = World::in_memory().await;
            world.join(&["ada", "bob"]).await;
            world.sign_up("root", Role::Admin).await;
            let path = rule.path.replace("{user}", "@ada").replace("{other}", "@bob").replace("{job}", "1");
            let query = match (rule.method, rule.path) {
                ("GET", "/api/v1/users") => "?search=a",
                ("DELETE", "/api/v1/users/{user}/connections") => "?user=@bob",
                _ => "",
            };
            let said =
                world.ask(who, rule.method, &format!("{path}{query}"), body(rule.method, rule.path)).await;
            let expected = if who.is_empty() { 401 } else { 403 };
            match said.status {
                401 | 403 => assert_eq!(said.status, expected, "{who} {}", rule.path),
                _ => may.push(if who.is_empty() { "anyone" } else { who }),
            }
        }
        let path = rule.path.trim_start_matches("/api/v1/users");
        writeln!(table, "{} {path}: {}", rule.method, may.join(" ")).unwrap();
    }
    expect![[r#"
        POST : people admin root
        GET : people admin ada bob root
        GET /{user}: people admin ada bob root
        PATCH /{user}: people admin ada root
        DELETE /{user}: people admin root
        PUT /{user}/state: people admin ada root
        GET /{user}/connections: people admin ada root
        POST /{user}/connections: people admin root
        DELETE /{user}/connections: people admin ada root
        GET /{user}/connections/{other}: people admin ada root
        DELETE /{user}/connections/{other}: people admin ada root
        POST /{user}/connections/batch: people admin root
        GET /{user}/connections/batch/{job}: people admin root
        DELETE /{user}/connections/batch/{job}: people admin root
        GET /{user}/requests/outgoing: people admin ada root
        POST /{user}/requests/outgoing: people admin ada root
        DELETE /{user}/requests/outgoing/{other}: people admin ada root
        GET /{user}/requests/incoming: people admin ada root
        DELETE /{user}/requests/incoming/{other}: people admin ada root
        POST /{user}/requests/incoming/{other}/accept: people admin ada root
        GET /{user}/blocks: people admin ada root
        PUT /{user}/blocks/{other}: people admin ada root
        DELETE /{user}/blocks/{other}: people admin ada root
        GET /{user}/relations/{other}: people admin ada root
        GET /{user}/mutual/{other}: people admin ada root
        GET /{user}/suggestions: people admin ada root
        DELETE /{user}/suggestions/{other}: people admin ada root
        GET /{user}/recommendations: people admin ada root
        POST /{user}/recommendations: people admin root
        DELETE /{user}/recommendations: people admin ada root
        GET /{user}/avatar: anyone ingest read respond people admin ada bob root
        GET /{user}/teams: read admin ada bob root
    "#]]
    .assert_eq(&table);
}

#[tokio::test]
async fn who_may_do_what_to_a_team_of_ada() {
    let is_ours = |path: &str| path.starts_with("/api/v1/teams") || path.starts_with("/api/v1/services");
    let mut table = String::new();
    for rule in permission::RULES.iter().filter(|rule| is_ours(rule.path)) {
        let mut may = Vec::new();
        for who in ["", "ingest", "read", "respond", "people", "admin", "ada", "bob", "root"] {
            let world = ada_bob_and_root(World::in_memory().await).await;
            let team = make(&world, "ada", "/api/v1/teams", &json!({"slug": "sre", "name": "SRE"})).await;
            let service = make(&world, "ada", "/api/v1/services", &json!({"name": "checkout"})).await;
            let path = rule.path.replace("/api/v1/teams/{team}", &team);
            let path = path.replace("/api/v1/services/{service}", &service).replace("{user}", "@bob");
            let (kind, body) = match (rule.method, rule.path.rsplit('/').next().unwrap()) {
                ("POST", "import") => ("application/yaml", ""),
                ("POST", "teams") => ("application/json", r#"{"slug": "new", "name": "New"}"#),
                ("POST", "services") => ("application/json", r#"{"name": "new"}"#),
                ("PUT", _) => ("application/json", r#"{"part": "member"}"#),
                ("PATCH", _) => ("application/json", r#"{"avatar_seed": "x"}"#),
                _ => ("application/json", ""),
            };
            let said = world.ask_with(who, rule.method, &path, body, &[("content-type", kind)]).await;
            let expected = if who.is_empty() { 401 } else { 403 };
            match said.status {
                401 | 403 => assert_eq!(said.status, expected, "{who} {}", rule.path),
                400 | 405 | 500.. => panic!("{who} {} {path}: {}", rule.method, said.body),
                _ => may.push(if who.is_empty() { "anyone" } else { who }),
            }
        }
        writeln!(table, "{} {}: {}", rule.method, rule.path.trim_start_matches("/api/v1"), may.join(" "))
            .unwrap();
    }
    expect![[r#"
        GET /teams: read admin ada bob root
        POST /teams: people admin ada bob root
        POST /teams/import: people admin root
        GET /teams/{team}: read admin ada bob root
        PATCH /teams/{team}: people admin ada root
        DELETE /teams/{team}: people admin ada root
        GET /teams/{team}/avatar: anyone ingest read respond people admin ada bob root
        GET /teams/{team}/members: read admin ada bob root
        PUT /teams/{team}/members/{user}: people admin ada root
        DELETE /teams/{team}/members/{user}: people admin ada bob root
        GET /services: read admin ada bob root
        POST /services: people admin ada bob root
        GET /services/{service}: read admin ada bob root
        PATCH /services/{service}: people admin ada root
        DELETE /services/{service}: people admin ada root
        GET /services/{service}/avatar: anyone ingest read respond people admin ada bob root
    "#]]
    .assert_eq(&table);
}
