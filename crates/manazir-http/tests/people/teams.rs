//! Teams and services, who owns them, and how they are imported.

use manazir_auth::Role;
use serde_json::{Value, json};

use crate::world::World;

const FILE: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: payments
spec:
  type: team
  profile: {displayName: Payments}
  members: [ada, bob@example.com, ghost]
---
a: [broken
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  description: Takes the money
spec:
  type: service
  owner: payments
";

pub(crate) async fn ada_bob_and_root(mut world: World) -> World {
    world.join(&["ada", "bob"]).await;
    world.sign_up("root", Role::Admin).await;
    world
}

/// Makes something: where it is.
pub(crate) async fn make(world: &World, who: &str, path: &str, body: &Value) -> String {
    let said = world.post(who, path, &body.to_string()).await;
    assert_eq!(said.status, 201, "{}", said.body);
    let place = said.header("location").to_owned();
    assert_eq!(said.body["links"]["self"], place);
    assert_eq!(world.get("read", &place).await.data()["id"], said.data()["id"]);
    place
}

async fn status(world: &World, who: &str, method: &str, path: &str, body: Value) -> u16 {
    world.ask(who, method, path, &body.to_string()).await.status
}

pub(crate) async fn a_team_is_made_changed_and_deleted_by_its_owners(world: World) {
    let world = ada_bob_and_root(world).await;
    let team = make(&world, "ada", "/api/v1/teams", &json!({"slug": "sre", "name": "SRE"})).await;
    assert_eq!(status(&world, "bob", "PATCH", &team, json!({"name": "Mine"})).await, 403);
    let bob = format!("{team}/members/@bob");
    assert_eq!(status(&world, "bob", "PUT", &bob, json!({"part": "member"})).await, 403);
    assert_eq!(status(&world, "ada", "PUT", &bob, json!({"part": "member"})).await, 200);
    let members = world.get("bob", &format!("{team}/members")).await;
    let parts: Vec<_> =
        members.data().as_array().unwrap().iter().map(|one| (&one["username"], &one["part"])).collect();
    assert_eq!(parts, [(&json!("ada"), &json!("owner")), (&json!("bob"), &json!("member"))]);
    // The last owner stays, but names another and goes in one wish.
    assert_eq!(world.status("ada", "DELETE", &format!("{team}/members/me")).await, 409);
    let wish = json!({"members": {"@bob": "owner", "@ada": null}, "description": "Keeps it up"});
    let changed = world.ask("ada", "PATCH", &team, &wish.to_string()).await;
    assert_eq!((changed.status, &changed.data()["description"]), (200, &json!("Keeps it up")));
    let of_bob = world.get("ada", "/@bob/teams").await;
    assert_eq!((&of_bob.data()[0]["slug"], &of_bob.data()[0]["part"]), (&json!("sre"), &json!("owner")));
    assert_eq!(world.get("ada", "/me/teams").await.data(), &json!([]));
    assert_eq!(status(&world, "ada", "PATCH", &team, json!({"name": "Mine"})).await, 403);
    // An administrator and a token may everything.
    assert_eq!(status(&world, "root", "PATCH", &team, json!({"name": "SRE 2"})).await, 200);
    assert_eq!(status(&world, "people", "PATCH", &team, json!({"name": "SRE 3"})).await, 200);
    assert_eq!(world.status("bob", "DELETE", &team).await, 204);
    assert_eq!(world.status("bob", "GET", &team).await, 404);
}

pub(crate) async fn teams_are_listed_by_pages_and_found_by_slug(world: World) {
    let world = ada_bob_and_root(world).await;
    for slug in ["c", "a", "b"] {
        make(&world, "people", "/api/v1/teams", &json!({"slug": slug, "name": slug, "owners": ["@bob"]}))
            .await;
    }
    let (mut path, mut slugs) = ("/api/v1/teams?limit=2".to_owned(), Vec::new());
    loop {
        let said = world.get("read", &path).await;
        slugs.push(
            said.data().as_array().unwrap().iter().map(|team| team["slug"].clone()).collect::<Vec<_>>(),
        );
        let Some(next) = said.body["links"]["next"].as_str() else { break };
        path = next.to_owned();
    }
    assert_eq!(slugs, [vec![json!("a"), json!("b")], vec![json!("c")]]);
    assert_eq!(world.get("ada", "/api/v1/teams?slug=b").await.ids().len(), 1);
    assert_eq!(world.get("ada", "/api/v1/teams?slug=x").await.ids().len(), 0);
    assert_eq!(world.get("ada", "/api/v1/teams?slug=A%00b").await.ids().len(), 0);
    assert_eq!(world.status("ada", "GET", "/api/v1/teams?cursor=A").await, 400);
    let taken = json!({"slug": "a", "name": "A"});
    assert_eq!(status(&world, "ada", "POST", "/api/v1/teams", taken).await, 409);
    let broken = json!({"slug": "A b", "name": "A"});
    assert_eq!(status(&world, "ada", "POST", "/api/v1/teams", broken).await, 400);
    let unknown = json!({"slug": "d", "name": "D", "owners": ["@nobody"]});
    assert_eq!(status(&world, "ada", "POST", "/api/v1/teams", unknown).await, 404);
}

pub(crate) async fn a_service_is_owned_by_people_and_teams(world: World) {
    let world = ada_bob_and_root(world).await;
    let team = make(&world, "ada", "/api/v1/teams", &json!({"slug": "sre", "name": "SRE"})).await;
    let team_id = team.rsplit('/').next().unwrap();
    let of_team = json!({"name": "checkout", "owners": [{"team": team_id}], "labels": {"tier": "1"}});
    assert_eq!(status(&world, "bob", "POST", "/api/v1/services", of_team.clone()).await, 403);
    let checkout = make(&world, "ada", "/api/v1/services", &of_team).await;
    let ledger =
        make(&world, "bob", "/api/v1/services", &json!({"name": "ledger", "namespace": "pay"})).await;
    assert_eq!(status(&world, "bob", "PATCH", &checkout, json!({"description": "x"})).await, 403);
    let owners = json!({"owners": [{"team": team_id}, {"user": "@bob"}], "labels": {}});
    let changed = world.ask("ada", "PATCH", &checkout, &owners.to_string()).await;
    assert_eq!((changed.status, &changed.data()["labels"]), (200, &json!({})));
    let names = async |path: &str| {
        let said = world.get("ada", path).await;
        said.data().as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("/api/v1/services").await, ["checkout", "ledger"]);
    assert_eq!(names("/api/v1/services?name=ledger").await, ["ledger"]);
    assert_eq!(names(&format!("/api/v1/services?team={team_id}")).await, ["checkout"]);
    let first = world.get("ada", "/api/v1/services?user=@bob&limit=1").await;
    let next = first.body["links"]["next"].as_str().unwrap();
    assert_eq!(names(next).await, ["ledger"]);
    assert_eq!(world.status("ada", "GET", "/api/v1/services?name=a&user=me").await, 400);
    assert_eq!(world.status("ada", "DELETE", &ledger).await, 403);
    assert_eq!(world.status("bob", "DELETE", &ledger).await, 204);
    assert_eq!(world.status("bob", "GET", &ledger).await, 404);
}

pub(crate) async fn a_file_is_imported_and_the_same_again_changes_nothing(world: World) {
    let world = ada_bob_and_root(world).await;
    let import = async |who: &str, query: &str| {
        let path = format!("/api/v1/teams/import{query}");
        world.ask_with(who, "POST", &path, FILE, &[("content-type", "application/yaml")]).await
    };
    assert_eq!(import("ada", "").await.status, 403);
    let dry = import("root", "?dry_run=true").await;
    assert_eq!(dry.status, 200, "{}", dry.body);
    assert_eq!(world.get("ada", "/api/v1/teams").await.data(), &json!([]));
    let done = import("people", "").await;
    assert_eq!(done.data()["steps"], dry.data()["steps"]);
    assert_eq!((&done.data()["made"], &done.data()["faulty"]), (&json!(2), &json!(1)));
    assert_eq!(done.data()["faults"][0]["line"], 11);
    assert_eq!(done.data()["steps"][0]["notes"], json!(["nobody is known as ghost"]));
    let team = world.get("ada", "/api/v1/teams?slug=payments").await.ids()[0].clone();
    assert_eq!(world.get("ada", &format!("/api/v1/teams/{team}/members")).await.ids().len(), 2);
    let owned = world.get("ada", &format!("/api/v1/services?team={team}")).await;
    assert_eq!(owned.data()[0]["name"], "checkout");
    let again = import("people", "").await;
    assert_eq!((&again.data()["same"], &again.data()["made"]), (&json!(2), &json!(0)));
    let json = world.post("root", "/api/v1/teams/import", "{}").await;
    assert_eq!(json.status, 415);
}

/// Somebody new, without a contact, is suggested whom they work with.
pub(crate) async fn who_works_on_the_same_service_is_suggested(world: World) {
    let world = ada_bob_and_root(world).await;
    assert_eq!(world.get("ada", "/me/suggestions").await.data(), &json!([]));
    let owners = json!({"name": "checkout", "owners": [{"user": "@ada"}, {"user": "@bob"}]});
    make(&world, "ada", "/api/v1/services", &owners).await;
    let said = world.get("ada", "/me/suggestions").await;
    assert_eq!(said.data()[0]["username"], "bob");
    assert_eq!((&said.data()[0]["score"], &said.data()[0]["mutual_contacts"]), (&json!(2), &json!(0)));
    assert_eq!(said.data()[0]["reason"], "1 shared service");
}
