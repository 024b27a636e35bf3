//! Suggestions that are computed, and recommendations that are supplied.

use serde_json::{Value, json};

use crate::world::World;

/// BB-18, BB-W53.
pub(crate) async fn bb_w30_suggestions_are_ranked_give_a_reason_and_can_be_dismissed(mut world: World) {
    world.join(&["ada", "xu", "yan", "zoe", "two", "three", "asked", "one"]).await;
    for (one, other) in [
        ("ada", "xu"),
        ("ada", "yan"),
        ("ada", "zoe"),
        ("two", "xu"),
        ("two", "yan"),
        ("three", "xu"),
        ("three", "yan"),
        ("three", "zoe"),
        ("asked", "xu"),
        ("one", "zoe"),
    ] {
        assert_eq!(world.connect(one, other).await.status, 201);
    }
    assert_eq!(world.names("ada", "/me/suggestions").await, ["three", "two", "asked", "one"]);
    world.request("ada", "asked").await;
    let said = world.get("ada", "/me/suggestions?limit=2").await;
    let seen = |one: &Value| (one["username"].clone(), one["score"].clone(), one["reason"].clone());
    let items: Vec<_> = said.data().as_array().unwrap().iter().map(seen).collect();
    let expected = [
        (json!("three"), json!(3), json!("3 shared contacts (XU, YAN, ZOE)")),
        (json!("two"), json!(2), json!("2 shared contacts (XU, YAN)")),
    ];
    assert_eq!(items, expected);
    assert_eq!(world.pages("ada", "/me/suggestions?limit=1").await, [["three"], ["two"], ["one"]]);
    assert_eq!(world.pages("ada", "/me/suggestions?limit=3").await.len(), 1);
    assert_eq!(world.pages("ada", "/me/suggestions?limit=100").await.len(), 1);
    assert_eq!(world.status("ada", "DELETE", "/me/suggestions/@three").await, 204);
    assert_eq!(world.status("ada", "DELETE", "/me/suggestions/@three").await, 204);
    assert_eq!(world.names("ada", "/me/suggestions").await, ["two", "one"]);
    world.status("two", "PUT", "/me/blocks/@ada").await;
    assert_eq!(world.names("ada", "/me/suggestions").await, ["one"]);
    for wrong in ["limit=0", "cursor=1", "cursor=1_@nobody", "cursor=x_@ada", "offset=1"] {
        assert_eq!(world.get("ada", &format!("/me/suggestions?{wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(world.status("two", "GET", "/@ada/suggestions").await, 403);
}

pub(crate) async fn cm_9_to_11_cm_w10_recommendations_are_added_listed_and_withdrawn(mut world: World) {
    world.join(&["ada", "bob", "cy", "di", "ed"]).await;
    let items = |items: Value| json!({"source": "nightly", "items": items}).to_string();
    let new = items(json!([
        {"id": "@bob", "score": 5, "reason": "same city"},
        {"id": "@ada", "score": 9},
        {"id": "@nobody"},
        {"id": "@cy", "score": 7},
        {"id": "@di", "score": 5},
    ]));
    let taken = world.post("people", "/@ada/recommendations", &new).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    let kept: Vec<bool> =
        taken.data().as_array().unwrap().iter().map(|one| one["kept"].as_bool().unwrap()).collect();
    assert_eq!(kept, [true, false, false, true, true]);
    assert!(taken.data()[1]["reason"].as_str().unwrap().contains("themselves"), "{}", taken.body);
    let list = "/me/recommendations";
    let said = world.get("ada", list).await;
    assert_eq!(said.data()[1]["reason"], "same city");
    for first in ["", "?limit=1", "?limit=2", "?limit=2&offset=0", "?limit=1&offset=0", "?limit=3"] {
        let pages = world.pages("ada", &format!("{list}{first}")).await;
        assert_eq!(pages.concat(), ["cy", "bob", "di"], "{first}");
        assert!(pages.iter().all(|page| !page.is_empty()), "{first}: {pages:?}");
    }
    assert_eq!(world.get("ada", &format!("{list}?offset=9999")).await.ids(), [""; 0]);
    // Another system's, and whoever is a contact by now is not shown.
    let other = json!({"source": "hr", "items": [{"id": "@ed", "score": 1}]}).to_string();
    assert_eq!(world.post("people", "/@ada/recommendations", &other).await.status, 200);
    world.connect("ada", "cy").await;
    assert_eq!(world.names("ada", list).await, ["bob", "di", "ed"]);
    assert_eq!(world.status("ada", "DELETE", &format!("{list}?user=@bob")).await, 204);
    assert_eq!(world.names("ada", list).await, ["di", "ed"]);
    assert_eq!(world.status("people", "DELETE", "/@ada/recommendations?source=nightly").await, 204);
    assert_eq!(world.names("ada", list).await, ["ed"]);
    assert_eq!(world.status("people", "DELETE", "/@ada/recommendations?source=a&user=@ed").await, 400);
    assert_eq!(world.status("people", "DELETE", "/@ada/recommendations").await, 204);
    assert!(world.names("ada", list).await.is_empty());
    for bad in [
        json!({"source": "", "items": [{"id": "@ed"}]}),
        json!({"source": "a", "items": []}),
        json!({"source": "a", "items": [{"id": "ed"}]}),
        json!({"source": "a", "items": [{"id": "@ed", "score": -1}]}),
        json!({"source": "a", "items": [{"id": "@ed", "reason": "x".repeat(501)}]}),
        json!({"source": "a", "items": vec![json!({"id": "@ed"}); 1_001]}),
    ] {
        assert_eq!(
            world.post("people", "/@ada/recommendations", &bad.to_string()).await.status,
            400,
            "{bad}"
        );
    }
    assert_eq!(world.post("people", "/@nobody/recommendations", &other).await.status, 404);
    assert_eq!(world.post("ada", "/me/recommendations", &other).await.status, 403);
}
