//! Many connections in one call.

use std::sync::Arc;
use std::time::Duration;

use manazir_http::{App, People, PeopleLimits, Tasks, resume};
use serde_json::{Value, json};

use crate::dying::Dying;
use crate::world::{Said, World, unlimited};

const BATCH: &str = "/@ada/connections/batch";

fn body(names: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    json!({"ids": names.into_iter().map(|name| format!("@{name}")).collect::<Vec<_>>()}).to_string()
}

fn crowd(count: u32) -> impl Iterator<Item = String> {
    (1..=count).map(|number| format!("p{number}"))
}

impl World {
    async fn begin(&self, body: &str, key: &str) -> Said {
        let headers = [("idempotency-key", key)];
        self.ask_with("people", "POST", BATCH, body, &headers[usize::from(key.is_empty())..]).await
    }

    /// What a batch came to.
    async fn ended(&self, place: &str) -> Value {
        loop {
            let said = self.get("people", place).await;
            let state = said.data()["state"].as_str().unwrap_or_else(|| panic!("{}", said.body));
            if state != "queued" && state != "running" {
                return said.data().clone();
            }
            tokio::task::yield_now().await;
        }
    }

    /// The same service in a process of this name, over a graph that lives on or not.
    fn restart(&mut self, incarnation: &str, writes: Option<usize>) -> Option<Arc<Dying>> {
        let dying = writes.map(|writes| Arc::new(Dying::new(Arc::clone(&self.graph), writes)));
        let graph = dying.clone().map_or_else(|| Arc::clone(&self.graph), |dying| dying as _);
        let limits = PeopleLimits { batch_group: 8, ..unlimited() };
        let people = People::new(Arc::clone(&self.store), graph, limits);
        self.app = App { people, tasks: Tasks::new(incarnation), ..self.app.clone() };
        dying
    }
}

/// CM-5.
pub(crate) async fn cm_w9_many_are_connected_by_a_job_that_tells_of_each(mut world: World) {
    world.join(&["ada", "blocker", "gone"]).await;
    world.crowd(60).await;
    world.connect("ada", "p7").await;
    world.status("blocker", "PUT", "/me/blocks/@ada").await;
    world.ask("people", "PUT", "/@gone/state", r#"{"state": "deactivated"}"#).await;
    let odd = ["ada", "nobody", "blocker", "gone"].map(str::to_owned);
    let begun = world.begin(&body(odd.into_iter().chain(crowd(60)).chain(["p1".to_owned()])), "").await;
    assert_eq!((begun.status, &begun.data()["total"]), (202, &json!(65)), "{}", begun.body);
    let place = begun.header("location").to_owned();
    assert_eq!(place, world.named(&format!("/api/v1/users{BATCH}/1")));
    let ended = world.ended(&place).await;
    assert_eq!((&ended["state"], &ended["done"]), (&json!("done"), &json!(65)), "{ended}");
    assert_eq!((&ended["connected"], &ended["refused"]), (&json!(61), &json!(4)));
    assert_eq!(ended["message"], "61 connected, 4 refused");
    let first = world.get("people", &place).await;
    let items = first.data()["items"].as_array().unwrap();
    let seen: Vec<_> =
        items.iter().take(5).map(|one| (one["outcome"].clone(), one["status"].clone())).collect();
    let refused = |status| (json!("refused"), json!(status));
    assert_eq!(
        seen,
        [refused(400), refused(404), refused(409), refused(409), (json!("connected"), json!(201))]
    );
    assert!(items[1]["reason"].as_str().unwrap().contains("no such user"), "{}", items[1]);
    // Pages, up to the last one.
    assert_eq!(items.len(), 50);
    let next = world.get("people", first.body["links"]["next"].as_str().unwrap()).await;
    assert_eq!((next.data()["items"].as_array().unwrap().len(), next.body["links"].get("next")), (15, None));
    assert_eq!(world.pages("people", "/@ada/connections?limit=50").await.concat().len(), 60);
    // The job among others, and no one else's.
    let job = world.get("admin", "/api/v1/jobs/1").await.body;
    assert_eq!(
        (&job["kind"], &job["done"], &job["total"]),
        (&json!("connect_people"), &json!(65), &json!(65))
    );
    assert_eq!(job["link"], place);
    assert_eq!(world.status("people", "GET", "/@gone/connections/batch/1").await, 404);
    assert_eq!(world.status("people", "GET", &format!("{BATCH}/2")).await, 404);
    assert_eq!(world.status("people", "GET", &format!("{BATCH}/18446744073709551615")).await, 404);
    assert_eq!(world.status("people", "GET", &format!("{BATCH}/x")).await, 400);
    for bad in ["{}", r#"{"ids": []}"#, r#"{"ids": ["bob"]}"#, r#"{"ids": 7}"#, &body(vec!["p1"; 5_001])] {
        assert_eq!(world.post("people", BATCH, bad).await.status, 400);
    }
    assert_eq!(world.post("people", "/@nobody/connections/batch", &body(["p1"])).await.status, 404);
    assert_eq!(world.post("ada", BATCH, &body(["p1"])).await.status, 403);
    world.app.tasks.stop().await;
    assert_eq!(world.post("people", BATCH, &body(["p1"])).await.status, 429);
}

/// Also in the process after this one.
pub(crate) async fn the_same_key_is_the_same_job(mut world: World) {
    world.join(&["ada"]).await;
    world.crowd(3).await;
    let two = body(["p1", "p2"]);
    let both = tokio::join!(world.begin(&two, "k1"), world.begin(&two, "k1"));
    let place = both.0.header("location").to_owned();
    assert_eq!((both.0.status, both.1.header("location")), (202, place.as_str()));
    assert_eq!(world.begin(&body(["p1"]), "k1").await.status, 422);
    assert_eq!(world.begin(&body(["p2", "p1"]), "k1").await.status, 422);
    world.ended(&place).await;
    assert_eq!(world.begin(&body(["p1", "p2"]), "k1").await.header("location"), place);
    world.restart("the next", None);
    assert_eq!(world.begin(&body(["p1", "p2"]), "k1").await.header("location"), place);
    assert_eq!(world.begin(&body(["p3"]), "k1").await.status, 422);
    for other in ["k2", ""] {
        assert_ne!(world.begin(&body(["p1", "p2"]), other).await.header("location"), place, "{other}");
    }
    let long = "k".repeat(256);
    for wrong in ["a b", &long] {
        assert_eq!(world.begin(&body(["p1"]), wrong).await.status, 400, "{wrong}");
    }
    // A key is its sender's.
    let headers = [("idempotency-key", "k1")];
    let said = world.ask_with("admin", "POST", BATCH, &body(["p3"]), &headers).await;
    assert_eq!(said.status, 202);
}

/// Killed after a group was written and before that was written down.
pub(crate) async fn a_batch_goes_on_after_its_process_was_killed(mut world: World) {
    world.join(&["ada"]).await;
    world.crowd(13).await;
    let dying = world.restart("killed", Some(3)).unwrap();
    let ids = crowd(13).chain(["nobody".to_owned()]);
    let begun = world.begin(&body(ids), "").await;
    let place = begun.header("location").to_owned();
    while !dying.is_dead() {
        tokio::task::yield_now().await;
    }
    let said = world.get("people", &format!("{place}?limit=1&offset=11")).await;
    assert_eq!((&said.data()["state"], &said.data()["done"]), (&json!("running"), &json!(8)));
    assert_eq!(said.data()["items"][0]["outcome"], "waiting");
    assert_eq!(
        world.get("people", "/@ada/connections?limit=1").await.body["description"],
        "1 of 12 contacts of ADA"
    );
    world.restart("the next", None);
    resume(&world.app, Duration::ZERO).await.unwrap();
    let ended = world.ended(&place).await;
    assert_eq!((&ended["state"], &ended["done"], &ended["total"]), (&json!("done"), &json!(14), &json!(14)));
    assert_eq!((&ended["connected"], &ended["refused"]), (&json!(13), &json!(1)));
    let connected = world.pages("people", "/@ada/connections?limit=100").await.concat();
    assert_eq!(connected, crowd(13).collect::<Vec<_>>());
}

/// A process that is about to end hands its batch back; one that somebody stopped ends where it is.
pub(crate) async fn a_batch_that_is_stopped_keeps_what_is_done(mut world: World) {
    world.join(&["ada"]).await;
    world.crowd(2).await;
    world.restart("killed", Some(1));
    let places = [
        world.begin(&body(["p1"]), "").await.header("location").to_owned(),
        world.begin(&body(["p2"]), "").await.header("location").to_owned(),
    ];
    // Whether or not it is at work, it is asked to stop.
    assert_eq!(world.status("people", "DELETE", &places[1]).await, 204);
    world.restart("the next", None);
    resume(&world.app, Duration::ZERO).await.unwrap();
    assert_eq!(world.ended(&places[0]).await["state"], "done");
    let stopped = world.ended(&places[1]).await;
    assert_eq!(stopped["state"], "cancelled", "{stopped}");
    assert!(stopped["message"].as_str().unwrap().contains("stopped by request"), "{stopped}");
    assert_eq!(world.status("people", "DELETE", &format!("{BATCH}/9")).await, 404);
    // As many as the service takes.
    let limits = PeopleLimits { batch_max: 1, ..unlimited() };
    world.app.people = People::new(Arc::clone(&world.store), Arc::clone(&world.graph), limits);
    assert_eq!(world.begin(&body(["p1", "p2"]), "").await.status, 400);
}
