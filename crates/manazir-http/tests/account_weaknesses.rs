//! Each weakness of the originals' accounts that could exist here has a test with its number.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::collections::HashSet;
use std::sync::{Arc, Barrier};

use axum::http::{StatusCode, header};
use common::people::{Answer, Caller, House, PASSWORD, later};
use manazir_auth::Role;
use manazir_auth::audit::AuditKind;
use manazir_auth::mail::Letter;
use manazir_testkit::client::Client;
use serde_json::{Value, json};

/// Whatever is asked of accounts takes somebody who may; no route was left open (BB-W1, BB-W3, BB-W8).
#[tokio::test]
async fn bb_w1_w3_nothing_of_anybody_is_told_to_nobody() {
    let house = House::open().await;
    let ada = house.person("ada", Role::Member).await;
    for path in ["accounts", "accounts/me", &format!("accounts/{ada}"), "sessions", "invitations", "audit"] {
        let answer = house.ask("GET", &format!("/api/v1/{path}"), &Caller::default(), None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(!answer.text.contains("ada"), "{}", answer.text);
    }
}

/// Cookies are secure whatever the configuration says: no switch can be forgotten.
#[tokio::test]
async fn bb_w5_cookies_are_secure_without_a_switch() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let answer = house.sign_in("ada", &Caller::default(), true).await;
    let set: Vec<&str> =
        answer.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(set.len(), 2);
    for (line, name, age) in
        [(set[0], "__Host-manazir_access=eyJ", 900), (set[1], "__Host-manazir_refresh=mzr_", 1_209_600)]
    {
        assert!(line.starts_with(name), "{line}");
        let attributes = format!("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={age}");
        assert!(line.ends_with(&attributes) && !line.contains("Domain"), "{line}");
    }
}

/// A token that was replaced and comes again after 30 seconds ends the session, for both who have it.
#[tokio::test]
async fn bb_w6_reuse_of_a_rotated_token_ends_the_session() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let (_, stolen) = house.program("ada").await;
    later(60);
    let thief = house.refresh(&stolen).await;
    assert_eq!(thief.status, StatusCode::OK);
    later(20);
    let raced = house.refresh(&stolen).await;
    assert_eq!(raced.status, StatusCode::OK, "within 30 s it may be a second tab");
    assert_eq!(raced.str("refresh_token"), thief.str("refresh_token"));
    later(11);
    assert_eq!(house.refresh(&stolen).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(thief.str("refresh_token")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        house.who(thief.str("access_token")).await,
        StatusCode::UNAUTHORIZED,
        "at once, not in 15 min"
    );
    assert_eq!(house.audited(AuditKind::TokenReused).await, 1);
    let letters = house.close().await.sent();
    let [(to, Letter::TokenReused)] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(to.to_string(), "ada@example.org", "its owner is told");
}

/// A thousand connections show one token at once: one successor, and nobody is signed out.
#[tokio::test(flavor = "multi_thread")]
async fn bb_w7_a_thousand_refreshes_at_once_have_one_successor() {
    const RACERS: usize = 1_000;
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let (_, refresh) = house.program("ada").await;
    later(60);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = manazir_http::router(house.app.clone());
    tokio::spawn(manazir_http::serve(listener, router, std::future::pending()));
    let ready = Arc::new(Barrier::new(RACERS));
    let racers = (0..RACERS).map(|_| {
        let (ready, address, refresh) = (Arc::clone(&ready), address.clone(), refresh.clone());
        let racer = std::thread::Builder::new().stack_size(256 << 10);
        let racing = racer.spawn(move || {
            let mut client = Client::new(&address, "");
            let body = json!({"refresh_token": refresh}).to_string();
            ready.wait();
            let headers = [("Content-Type", "application/json")];
            let answer = client.call_with("POST", "/api/v1/sessions/refresh", &headers, body.as_bytes());
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()["refresh_token"].as_str().unwrap().to_owned()
        });
        racing.unwrap()
    });
    let racers: Vec<_> = racers.collect();
    let successors = tokio::task::spawn_blocking(move || {
        racers.into_iter().map(|racer| racer.join().unwrap()).collect::<HashSet<String>>()
    });
    let successors = successors.await.unwrap();
    assert_eq!(successors.len(), 1);
    later(60);
    let next = house.refresh(successors.iter().next().unwrap()).await;
    assert_eq!(next.status, StatusCode::OK, "nobody is signed out");
    assert_eq!(house.audited(AuditKind::TokenReused).await, 0);
}

/// Signing out, a list of sessions, and a ban are the server's.
#[tokio::test]
async fn bb_w8_sessions_are_seen_ended_and_banned_on_the_server() {
    let house = House::open().await;
    house.person("root", Role::Admin).await;
    let ada = house.person("ada", Role::Member).await;
    let admin = Caller::bearer(&house.program("root").await.0);
    let (mine, _) = house.program("ada").await;
    let (stolen, stolen_refresh) = house.program("ada").await;
    let by = Caller::bearer(&mine);
    let list = house.ask("GET", "/api/v1/sessions", &by, None).await;
    let sessions = list.body.as_array().unwrap();
    let other = sessions.iter().find(|session| session["current"] == json!(false)).unwrap();
    let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(house.ask("DELETE", &path, &admin, None).await.status, StatusCode::NOT_FOUND, "not theirs");
    assert_eq!(house.ask("DELETE", &path, &by, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.who(&stolen).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&stolen_refresh).await.status, StatusCode::UNAUTHORIZED);
    for _ in 0..3 {
        house.program("ada").await;
    }
    let ended = house.ask("DELETE", "/api/v1/sessions", &by, None).await;
    assert_eq!((ended.status, &ended.body), (StatusCode::OK, &json!({"ended": 3})));
    assert_eq!(house.who(&mine).await, StatusCode::OK);

    let of_ada = format!("/api/v1/accounts/{ada}/sessions");
    let seen = house.ask("GET", &of_ada, &admin, None).await;
    let id = seen.body[0]["id"].as_str().unwrap();
    let one = format!("{of_ada}/{id}");
    assert_eq!(house.ask("DELETE", &one, &admin, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.who(&mine).await, StatusCode::UNAUTHORIZED, "a stolen session is out");
    let (access, refresh) = house.program("ada").await;
    let banned = Some(json!({"banned": true}));
    let ban = house.ask("PATCH", &format!("/api/v1/accounts/{ada}"), &admin, banned).await;
    assert!(ban.status == StatusCode::OK && ban.body["banned_at"].is_string(), "{}", ban.text);
    assert_eq!(house.who(&access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&refresh).await.status, StatusCode::UNAUTHORIZED);
    let out = house.sign_in("ada", &Caller::default(), false).await;
    assert_eq!((out.status, out.kind()), (StatusCode::FORBIDDEN, "banned"));
}

/// Whatever is no good token, or one of another kind, is a 401 with a reason, never a fault of ours.
#[tokio::test]
async fn bb_w9_tokens_of_the_wrong_kind_are_refused_and_fail_nothing() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let (access, refresh) = house.program("ada").await;
    let (head, tail) = access.split_at(access.len() - 8);
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
    let long = format!("eyJ{}", "A".repeat(9_000));
    for shown in ["", "x", "eyJ", "eyJ.eyJ.", none, &long, &refresh, &format!("{head}AAAAAAAA"), tail, "mz_0"]
    {
        assert_eq!(house.who(shown).await, StatusCode::UNAUTHORIZED, "{shown}");
    }
    for shown in ["", "x", "mzr_", &access, &long, &format!("{refresh}0"), &refresh.replace("mzr_", "mz_")] {
        let answer = house.refresh(shown).await;
        assert_eq!((answer.status, answer.kind()), (StatusCode::UNAUTHORIZED, "session-over"), "{shown}");
    }
    later(16 * 60);
    assert_eq!(house.who(&access).await, StatusCode::UNAUTHORIZED, "expired");
}

/// Signing in is bounded by account and place, and answers the same whether or not there is such an account.
#[tokio::test]
async fn bb_w10_guessing_is_bounded_and_tells_nothing() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let attempt = async |email: &str, from: &str| -> Answer {
        let body = Some(json!({"email": email, "password": "a wrong guess"}));
        house.ask("POST", "/api/v1/sessions", &Caller::at(from), body).await
    };
    let known = attempt("ada@example.org", "203.0.113.1").await;
    let unknown = attempt("eve@example.org", "203.0.113.1").await;
    assert_eq!((known.status, known.text), (unknown.status, unknown.text));
    assert_eq!(house.audited(AuditKind::SignInFailed).await, 2);
    let mut held = 0;
    for _ in 0..10 {
        let answer = attempt("ada@example.org", "203.0.113.2").await;
        held += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers.contains_key(header::RETRY_AFTER), answer.kind() == "too-often");
    }
    assert_eq!(held, 5, "five tries a minute");
    let owner = house.sign_in("ada", &Caller::at("203.0.113.3"), false).await;
    assert_eq!(owner.status, StatusCode::CREATED, "the owner, elsewhere, is not locked out");
    let (_, mut refresh) = house.program("ada").await;
    let mut turns = 0;
    loop {
        let answer = house.refresh(&refresh).await;
        if answer.status != StatusCode::OK {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            break;
        }
        refresh = answer.str("refresh_token").to_owned();
        turns += 1;
    }
    assert_eq!(turns, 10, "refreshes are bounded too");
}

/// Limits are of places, and a caller does not choose its own.
#[tokio::test]
async fn bb_w11_nobody_chooses_the_bucket_and_a_proxy_is_no_place() {
    let house = House::open().await;
    let attempt = async |number: usize, by: Caller| {
        let body = json!({"email": format!("p{number}@example.org"), "password": "a wrong guess"});
        house.ask("POST", &format!("/api/v1/sessions?{number}"), &by, Some(body)).await.status
    };
    let mut held = 0;
    for number in 0..30 {
        // Each time another header, another path, another account: one place all the same.
        let by = Caller::at("203.0.113.1").with("x-forwarded-for", &format!("198.51.100.{number}"));
        held += usize::from(attempt(number, by).await == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(held, 10, "20 a minute from one place");
    for number in 0..30 {
        let by = Caller::at("10.0.0.1").with("x-forwarded-for", &format!("198.51.100.{number}"));
        assert_eq!(attempt(number, by).await, StatusCode::UNAUTHORIZED, "behind the proxy are many places");
    }
    let mut held = 0;
    for number in 0..30 {
        let made_up = format!("192.0.2.{number}, 203.0.113.7, 10.0.0.2");
        let by = Caller::at("10.0.0.1").with("x-forwarded-for", &made_up);
        held += usize::from(attempt(number, by).await == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(held, 10, "what stands left of the last one is made up");
}

/// Two tokens of two people are never mixed: whoever signs out with both is out of both, and an old one opens nothing.
#[tokio::test]
async fn bb_w12_tokens_of_two_people_are_not_mixed() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    house.person("bob", Role::Member).await;
    let part = |answer: &Answer, name: &str| {
        answer.cookies().split("; ").find(|cookie| cookie.contains(name)).unwrap().to_owned()
    };
    let (ada, bob) = (
        house.sign_in("ada", &Caller::default(), true).await,
        house.sign_in("bob", &Caller::default(), true).await,
    );
    let mixed = format!("{}; {}", part(&ada, "access"), part(&bob, "refresh"));
    later(60);
    let refreshed = house.ask("POST", "/api/v1/sessions/refresh", &Caller::page(&mixed), None).await;
    assert_eq!(refreshed.body["account"]["username"], "bob", "both new tokens are of one person");
    let mixed = format!("{}; {}", part(&ada, "access"), part(&refreshed, "refresh"));
    house.ask("DELETE", "/api/v1/sessions/current", &Caller::page(&mixed), None).await;
    for cookies in [ada.cookies(), refreshed.cookies()] {
        let me = house.ask("GET", "/api/v1/accounts/me", &Caller::page(&cookies), None).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED);
        let again = house.ask("POST", "/api/v1/sessions/refresh", &Caller::page(&cookies), None).await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    }
}

/// What a script can read it can carry away: a browser's answers hold no token.
#[tokio::test]
async fn bb_w15_no_script_sees_a_token() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let answer = house.sign_in("ada", &Caller::default(), true).await;
    let is_clean = |body: &Value| !["eyJ", "mzr_"].iter().any(|token| body.to_string().contains(token));
    assert!(is_clean(&answer.body) && answer.body["access_token"].is_null(), "{}", answer.text);
    later(60);
    let next = house.ask("POST", "/api/v1/sessions/refresh", &Caller::page(&answer.cookies()), None).await;
    assert!(next.status == StatusCode::OK && is_clean(&next.body), "{}", next.text);
}

/// Every byte of a password counts, of whatever script.
#[tokio::test]
async fn bb_w16_all_of_a_long_password_counts() {
    let house = House::open().await;
    let long = "пароль длиннее чем семьдесят два байта, ".repeat(4);
    let body = json!({"username": "ada", "email": "ada@example.org", "password": long});
    let made = house.ask("POST", "/api/v1/accounts", &Caller::default(), Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let sign_in = async |password: &str| {
        let body = json!({"email": "ada@example.org", "password": password});
        house.ask("POST", "/api/v1/sessions", &Caller::default(), Some(body)).await.status
    };
    let cut: String = long.chars().take(long.chars().count() - 1).collect();
    assert_eq!(sign_in(&cut).await, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&"x".repeat(10_000)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&long).await, StatusCode::CREATED);
}

/// Unknown things are 404, and an answer without a body has none.
#[tokio::test]
async fn bb_w36_unknown_is_not_found_and_no_content_is_empty() {
    let house = House::open().await;
    house.person("root", Role::Admin).await;
    let (access, _) = house.program("root").await;
    let admin = Caller::bearer(&access);
    let unknown = "/api/v1/accounts/00000000-0000-0000-0000-000000000000";
    assert_eq!(house.ask("GET", unknown, &admin, None).await.status, StatusCode::NOT_FOUND);
    let out = house.ask("DELETE", "/api/v1/sessions/current", &admin, None).await;
    assert_eq!((out.status, out.text.as_str()), (StatusCode::NO_CONTENT, ""));
}

/// Two people who say nothing of a picture have two.
#[tokio::test]
async fn bb_w37_without_a_choice_the_picture_is_the_persons_own() {
    let house = House::open().await;
    let mut seeds = HashSet::new();
    for name in ["ada", "bob"] {
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        let made = house.ask("POST", "/api/v1/accounts", &Caller::default(), Some(body)).await;
        seeds.insert(made.str("avatar_seed").to_owned());
    }
    assert_eq!(seeds.len(), 2);
}

/// A page of somebody else makes a browser do nothing here, with or without cookies.
#[tokio::test]
async fn csrf_a_page_of_somebody_else_changes_nothing() {
    let house = House::open().await;
    house.person("ada", Role::Admin).await;
    let cookies = house.sign_in("ada", &Caller::default(), true).await.cookies();
    let credentials = json!({"email": "ada@example.org", "password": PASSWORD});
    let requests = [
        ("POST", "/api/v1/sessions", Some(credentials)),
        ("POST", "/api/v1/sessions/refresh", None),
        ("DELETE", "/api/v1/sessions/current", None),
        ("DELETE", "/api/v1/sessions", None),
        ("PUT", "/api/v1/accounts/me/password", Some(json!({"present": PASSWORD, "new": "x"}))),
        ("POST", "/api/v1/invitations", Some(json!({}))),
    ];
    let elsewhere: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example"), ("host", "manazir.example")],
        &[("origin", "null"), ("host", "manazir.example")],
    ];
    for (method, path, body) in requests {
        for headers in elsewhere {
            let mut by = Caller::default().with("cookie", &cookies);
            for (name, value) in headers {
                by = by.with(name, value);
            }
            let answer = house.ask(method, path, &by, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
            assert!(!answer.headers.contains_key(header::SET_COOKIE), "{method} {path}");
        }
    }
    let mut form = Caller::page(&cookies);
    form.headers.push(("content-type".to_owned(), "text/plain".to_owned()));
    let me = house.ask("GET", "/api/v1/accounts/me", &form, None).await;
    assert_eq!(me.status, StatusCode::OK, "the session is as it was");
}
