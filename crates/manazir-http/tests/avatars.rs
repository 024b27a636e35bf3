//! Pictures through the router.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use common::people::House;
use manazir_auth::limit::Rate;
use manazir_auth::{AccountId, Role};
use manazir_avatar::{Avatar, Kind};
use manazir_http::{App, AvatarLimits, Avatars, Peer, router};
use serde_json::Value;
use tower::ServiceExt;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Nobody in particular asks, from an address, perhaps with a tag.
async fn get(app: &App, path: &str, from: [u8; 4], tag: Option<&str>) -> Said {
    let mut request = Request::builder().uri(path).extension(Peer(from.into()));
    if let Some(tag) = tag {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    let response = router(app.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    Said { status, headers, bytes }
}

#[tokio::test]
async fn a_picture_is_that_of_the_account_or_of_the_identifier() {
    let house = House::open().await;
    let id = house.person("ada", Role::Member).await;
    let of_ada = get(&house.app, &format!("/api/v1/users/{id}/avatar"), [127, 0, 0, 1], None).await;
    assert_eq!(of_ada.status, StatusCode::OK);
    assert_eq!(of_ada.bytes, Avatar::of(Kind::Person, "ada").svg().into_bytes());
    assert_eq!(of_ada.header("content-type"), "image/svg+xml");
    assert_eq!(of_ada.header("cache-control"), "public, max-age=3600, must-revalidate");
    assert_eq!(of_ada.header("content-security-policy"), "default-src 'none'");
    assert_eq!(of_ada.header("x-content-type-options"), "nosniff");
    // Whether there is somebody is not told.
    let of_nobody = get(&house.app, &format!("/api/v1/users/{NOBODY}/avatar"), [127, 0, 0, 1], None).await;
    assert_eq!(of_nobody.status, StatusCode::OK);
    assert_eq!(of_nobody.bytes, Avatar::of(Kind::Person, NOBODY).svg().into_bytes());
    // Kept: it is the same when it is asked again.
    let account = AccountId(uuid::Uuid::parse_str(&id).unwrap().into_bytes());
    assert_eq!(house.app.accounts.avatar_seed(account).await.unwrap().as_deref(), Some("ada"));
    house.close().await;
}

#[tokio::test]
async fn a_seed_is_one_picture_for_good() {
    let app = common::app().await;
    for (path, expected) in [
        ("/api/v1/avatars/ada?format=png&size=32", Avatar::of(Kind::Person, "ada").png(32).unwrap()),
        ("/api/v1/avatars/ada?kind=team&format=png", Avatar::of(Kind::Team, "ada").png(128).unwrap()),
        ("/api/v1/avatars/a%20%E2%98%82?kind=service", Avatar::of(Kind::Service, "a ☂").svg().into_bytes()),
    ] {
        let said = get(&app, path, [127, 0, 0, 1], None).await;
        assert_eq!((said.status, said.bytes == expected), (StatusCode::OK, true), "{path}");
        assert_eq!(said.header("cache-control"), "public, max-age=31536000, immutable");
        let again = get(&app, path, [127, 0, 0, 1], Some(said.header("etag"))).await;
        assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(again.header("etag"), said.header("etag"));
        assert_eq!(again.header("cache-control"), said.header("cache-control"));
    }
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused() {
    let app = common::app().await;
    let long = "x".repeat(65);
    let paths = [
        format!("/api/v1/avatars/{long}"),
        format!("/api/v1/avatars?seed={long}"),
        "/api/v1/avatars".to_owned(),
        "/api/v1/avatars?seed=".to_owned(),
        "/api/v1/avatars?seed=a&count=33".to_owned(),
        "/api/v1/avatars?seed=a&count=0".to_owned(),
        "/api/v1/avatars/a?size=15&format=png".to_owned(),
        "/api/v1/avatars/a?size=513&format=png".to_owned(),
        "/api/v1/avatars/a?format=gif".to_owned(),
        "/api/v1/avatars/a?kind=cat".to_owned(),
        "/api/v1/users/me/avatar".to_owned(),
    ];
    for path in paths {
        let said = get(&app, &path, [127, 0, 0, 1], None).await;
        assert_eq!(said.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(said.header("content-type"), "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn there_are_pictures_to_choose_from() {
    let app = common::app().await;
    let said = get(&app, "/api/v1/avatars?seed=ada&count=5", [127, 0, 0, 1], None).await;
    let body: Value = serde_json::from_slice(&said.bytes).unwrap();
    let items = body["data"].as_array().unwrap();
    let seeds: Vec<&str> = items.iter().map(|item| item["seed"].as_str().unwrap()).collect();
    assert_eq!(seeds, manazir_avatar::candidates("ada", 5));
    for item in items {
        let picture = get(&app, item["avatar"].as_str().unwrap(), [127, 0, 0, 1], None).await;
        let seed = item["seed"].as_str().unwrap();
        assert_eq!(picture.bytes, Avatar::of(Kind::Person, seed).svg().into_bytes());
    }
}

/// BB-W11: other paths are no fresh start, and somebody else is not held back with them.
#[tokio::test]
async fn bb_w11_who_asks_too_often_is_held_back_whatever_the_path() {
    let place = Rate { burst: 3, every: Duration::from_secs(1) };
    let avatars = Avatars::new(&AvatarLimits { place, ..AvatarLimits::default() });
    let app = App { avatars, ..common::app().await };
    for seed in ["a", "b", "c"] {
        let said =
            get(&app, &format!("/api/v1/avatars/{seed}?format=png&size=16"), [10, 0, 0, 1], None).await;
        assert_eq!(said.status, StatusCode::OK);
    }
    for path in ["/api/v1/avatars/d".to_owned(), format!("/api/v1/users/{NOBODY}/avatar")] {
        let held = get(&app, &path, [10, 0, 0, 1], None).await;
        assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(!held.header("retry-after").is_empty());
        assert_eq!(get(&app, &path, [10, 0, 0, 2], None).await.status, StatusCode::OK, "{path}");
    }
}

/// BB-W37: many at once get what one alone gets, and no more are drawn at a time than may.
#[tokio::test(flavor = "multi_thread")]
async fn bb_w37_many_at_once_get_the_same_bytes() {
    let app = common::app().await;
    let seeds = ["ada", "grace", "edsger", "barbara"];
    let expected = seeds.map(|seed| Avatar::of(Kind::Person, seed).png(64).unwrap());
    let asking: Vec<_> = (0..400)
        .map(|number| {
            let (app, seed) = (app.clone(), number % seeds.len());
            let path = format!("/api/v1/avatars/{}?format=png&size=64", seeds[seed]);
            tokio::spawn(async move { (seed, get(&app, &path, [127, 0, 0, 1], None).await) })
        })
        .collect();
    for asked in asking {
        let (seed, said) = asked.await.unwrap();
        assert_eq!(said.status, StatusCode::OK);
        assert!(said.bytes == expected[seed], "{}", seeds[seed]);
    }
}

/// More than may wait are told to come back.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_told_to_come_back() {
    let limits = AvatarLimits { drawn_max: 1, waiting_max: 1, ..AvatarLimits::default() };
    let app = App { avatars: Avatars::new(&limits), ..common::app().await };
    let asking: Vec<_> = (0..64)
        .map(|number| {
            let (app, path) = (app.clone(), format!("/api/v1/avatars/{number}?format=png&size=512"));
            tokio::spawn(async move { get(&app, &path, [127, 0, 0, 1], None).await })
        })
        .collect();
    let (mut drawn, mut refused) = (0, 0);
    for asked in asking {
        let said = asked.await.unwrap();
        match said.status {
            StatusCode::OK => drawn += 1,
            StatusCode::SERVICE_UNAVAILABLE => {
                assert_eq!(said.header("retry-after"), "1");
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(drawn >= 1 && refused >= 1, "{drawn} {refused}");
    // Whoever comes later finds room again.
    let said = get(&app, "/api/v1/avatars/later?format=png&size=16", [127, 0, 0, 1], None).await;
    assert_eq!(said.status, StatusCode::OK);
}
