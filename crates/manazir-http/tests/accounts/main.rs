//! Accounts over HTTP: registering, signing in, sessions, links, administration.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

#[path = "../common/mod.rs"]
mod common;

mod elsewhere;

use axum::http::{StatusCode, header};
use common::people::{Caller, House, PASSWORD, later};
use manazir_auth::Role;
use manazir_auth::audit::AuditKind;
use manazir_auth::link::LinkSecret;
use manazir_auth::mail::Letter;
use manazir_http::Registration;
use serde_json::{Value, json};

const ACCOUNTS: &str = "/api/v1/accounts";

fn ada() -> Value {
    json!({"username": "ada", "email": "Ada@example.org", "password": PASSWORD})
}

#[tokio::test]
async fn whoever_registers_is_told_all_that_is_wrong_and_where_the_account_is() {
    let house = House::open().await;
    let nobody = Caller::default();
    let wrong = json!({"username": "a b", "email": "nowhere", "password": PASSWORD});
    let wrong = house.ask("POST", ACCOUNTS, &nobody, Some(wrong)).await;
    assert_eq!((wrong.status, wrong.kind()), (StatusCode::BAD_REQUEST, "invalid"));
    let errors = wrong.body["errors"].as_array().unwrap();
    assert!(errors[0].as_str().unwrap().starts_with("username: "), "{}", wrong.text);
    assert!(errors[1].as_str().unwrap().starts_with("email: "), "{}", wrong.text);
    let weak = json!({"username": "ada", "email": "ada@example.org", "password": "aaaa"});
    let weak = house.ask("POST", ACCOUNTS, &nobody, Some(weak)).await;
    assert_eq!(weak.body["errors"].as_array().unwrap().len(), 2, "{}", weak.text);

    let made = house.ask("POST", ACCOUNTS, &nobody, Some(ada())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.headers[header::LOCATION], format!("{ACCOUNTS}/{}", made.str("id")));
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!((made.str("role"), made.str("email")), ("member", "Ada@example.org"));
    assert!(!made.text.contains("password") && !made.text.contains("argon2"), "{}", made.text);

    let same = json!({"username": "ADA", "email": "ada@EXAMPLE.org", "password": PASSWORD});
    let taken = house.ask("POST", ACCOUNTS, &nobody, Some(same)).await;
    assert_eq!((taken.status, taken.kind()), (StatusCode::CONFLICT, "taken"));
    assert_eq!(taken.body["errors"].as_array().unwrap().len(), 2, "{}", taken.text);
    let more = json!({"username": "bob", "email": "b@example.org", "password": PASSWORD, "role": "admin"});
    assert_eq!(house.ask("POST", ACCOUNTS, &nobody, Some(more)).await.status, StatusCode::BAD_REQUEST);
    let elsewhere = Caller::default().with("sec-fetch-site", "cross-site");
    assert_eq!(house.ask("POST", ACCOUNTS, &elsewhere, Some(ada())).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_an_invitation_nobody_registers_where_that_is_closed() {
    let house = House::with(Registration::Invited).await;
    let nobody = Caller::default();
    let closed = house.ask("POST", ACCOUNTS, &nobody, Some(ada())).await;
    assert_eq!((closed.status, closed.kind()), (StatusCode::FORBIDDEN, "registration-closed"));
    let with = |link: &str| {
        let mut body = ada();
        body["invitation"] = json!(link);
        Some(body)
    };
    let made_up = LinkSecret::from_entropy([9; 32]).reveal();
    for wrong in ["", "mzl_12", &made_up] {
        let refused = house.ask("POST", ACCOUNTS, &nobody, with(wrong)).await;
        assert_eq!((refused.status, refused.kind()), (StatusCode::FORBIDDEN, "link-refused"), "{wrong}");
    }
    let link = house.invitation().await;
    let made = house.ask("POST", ACCOUNTS, &nobody, with(&link)).await;
    assert_eq!((made.status, made.str("role")), (StatusCode::CREATED, "viewer"), "the invitation's role");
    let again =
        json!({"username": "bob", "email": "b@example.org", "password": PASSWORD, "invitation": link});
    let again = house.ask("POST", ACCOUNTS, &nobody, Some(again)).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "it is good once");
}

#[tokio::test]
async fn a_session_lives_from_signing_in_to_signing_out() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let signed_in = house.sign_in("ada", &Caller::default().with("user-agent", "Firefox"), false).await;
    assert_eq!(signed_in.headers[header::CACHE_CONTROL], "no-store");
    let (access, refresh) = (signed_in.str("access_token"), signed_in.str("refresh_token"));
    let me = house.ask("GET", "/api/v1/accounts/me", &Caller::bearer(access), None).await;
    assert_eq!(me.body, signed_in.body["account"]);

    let list = house.ask("GET", "/api/v1/sessions", &Caller::bearer(access), None).await;
    let [only] = list.body.as_array().unwrap().as_slice() else { panic!("{}", list.text) };
    assert_eq!((&only["current"], &only["device"]), (&json!(true), &json!("Firefox")));
    later(60);
    let next = house.refresh(refresh).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.text);
    assert_ne!(next.str("refresh_token"), refresh);
    let access = next.str("access_token");
    let out = house.ask("DELETE", "/api/v1/sessions/current", &Caller::bearer(access), None).await;
    assert_eq!((out.status, out.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(house.who(access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(next.str("refresh_token")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_browser_signs_out_with_nothing_but_the_refresh_cookie() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let cookies = house.sign_in("ada", &Caller::default(), true).await.cookies();
    let refresh = cookies.split("; ").find(|cookie| cookie.contains("refresh")).unwrap();
    later(16 * 60);
    let elsewhere = Caller::default().with("cookie", refresh).with("sec-fetch-site", "cross-site");
    let refused = house.ask("DELETE", "/api/v1/sessions/current", &elsewhere, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let out = house.ask("DELETE", "/api/v1/sessions/current", &Caller::page(refresh), None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(
        out.headers.get_all(header::SET_COOKIE).iter().all(|c| c.to_str().unwrap().ends_with("Max-Age=0"))
    );
    let over = house.ask("POST", "/api/v1/sessions/refresh", &Caller::page(refresh), None).await;
    assert_eq!((over.status, over.kind()), (StatusCode::UNAUTHORIZED, "session-over"));
    let again = house.ask("DELETE", "/api/v1/sessions/current", &Caller::page(refresh), None).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "signed out is signed out");
    let nothing = house.ask("DELETE", "/api/v1/sessions/current", &Caller::default(), None).await;
    assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_refresh_cookie_stays_where_it_was_too_fast_and_goes_where_it_is_over() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let mut cookies = house.sign_in("ada", &Caller::default(), true).await.cookies();
    let refresh = "/api/v1/sessions/refresh";
    let too_fast = loop {
        let answer = house.ask("POST", refresh, &Caller::page(&cookies), None).await;
        match answer.status {
            StatusCode::OK => cookies = answer.cookies(),
            _ => break answer,
        }
    };
    assert_eq!(too_fast.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(too_fast.headers.contains_key(header::RETRY_AFTER));
    assert!(!too_fast.headers.contains_key(header::SET_COOKIE), "it is still good");
    later(60);
    let old = cookies.clone();
    let answer = house.ask("POST", refresh, &Caller::page(&cookies), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    later(31);
    let over = house.ask("POST", refresh, &Caller::page(&old), None).await;
    assert_eq!((over.status, over.kind()), (StatusCode::UNAUTHORIZED, "session-over"));
    assert_eq!(over.headers.get_all(header::SET_COOKIE).iter().count(), 2);
    assert!(over.cookies().split("; ").all(|cookie| cookie.ends_with('=')), "{}", over.cookies());
}

#[tokio::test]
async fn a_password_is_changed_by_its_owner_and_set_by_a_link() {
    let house = House::open().await;
    house.person("ada", Role::Member).await;
    let (other, _) = house.program("ada").await;
    let (access, refresh) = house.program("ada").await;
    let change = |present: &str, new: &str| Some(json!({"present": present, "new": new}));
    let by = Caller::bearer(&access);
    let path = "/api/v1/accounts/me/password";
    let wrong = house.ask("PUT", path, &by, change("wrong", "another harbor")).await;
    assert_eq!((wrong.status, wrong.kind()), (StatusCode::FORBIDDEN, "wrong-password"));
    let weak = house.ask("PUT", path, &by, change(PASSWORD, "ada")).await;
    assert_eq!(weak.status, StatusCode::BAD_REQUEST, "{}", weak.text);
    let changed = house.ask("PUT", path, &by, change(PASSWORD, "another harbor")).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
    assert_eq!(house.who(&other).await, StatusCode::UNAUTHORIZED, "the other session ended");
    assert_eq!(house.refresh(&refresh).await.status, StatusCode::OK, "this one goes on");
    assert_eq!(house.sign_in("ada", &Caller::default(), false).await.status, StatusCode::UNAUTHORIZED);

    let nobody = Caller::default();
    let asked = async |email: &str| {
        house.ask("POST", "/api/v1/password-resets", &nobody, Some(json!({"email": email}))).await
    };
    let (known, unknown, none) =
        (asked("ADA@example.org").await, asked("eve@example.org").await, asked("x").await);
    assert_eq!((known.status, &known.body), (StatusCode::ACCEPTED, &json!({"mails": true})));
    assert_eq!((&known.text, &known.text), (&unknown.text, &none.text), "nobody is told who has an account");
    let link = loop {
        let sent = house.letters.sent();
        if let Some((to, Letter::Reset(link))) = sent.last() {
            assert_eq!((to.address(), sent.len()), ("ada@example.org", 2), "{sent:?}");
            break link.reveal();
        }
        tokio::task::yield_now().await;
    };
    let redeem = async |link: &str, password: &str| {
        let body = json!({"link": link, "password": password});
        house.ask("POST", "/api/v1/password-resets/redeem", &nobody, Some(body)).await
    };
    assert_eq!(redeem("mzl_1", PASSWORD).await.status, StatusCode::FORBIDDEN);
    assert_eq!(redeem(&link, "ada").await.status, StatusCode::BAD_REQUEST, "the link stays good");
    assert_eq!(redeem(&link, PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(redeem(&link, PASSWORD).await.status, StatusCode::FORBIDDEN, "good once");
    assert_eq!(house.who(&access).await, StatusCode::UNAUTHORIZED, "every session ended");
    assert_eq!(house.sign_in("ada", &nobody, false).await.status, StatusCode::CREATED);
    let letters = house.close().await.sent();
    assert_eq!(letters.iter().filter(|(_, letter)| *letter == Letter::PasswordChanged).count(), 2);
}

#[tokio::test]
async fn administrators_see_to_accounts_and_nobody_else_does() {
    let house = House::open().await;
    let root = house.person("root", Role::Admin).await;
    let ada = house.person("ada", Role::Member).await;
    let admin = Caller::bearer(&house.program("root").await.0);
    let (access, refresh) = house.program("ada").await;
    let member = Caller::bearer(&access);
    let one = format!("{ACCOUNTS}/{ada}");
    for (method, path, body) in [
        ("GET", ACCOUNTS.to_owned(), None),
        ("GET", format!("{ACCOUNTS}/{root}"), None),
        ("PATCH", one.clone(), Some(json!({"role": "admin"}))),
        ("GET", format!("{one}/sessions"), None),
        ("DELETE", format!("{one}/sessions"), None),
        ("POST", format!("{one}/password-reset"), None),
        ("POST", "/api/v1/invitations".to_owned(), Some(json!({}))),
        ("GET", "/api/v1/invitations".to_owned(), None),
        ("GET", "/api/v1/audit".to_owned(), None),
    ] {
        assert_eq!(
            house.ask(method, &path, &member, body.clone()).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        let nobody = house.ask(method, &path, &Caller::default(), body).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(house.ask("GET", &one, &member, None).await.status, StatusCode::OK, "one's own");

    let first = house.ask("GET", &format!("{ACCOUNTS}?limit=1"), &admin, None).await;
    let cursor = first.str("next_cursor");
    let second = house.ask("GET", &format!("{ACCOUNTS}?limit=1&cursor={cursor}"), &admin, None).await;
    let mut names = [&first, &second].map(|page| page.body["items"][0]["username"].as_str().unwrap());
    names.sort_unstable();
    assert_eq!(names, ["ada", "root"]);
    let wrong = house.ask("GET", &format!("{ACCOUNTS}?limit=0&cursor=x"), &admin, None).await;
    assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2, "{}", wrong.text);

    let given = house.ask("PATCH", &one, &admin, Some(json!({"role": "viewer"}))).await;
    assert_eq!((given.status, given.str("role")), (StatusCode::OK, "viewer"));
    assert_eq!(house.who(&access).await, StatusCode::UNAUTHORIZED, "the old role is refused at once");
    let access = house.refresh(&refresh).await.str("access_token").to_owned();
    assert_eq!(house.who(&access).await, StatusCode::OK);
    let last = house.ask("PATCH", &format!("{ACCOUNTS}/{root}"), &admin, Some(json!({"banned": true}))).await;
    assert_eq!((last.status, last.kind()), (StatusCode::CONFLICT, "last-administrator"));
    for wrong in [json!({}), json!({"role": "viewer", "banned": false}), json!({"role": "root"})] {
        assert_eq!(house.ask("PATCH", &one, &admin, Some(wrong)).await.status, StatusCode::BAD_REQUEST);
    }
    let unknown = format!("{ACCOUNTS}/00000000-0000-0000-0000-000000000000");
    for unknown in [&unknown, &format!("{ACCOUNTS}/nobody")] {
        let answer = house.ask("PATCH", unknown, &admin, Some(json!({"banned": true}))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    let handed = house.ask("POST", &format!("{one}/password-reset"), &admin, None).await;
    assert_eq!(handed.status, StatusCode::CREATED);
    assert!(handed.str("link").starts_with("https://manazir.example/password-reset#mzl_"), "{}", handed.text);
}

#[tokio::test]
async fn invitations_are_made_mailed_listed_and_withdrawn() {
    let house = House::with(Registration::Invited).await;
    // A program with an administrator's token may do it as well.
    let admin = Caller::bearer(common::secret(manazir_auth::Scope::Admin).reveal());
    let path = "/api/v1/invitations";
    let body = json!({"role": "member", "email": "ada@example.org"});
    let made = house.ask("POST", path, &admin, Some(body)).await;
    assert_eq!((made.status, &made.body["mailed"]), (StatusCode::CREATED, &json!(true)), "{}", made.text);
    let other = house.ask("POST", path, &admin, Some(json!({}))).await;
    assert_eq!(other.body["mailed"], json!(false));
    let wrong = house.ask("POST", path, &admin, Some(json!({"email": "x"}))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let open = house.ask("GET", path, &admin, None).await;
    assert_eq!(open.body.as_array().unwrap().len(), 2);
    assert!(!open.text.contains("mzl_"), "no secret is told again");
    let of_ada = open.body.as_array().unwrap().iter().find(|one| one["email"] == "ada@example.org").unwrap();
    let one = format!("{path}/{}", of_ada["id"].as_str().unwrap());
    assert_eq!(house.ask("DELETE", &one, &admin, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.ask("DELETE", &one, &admin, None).await.status, StatusCode::NOT_FOUND);
    let mut body = ada();
    body["invitation"] = made.body["secret"].clone();
    assert_eq!(house.ask("POST", ACCOUNTS, &admin, Some(body)).await.status, StatusCode::FORBIDDEN);
    let audit = house.ask("GET", "/api/v1/audit?limit=1", &admin, None).await;
    assert_eq!(audit.body["items"][0]["kind"], "invitation_withdrawn");
    assert_eq!(audit.body["items"][0]["by"], "installation");
    let before = audit.body["next_cursor"].as_u64().unwrap();
    let audit = house.ask("GET", &format!("/api/v1/audit?cursor={before}"), &admin, None).await;
    assert_eq!(audit.body["items"][0]["kind"], "invited");
    assert_eq!(house.audited(AuditKind::Invited).await, 2);
    let letters = house.close().await.sent();
    let [(to, Letter::Invitation(link))] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((to.address(), link.reveal().as_str()), ("ada@example.org", made.str("secret")));
}
