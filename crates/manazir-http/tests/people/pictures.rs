//! Pictures of teams and services.

use manazir_avatar::{Avatar, Kind};
use serde_json::json;

use crate::teams::{ada_bob_and_root, make};
use crate::world::World;

#[tokio::test]
async fn the_picture_of_a_team_and_of_a_service_is_open() {
    let world = ada_bob_and_root(World::in_memory().await).await;
    let new = json!({"slug": "sre", "name": "SRE", "avatar_seed": "ours"});
    let team = make(&world, "ada", "/api/v1/teams", &new).await;
    let new = json!({"name": "checkout", "avatar_seed": "till"});
    let service = make(&world, "ada", "/api/v1/services", &new).await;
    for (path, kind, seed) in [(team, Kind::Team, "ours"), (service, Kind::Service, "till")] {
        let said = world.get("", &format!("{path}/avatar")).await;
        assert_eq!(said.status, 200);
        assert_eq!(said.header("content-type"), "image/svg+xml");
        let expected = Avatar::of(kind, seed).etag(manazir_avatar::Form::Svg);
        assert_eq!(said.header("etag"), expected);
    }
    assert_eq!(world.status("", "GET", "/api/v1/teams/@nobody/avatar").await, 200);
    assert_eq!(world.status("", "GET", "/api/v1/services/@nobody/avatar").await, 200);
}
