//! How often a person may ask.

use std::sync::Arc;

use manazir_http::{People, PeopleLimits};

use crate::world::World;

#[tokio::test]
async fn a_person_is_held_back_and_a_token_is_not() {
    let mut world = World::in_memory().await;
    world.join(&["ada", "bob"]).await;
    world.crowd(8).await;
    let limits = PeopleLimits::default();
    world.app.people = People::new(Arc::clone(&world.store), Arc::clone(&world.graph), limits);
    for (count, method, path, body) in [
        (10, "GET", "?search=a".to_owned(), ""),
        (3, "POST", "/me/requests/outgoing".to_owned(), r#"{"id": "@p1"}"#),
        (5, "DELETE", "/me/requests/outgoing/@p2".to_owned(), ""),
    ] {
        for turn in 0..count {
            assert_ne!(world.ask("ada", method, &path, body).await.status, 429, "{path} {turn}");
        }
        let held = world.ask("ada", method, &path, body).await;
        assert_eq!((held.status, held.header("retry-after")), (429, "1"), "{path}: {}", held.body);
        // Others are not held back by what she does.
        assert_ne!(world.ask("bob", method, &path, body).await.status, 429, "{path}");
        for _ in 0..20 {
            assert_ne!(world.ask("people", method, &path.replace("me", "@ada"), body).await.status, 429);
        }
    }
    // All answers are of one kind.
    assert_eq!(world.status("ada", "DELETE", "/me/requests/incoming/@p1").await, 429);
    assert_eq!(world.status("ada", "POST", "/me/requests/incoming/@p1/accept").await, 429);
    // The clock of the tests stands still; a minute later there is room again.
    world.app.now = || manazir_model::Timestamp::from_seconds(1_700_000_060);
    assert_eq!(world.status("ada", "GET", "?search=a").await, 200);
}
