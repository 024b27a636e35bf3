//! Requests and blocks.

use serde_json::json;

use crate::world::World;

/// Also BB-21, BB-22, BB-W26.
pub(crate) async fn bb_13_to_17_a_request_is_sent_answered_taken_back(mut world: World) {
    world.join(&["ada", "bob"]).await;
    assert_eq!(world.relation("ada", "ada").await, "self");
    assert_eq!(world.relation("ada", "bob").await, "none");
    for (to, status) in [("ada", 400), ("nobody", 404)] {
        assert_eq!(world.request("ada", to).await.status, status, "{to}");
    }
    let sent = world.request("ada", "bob").await;
    assert_eq!((sent.status, &sent.data()["relation"]), (201, &json!("outgoing_request")));
    assert_eq!(world.get("ada", sent.header("location")).await.data(), sent.data());
    assert_eq!(world.relation("bob", "ada").await, "incoming_request");
    assert_eq!(world.request("ada", "bob").await.status, 409);
    // Nobody answers their own request, nor takes back another's.
    assert_eq!(world.status("ada", "POST", "/me/requests/incoming/@bob/accept").await, 404);
    assert_eq!(world.status("ada", "DELETE", "/me/requests/incoming/@bob").await, 404);
    assert_eq!(world.status("bob", "DELETE", "/me/requests/outgoing/@ada").await, 404);
    // Taken back.
    assert_eq!(world.status("ada", "DELETE", "/me/requests/outgoing/@bob").await, 204);
    assert_eq!(world.status("ada", "DELETE", "/me/requests/outgoing/@bob").await, 404);
    assert_eq!(world.relation("bob", "ada").await, "none");
    // Rejected.
    world.request("ada", "bob").await;
    assert_eq!(world.status("bob", "DELETE", "/me/requests/incoming/@ada").await, 204);
    assert_eq!(
        (world.relation("ada", "bob").await.as_str(), world.relation("bob", "ada").await.as_str()),
        ("none", "none")
    );
    // Accepted, and seen from both sides.
    world.request("ada", "bob").await;
    let accepted = world.ask("bob", "POST", "/me/requests/incoming/@ada/accept", "").await;
    assert_eq!((accepted.status, &accepted.data()["relation"]), (201, &json!("contact")));
    assert_eq!(world.get("bob", accepted.header("location")).await.data(), &json!({"connected": true}));
    for (one, other) in [("ada", "bob"), ("bob", "ada")] {
        assert_eq!(world.relation(one, other).await, "contact");
        assert_eq!(world.names(one, "/me/connections").await, [other]);
        assert!(world.names(one, "/me/requests/incoming").await.is_empty());
        assert!(world.names(one, "/me/requests/outgoing").await.is_empty());
    }
    assert_eq!(world.request("ada", "bob").await.status, 409);
    assert_eq!(world.status("ada", "DELETE", "/me/connections/@bob").await, 204);
    assert_eq!(world.relation("bob", "ada").await, "none");
}

/// Also when both come at the same time.
pub(crate) async fn bb_w25_requests_that_cross_are_a_connection_and_no_answer_counts_twice(mut world: World) {
    world.join(&["ada", "bob", "cy", "di"]).await;
    world.request("ada", "bob").await;
    let crossed = world.request("bob", "ada").await;
    assert_eq!((crossed.status, &crossed.data()["relation"]), (201, &json!("contact")));
    assert_eq!(crossed.header("location"), world.named("/api/v1/users/@bob/connections/@ada"));
    assert_eq!(world.status("ada", "POST", "/me/requests/incoming/@bob/accept").await, 409);
    let both = tokio::join!(world.request("cy", "di"), world.request("di", "cy"));
    assert_eq!((both.0.status, both.1.status), (201, 201));
    assert_eq!(world.relation("cy", "di").await, "contact");
    assert_eq!(world.relation("di", "cy").await, "contact");
    world.request("ada", "cy").await;
    let twice = tokio::join!(
        world.status("cy", "POST", "/me/requests/incoming/@ada/accept"),
        world.status("cy", "POST", "/me/requests/incoming/@ada/accept"),
    );
    let mut statuses = [twice.0, twice.1];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(world.names("cy", "/me/connections").await, ["ada", "di"]);
}

/// What the blocked one gets is what they would get of somebody who has no time for anybody.
pub(crate) async fn who_is_blocked_learns_nothing_of_it(mut world: World) {
    world.join(&["ada", "bob", "gone"]).await;
    world.connect("ada", "bob").await;
    world.ask("people", "PUT", "/@gone/state", r#"{"state": "deactivated"}"#).await;
    assert_eq!(world.status("ada", "PUT", "/me/blocks/@bob").await, 204);
    assert_eq!(world.status("ada", "PUT", "/me/blocks/@bob").await, 204, "the same again changes nothing");
    assert_eq!(world.names("ada", "/me/blocks").await, ["bob"]);
    assert_eq!(world.relation("ada", "bob").await, "blocked");
    // Bob looks around.
    assert_eq!(world.relation("bob", "ada").await, "none");
    assert!(world.names("bob", "/me/connections").await.is_empty());
    assert_eq!(world.names("bob", "?search=ada").await, ["ada"]);
    assert_eq!(world.get("bob", "/@ada").await.status, 200);
    let refused = world.request("bob", "ada").await;
    let other = world.request("bob", "gone").await;
    assert_eq!((refused.status, &refused.body), (409, &other.body));
    assert!(!refused.body.to_string().contains("lock"), "{}", refused.body);
    let (accepted, nothing) = (
        world.ask("bob", "POST", "/me/requests/incoming/@ada/accept", "").await,
        world.ask("bob", "POST", "/me/requests/incoming/@gone/accept", "").await,
    );
    assert_eq!((accepted.status, &accepted.body), (404, &nothing.body));
    assert_eq!(world.status("bob", "DELETE", "/me/requests/outgoing/@ada").await, 404);
    assert_eq!(world.status("bob", "GET", "/@ada/blocks").await, 403);
    // Ada knows, and a service is told.
    let own = world.request("ada", "bob").await;
    assert!(own.status == 409 && own.body["detail"].as_str().unwrap().contains("you block"), "{}", own.body);
    assert_eq!(world.connect("bob", "ada").await.status, 409);
    assert_eq!(world.status("ada", "DELETE", "/me/blocks/@bob").await, 204);
    assert_eq!(world.relation("ada", "bob").await, "none");
    assert_eq!(world.request("bob", "ada").await.status, 201);
    // A block ends what waits, and who is told of that sees a request that was not granted.
    assert_eq!(world.status("ada", "PUT", "/me/blocks/@bob").await, 204);
    assert!(world.names("bob", "/me/requests/outgoing").await.is_empty());
    assert_eq!(world.status("ada", "PUT", "/me/blocks/@ada").await, 400);
}

/// BB-21.
pub(crate) async fn requests_are_listed_with_their_time(mut world: World) {
    world.join(&["ada", "bob", "cy", "di"]).await;
    for from in ["di", "bob", "cy"] {
        world.request(from, "ada").await;
    }
    assert_eq!(world.pages("ada", "/me/requests/incoming?limit=2").await, [vec!["bob", "cy"], vec!["di"]]);
    assert_eq!(world.names("bob", "/me/requests/outgoing").await, ["ada"]);
    let list = world.get("ada", "/me/requests/incoming?limit=1").await;
    assert_eq!(list.data()[0]["since"], "2023-11-14T22:13:20Z", "{}", list.body);
    assert_eq!(list.body["description"], "1 of 3 requests to ADA");
    assert_eq!(world.status("bob", "GET", "/@ada/requests/incoming").await, 403);
    assert_eq!(world.names("people", "/@ada/requests/incoming").await, ["bob", "cy", "di"]);
}
