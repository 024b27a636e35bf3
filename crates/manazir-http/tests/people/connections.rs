//! Connections.

use serde_json::json;

use crate::world::World;

/// CM-3, CM-4, CM-6.
pub(crate) async fn cm_w2_w6_w11_w12_connections_are_made_once_and_between_two_who_are_there(
    mut world: World,
) {
    world.join(&["ada", "bob", "cy"]).await;
    let made = world.connect("ada", "bob").await;
    assert_eq!((made.status, &made.data()["relation"]), (201, &json!("contact")), "{}", made.body);
    let place = made.header("location").to_owned();
    assert_eq!(place, world.named("/api/v1/users/@ada/connections/@bob"));
    assert_eq!(world.get("people", &place).await.data(), &json!({"connected": true}));
    assert_eq!(world.get("bob", "/me/connections/@ada").await.data(), &json!({"connected": true}));
    assert_eq!(world.get("people", "/@ada/connections/@cy").await.data(), &json!({"connected": false}));
    for (one, other, status) in [
        ("ada", "bob", 409),
        ("bob", "ada", 409),
        ("ada", "ada", 400),
        ("ada", "nobody", 404),
        ("nobody", "ada", 404),
    ] {
        assert_eq!(world.connect(one, other).await.status, status, "{one} {other}");
    }
    for bad in ["", "{}", "[]", r#"{"id": 7}"#, r#"{"id": "bob"}"#, r#"{"id": "@bob", "more": 1}"#] {
        assert_eq!(world.post("people", "/@cy/connections", bad).await.status, 400, "{bad}");
    }
    // What was refused has broken no list.
    assert_eq!(world.names("people", "/@ada/connections").await, ["bob"]);
    assert_eq!(world.status("people", "DELETE", "/@ada/connections").await, 400);
    assert_eq!(world.status("people", "DELETE", "/@ada/connections?user=@cy").await, 404);
    assert_eq!(world.status("people", "DELETE", "/@ada/connections/@nobody").await, 404);
    assert_eq!(world.status("people", "DELETE", "/@ada/connections?user=@bob").await, 204);
    assert_eq!(world.status("people", "DELETE", "/@ada/connections?user=@bob").await, 404);
    assert_eq!(world.get("people", &place).await.data(), &json!({"connected": false}));
    world.connect("ada", "cy").await;
    assert_eq!(world.status("cy", "DELETE", "/me/connections/@ada").await, 204);
    assert!(world.names("ada", "/me/connections").await.is_empty());
}

/// CM-8.
pub(crate) async fn cm_w1_w3_w4_pages_are_whole_by_cursor_and_by_offset(mut world: World) {
    world.join(&["ada"]).await;
    world.crowd(7).await;
    // Not in the order of joining.
    for number in [5, 2, 7, 1, 6, 4, 3] {
        world.connect("ada", &format!("p{number}")).await;
    }
    let all = ["p1", "p2", "p3", "p4", "p5", "p6", "p7"].map(str::to_owned);
    for (first, lengths) in [
        ("/me/connections", vec![7]),
        ("/me/connections?limit=7", vec![7]),
        ("/me/connections?limit=3", vec![3, 3, 1]),
        ("/me/connections?limit=3&offset=0", vec![3, 3, 1]),
        ("/me/connections?offset=0&limit=1", vec![1; 7]),
    ] {
        let pages = world.pages("ada", first).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{first}");
        assert_eq!(pages.concat(), all, "{first}");
    }
    assert_eq!(world.names("ada", "/me/connections?offset=1&limit=1").await, ["p2"]);
    let past = world.get("ada", "/me/connections?offset=7").await;
    assert_eq!((past.ids().len(), past.body["links"].get("next")), (0, None));
    assert_eq!(past.body["links"]["self"], "/api/v1/users/me/connections?offset=7");
    for wrong in [
        "limit=0",
        "limit=x",
        "limit=101",
        "limit=-1",
        "offset=x",
        "offset=99999999",
        "cursor=1",
        "cursor=@nobody",
        "cursor=@p1&offset=1",
        "page=2",
    ] {
        assert_eq!(world.get("ada", &format!("/me/connections?{wrong}")).await.status, 400, "{wrong}");
    }
    // Who leaves between two pages moves nobody else.
    let first = world.get("ada", "/me/connections?limit=3").await;
    for gone in ["p1", "p3"] {
        assert_eq!(world.status("ada", "DELETE", &format!("/me/connections/@{gone}")).await, 204);
    }
    let next = first.body["links"]["next"].as_str().unwrap();
    assert_eq!(world.names("ada", next).await, ["p4", "p5", "p6"]);
    // Nobody but numbers inside.
    let text = first.body.to_string();
    assert!(text.contains(r#""description":"3 of 7 contacts of ADA""#), "{text}");
}

/// BB-20, and BB-W2: what is no cursor never comes near a query.
pub(crate) async fn bb_w20_a_page_is_that_page_whatever_was_asked_before(mut world: World) {
    world.join(&["ada", "bob", "cy"]).await;
    world.connect("ada", "bob").await;
    world.connect("ada", "cy").await;
    assert_eq!(world.names("ada", "/me/connections?limit=1").await, ["bob"]);
    assert_eq!(world.names("ada", "/me/connections").await, ["bob", "cy"]);
    assert_eq!(world.names("ada", "/me/connections?limit=1&cursor=@bob").await, ["cy"]);
    assert_eq!(world.names("ada", "/me/connections?limit=1").await, ["bob"]);
    assert_eq!(world.get("ada", "/me/connections?cursor=%27%29%20RETURN%20n%20//").await.status, 400);
    world.join(&["di"]).await;
    world.connect("ada", "di").await;
    assert_eq!(world.names("ada", "/me/connections").await, ["bob", "cy", "di"]);
}

/// BB-19.
pub(crate) async fn mutual_contacts_are_those_of_both(mut world: World) {
    world.join(&["ada", "bob", "cy", "di", "ed"]).await;
    for (one, other) in
        [("ada", "cy"), ("ada", "di"), ("ada", "ed"), ("bob", "cy"), ("bob", "ed"), ("ada", "bob")]
    {
        world.connect(one, other).await;
    }
    assert_eq!(world.names("ada", "/me/mutual/@bob").await, ["cy", "ed"]);
    assert_eq!(world.names("bob", "/me/mutual/@ada").await, ["cy", "ed"]);
    assert_eq!(world.pages("ada", "/me/mutual/@bob?limit=1").await, [["cy"], ["ed"]]);
    assert!(world.names("ada", "/me/mutual/@di").await.is_empty());
    assert_eq!(world.status("ada", "GET", "/me/mutual/@nobody").await, 404);
    assert_eq!(world.status("ada", "GET", "/@bob/mutual/@cy").await, 403);
}
