//! Profiles.

use serde_json::json;

use crate::world::World;

/// CM-1, CM-7.
pub(crate) async fn cm_w7_w8_an_address_is_enough_and_is_one_persons_alone(world: World) {
    let made = world.post("people", "", r#"{"email": "Ada@Example.com"}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let place = made.header("location").to_owned();
    let found = world.get("people", &place).await;
    assert_eq!((found.status, found.data()), (200, made.data()));
    assert_eq!(found.data()["email"], "ada@example.com");
    assert_eq!(found.body["links"]["self"], place);
    assert_eq!(format!("/api/v1/users/{}", found.data()["id"].as_str().unwrap()), place);
    let all =
        json!({"email": "grace@example.com", "username": "grace", "name": "Grace", "affiliation": "Navy"});
    assert_eq!(world.post("people", "", &all.to_string()).await.status, 201);
    let taken = [
        (json!({"email": "ADA@example.com"}), "email"),
        (json!({"email": "other@example.com", "username": "Grace"}), "username"),
    ];
    for (body, field) in taken {
        let said = world.post("people", "", &body.to_string()).await;
        assert_eq!(said.status, 409, "{}", said.body);
        assert!(said.body["detail"].as_str().unwrap().contains(field), "{}", said.body);
    }
    for bad in [
        json!({}),
        json!({"email": "nobody"}),
        json!({"email": "a@b", "username": "-"}),
        json!({"email": "a@b", "name": "x".repeat(201)}),
        json!({"email": "a@b", "college": "MIT"}),
        json!({"email": 7}),
    ] {
        assert_eq!(world.post("people", "", &bad.to_string()).await.status, 400, "{bad}");
    }
    // Nothing of what was refused is there.
    assert!(world.get("people", "?email=a@b").await.ids().is_empty());
    assert_eq!(
        world.get("people", "?email=ada@EXAMPLE.com").await.ids(),
        [found.data()["id"].as_str().unwrap()]
    );
}

/// CM-2.
pub(crate) async fn cm_w5_a_profile_is_changed_by_a_merge_patch(mut world: World) {
    world.join(&["ada"]).await;
    let patch = async |who: &str, path: &str, body: &str, kind: &str| {
        world.ask_with(who, "PATCH", path, body, &[("content-type", kind)]).await
    };
    let merge = "application/merge-patch+json";
    let said = patch("ada", "/me", r#"{"name": " Ada L. ", "affiliation": null}"#, merge).await;
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!((&said.data()["name"], said.data().get("affiliation")), (&json!("Ada L."), None));
    let said =
        patch("people", "/@ada", r#"{"affiliation": "Team B"}"#, "application/json; charset=utf-8").await;
    assert_eq!((&said.data()["name"], &said.data()["affiliation"]), (&json!("Ada L."), &json!("Team B")));
    assert_eq!(world.get("ada", "/me").await.data(), said.data());
    for (body, kind, status) in [
        ("{}", "text/plain", 415),
        ("{}", "", 415),
        ("[]", merge, 400),
        ("{", merge, 400),
        (r#"{"email": "b@c"}"#, merge, 400),
        (r#"{"name": 7}"#, merge, 400),
        ("{}", merge, 200),
    ] {
        assert_eq!(patch("ada", "/me", body, kind).await.status, status, "{body} {kind}");
    }
    assert_eq!(patch("people", "/@nobody", r#"{"name": "x"}"#, merge).await.status, 404);
    assert_eq!(patch("people", "/ada", r#"{"name": "x"}"#, merge).await.status, 400);
    assert_eq!(world.get("ada", "/me").await.data(), said.data());
}

/// The e-mail address is for the person, tokens and administrators.
pub(crate) async fn others_see_what_everybody_may(mut world: World) {
    world.join(&["ada", "bob"]).await;
    world.sign_up("root", manazir_auth::Role::Admin).await;
    for who in ["ada", "people", "admin", "root"] {
        let said = world.get(who, "/@ada").await;
        assert_eq!(
            (&said.data()["email"], &said.data()["state"]),
            (&json!("ada@example.com"), &json!("active"))
        );
    }
    let said = world.get("bob", "/@ada").await;
    let id = said.data()["id"].as_str().unwrap();
    let public = json!({"id": id, "username": "ada", "name": "ADA", "affiliation": "Team A",
        "avatar": format!("/api/v1/users/{id}/avatar")});
    assert_eq!(said.data(), &public);
    assert_eq!(world.get("bob", "?username=ADA").await.data(), &json!([public]));
    let all = world.get("bob", "?search=a").await.body.to_string();
    assert!(!all.contains('@'), "{all}");
    // A token is no person.
    assert_eq!(world.status("people", "GET", "/me").await, 404);
    // What is known already is not sent again.
    let tag = said.header("etag").to_owned();
    let again = world.ask_with("bob", "GET", "/@ada", "", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));
    let more = world.ask_with("ada", "GET", "/@ada", "", &[("if-none-match", &tag)]).await;
    assert_eq!(more.status, 200, "who sees more has another tag");
    assert_eq!(world.status("bob", "HEAD", "/@ada").await, 200);
}

/// Off-boarding.
pub(crate) async fn who_is_put_aside_keeps_everything_and_who_is_erased_nothing(mut world: World) {
    world.join(&["ada", "bob", "cy"]).await;
    assert_eq!(world.connect("ada", "bob").await.status, 201);
    let deactivated = r#"{"state": "deactivated"}"#;
    assert_eq!(world.ask("ada", "PUT", "/me/state", deactivated).await.data()["state"], "deactivated");
    assert_eq!(world.names("bob", "/me/connections").await, ["ada"]);
    assert!(world.names("bob", "?search=ada").await.is_empty());
    assert!(world.names("bob", "?username=ada").await.is_empty());
    assert_eq!(world.names("people", "?username=ada").await, ["ada"]);
    assert_eq!(world.request("cy", "ada").await.status, 409);
    assert_eq!(world.connect("cy", "ada").await.status, 409);
    // She cannot undo what an administrator may have done.
    assert_eq!(world.ask("ada", "PUT", "/me/state", r#"{"state": "active"}"#).await.status, 403);
    assert_eq!(world.ask("people", "PUT", "/@ada/state", r#"{"state": "active"}"#).await.status, 200);
    assert_eq!(world.ask("people", "PUT", "/@ada/state", r#"{"state": "erased"}"#).await.status, 400);
    assert_eq!(world.request("cy", "ada").await.status, 201);
    let last = world.named("/me/connections?limit=1&cursor=@ada");

    assert_eq!(world.status("people", "DELETE", "/@ada").await, 204);
    for (who, method, path) in [
        ("bob", "GET", "/@ada"),
        ("ada", "GET", "/me"),
        ("people", "DELETE", "/@ada"),
        ("bob", "GET", "/me/relations/@ada"),
    ] {
        assert_eq!(world.status(who, method, path).await, 404, "{who} {path}");
    }
    assert!(world.names("bob", "/me/connections").await.is_empty());
    assert!(world.names("cy", "/me/requests/outgoing").await.is_empty());
    assert!(world.get("people", "?email=ada@example.com").await.ids().is_empty());
    assert_eq!(world.get("bob", &last).await.status, 200, "a page goes on after somebody who was erased");
    // Address and username are free again.
    let again = json!({"email": "ada@example.com", "username": "ada"}).to_string();
    assert_eq!(world.post("people", "", &again).await.status, 201);
}

/// BB-11, BB-12, BB-W36.
pub(crate) async fn bb_w35_people_are_found_and_every_character_means_itself(mut world: World) {
    world.join(&["alan", "grace", "hal9000"]).await;
    for (name, new) in [("grace", "Alma"), ("hal9000", r"50% \\ Hal_")] {
        let body = format!(r#"{{"name": "{new}"}}"#);
        assert_eq!(world.ask("people", "PATCH", &format!("/@{name}"), &body).await.status, 200);
    }
    for (query, expected) in [
        ("al", vec!["alan", "grace", "hal9000"]),
        ("AL&limit=2", vec!["alan", "grace"]),
        ("%25", vec!["hal9000"]),
        ("_", vec!["hal9000"]),
        ("%5C", vec!["hal9000"]),
        ("'%20OR%201=1--", vec![]),
        ("%00", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(world.names("alan", &format!("?search={query}")).await, expected, "{query}");
    }
    for wrong in
        ["", "?search=a&username=b", "?search=a&limit=0", "?search=a&limit=x", "?search=a&limit=101", "?q=a"]
    {
        assert_eq!(world.get("people", wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(world.get("alan", "?email=grace@example.com").await.status, 403);
    assert_eq!(world.get("people", "?email=%00").await.ids(), [""; 0]);
    assert_eq!(world.get("people", "?username=%00").await.ids(), [""; 0]);
    assert_eq!(world.status("alan", "GET", "/@nobody").await, 404);
    assert_eq!(world.status("alan", "GET", "/nobody").await, 400);
}
