//! Signing in at an identity provider, over HTTP.

use std::sync::Arc;

use crate::common;
use crate::common::people::{Answer, Caller, House};
use axum::http::{StatusCode, header};
use manazir_auth::Role;
use manazir_auth::audit::AuditKind;
use manazir_auth::identity::{Claimed, Identity};
use manazir_auth::keys::ServerSecret;
use manazir_auth::memory::Provider;
use manazir_auth::provider::{Elsewhere, ProviderRules};
use manazir_http::Registration;
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example";
const BEGIN: &str = "/api/v1/sign-in/oidc";
const IDENTITIES: &str = "/api/v1/accounts/me/identities";

struct Login {
    house: House,
    provider: Arc<Provider>,
}

/// A browser on its way: the cookie that it keeps, and the state at the provider.
struct Way {
    cookie: String,
    state: String,
}

fn claimed(name: &str) -> Claimed {
    Claimed {
        identity: Identity::new(ISSUER, name).unwrap(),
        email: Some(format!("{name}@example.org")),
        email_verified: true,
        username: None,
        name: None,
    }
}

fn way(answer: &Answer, address: &str) -> Way {
    Way { cookie: answer.cookies(), state: address.split_once("state=").unwrap().1.to_owned() }
}

impl Login {
    async fn new(open: bool) -> Self {
        let provider = Arc::new(Provider::new(ISSUER));
        let rules = ProviderRules { open, ..ProviderRules::default() };
        let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
        let elsewhere = Elsewhere::new(Arc::clone(&provider) as _, "Example Login", rules, &secret);
        let house = House::beside(Registration::Invited, Some(Arc::new(elsewhere))).await;
        Self { house, provider }
    }

    async fn get(&self, path: &str, by: &Caller) -> Answer {
        self.house.ask("GET", path, by, None).await
    }

    async fn begin(&self, query: &str) -> Way {
        let answer = self.get(&format!("{BEGIN}{query}"), &Caller::default()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        let address = answer.headers[header::LOCATION].to_str().unwrap();
        assert!(address.starts_with(ISSUER), "{address}");
        way(&answer, address)
    }

    /// The provider sends a browser with these cookies back.
    async fn back(&self, cookies: &str, query: &str) -> Answer {
        let browser = Caller::default()
            .with("cookie", cookies)
            .with("sec-fetch-site", "cross-site")
            .with("user-agent", "Firefox");
        self.get(&format!("{BEGIN}/callback?{query}"), &browser).await
    }

    async fn returns(&self, way: &Way, who: &Claimed) -> Answer {
        let code = self.provider.signs_in(&way.state, who);
        self.back(&way.cookie, &format!("state={}&code={code}&iss={ISSUER}&session_state=x", way.state)).await
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, kind: &str) {
    assert_eq!((answer.status.as_u16(), answer.kind()), (status, kind), "{}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert!(!answer.cookies().contains("manazir_access"), "nobody is signed in");
}

#[tokio::test]
async fn a_browser_signs_in_at_the_provider_and_comes_back_with_cookies() {
    let login = Login::new(true).await;
    let ways = login.get("/api/v1/sign-in", &Caller::default()).await;
    assert_eq!(ways.body["providers"], json!([{"name": "Example Login", "begin": BEGIN, "open": true}]));
    let way = login.begin("?return=/teams%3Fmine%3D1").await;
    let back = login.returns(&way, &claimed("ada")).await;
    assert_eq!(
        (back.status, &back.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/teams?mine=1".parse().unwrap())
    );
    let set: Vec<&str> =
        back.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
    assert!(
        set[0].starts_with("__Host-manazir_sign_in=;") && set[0].contains("SameSite=Lax; Max-Age=0"),
        "{set:?}"
    );
    for (line, name) in [(set[1], "access"), (set[2], "refresh")] {
        assert!(line.starts_with(&format!("__Host-manazir_{name}=")), "{line}");
        assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="), "{line}");
    }
    let page = Caller::page(&back.cookies());
    let me = login.get("/api/v1/accounts/me", &page).await;
    assert_eq!((me.str("username"), me.str("email"), me.str("role")), ("ada", "ada@example.org", "member"));
    let sessions = login.get("/api/v1/sessions", &page).await;
    assert_eq!(
        (&sessions.body[0]["device"], &sessions.body[0]["current"]),
        (&json!("Firefox"), &json!(true))
    );

    let again = login.returns(&login.begin("").await, &claimed("ada")).await;
    assert_eq!(again.headers[header::LOCATION], "/");
    assert_eq!(login.house.audited(AuditKind::Registered).await, 1, "the same account");
    let log = login.house.audited(AuditKind::SignedIn).await;
    assert_eq!(log, 2);
    let out = login.house.ask("DELETE", "/api/v1/sessions/current", &page, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_sign_in_ends_once_in_the_browser_in_which_it_began() {
    let login = Login::new(true).await;
    let (mine, theirs) = (login.begin("").await, login.begin("").await);
    let code = login.provider.signs_in(&theirs.state, &claimed("eve"));
    let their_answer = format!("state={}&code={code}", theirs.state);
    for cookies in ["", &mine.cookie, "__Host-manazir_sign_in=made.up", &mine.cookie.replace('.', ".A")] {
        let answer = login.back(cookies, &their_answer).await;
        refused(&answer, 403, "sign-in-over");
        assert_eq!(answer.cookies(), "", "one of this browser may still go on");
    }
    refused(&login.back(&theirs.cookie, &format!("code={code}")).await, 403, "sign-in-over");
    // The code of somebody else with my own state.
    let injected = login.back(&mine.cookie, &format!("state={}&code={code}", mine.state)).await;
    refused(&injected, 403, "code-refused");
    assert_eq!(injected.cookies(), "__Host-manazir_sign_in=");

    let used = login.begin("").await;
    assert_eq!(login.returns(&used, &claimed("ada")).await.status, StatusCode::SEE_OTHER);
    refused(&login.returns(&used, &claimed("ada")).await, 403, "sign-in-over");
    let late = login.begin("").await;
    common::people::later(601);
    refused(&login.returns(&late, &claimed("ada")).await, 403, "sign-in-over");
}

#[tokio::test]
async fn what_the_provider_refuses_and_how_it_is_told() {
    let login = Login::new(true).await;
    let error = async |error: &str| {
        let way = login.begin("").await;
        login.back(&way.cookie, &format!("state={}&error={error}&error_description=x", way.state)).await
    };
    refused(&error("access_denied").await, 403, "sign-in-denied");
    refused(&error("temporarily_unavailable").await, 503, "provider-away");
    let injected = error("%3Cscript%3E%0d%0a").await;
    assert!(injected.text.contains("`script`"), "{}", injected.text);
    let way = login.begin("").await;
    let mixed_up = login.back(&way.cookie, &format!("state={}&code=1&iss=https://other", way.state)).await;
    refused(&mixed_up, 502, "provider-refused");
    refused(
        &login.returns(&login.begin("").await, &Claimed { email: None, ..claimed("x") }).await,
        403,
        "no-address",
    );
    let way = login.begin("").await;
    login.provider.set_away(true);
    refused(&login.returns(&way, &claimed("ada")).await, 503, "provider-away");
    let away = login.get(BEGIN, &Caller::default()).await;
    refused(&away, 503, "provider-away");
    assert_eq!(away.headers[header::RETRY_AFTER], "5");
    login.house.person("ada", Role::Member).await;
    let local = login.house.sign_in("ada", &Caller::default(), true).await;
    assert_eq!(local.status, StatusCode::CREATED, "a password is a way of its own");
}

#[tokio::test]
async fn it_goes_on_at_a_page_of_this_service_and_nowhere_else() {
    let login = Login::new(true).await;
    for elsewhere in
        ["//evil.example", "/%5Cevil", "https:evil", "https://evil.example", "", "/a%0d%0ab", "/%09/evil"]
    {
        let answer = login.get(&format!("{BEGIN}?return={elsewhere}"), &Caller::default()).await;
        refused(&answer, 400, "invalid");
    }
    let none = House::open().await;
    for path in [BEGIN, "/api/v1/sign-in/oidc/callback?state=1&code=2"] {
        refused(&none.ask("GET", path, &Caller::default(), None).await, 404, "not-found");
    }
    let ways = none.ask("GET", "/api/v1/sign-in", &Caller::default(), None).await;
    assert_eq!(ways.body, json!({"providers": []}));
}

#[tokio::test]
async fn who_comes_and_who_does_not() {
    let login = Login::new(false).await;
    refused(&login.returns(&login.begin("").await, &claimed("ada")).await, 403, "registration-closed");
    refused(&login.get(&format!("{BEGIN}?invitation=mzl_1"), &Caller::default()).await, 403, "link-refused");
    let invitation = login.house.invitation().await;
    let invited = login.begin(&format!("?invitation={invitation}")).await;
    let page = Caller::page(&login.returns(&invited, &claimed("ada")).await.cookies());
    assert_eq!(login.get("/api/v1/accounts/me", &page).await.str("role"), "viewer", "the invitation's role");
    let again = login.begin(&format!("?invitation={invitation}")).await;
    refused(&login.returns(&again, &claimed("bob")).await, 403, "link-refused");
    let id = login.get("/api/v1/accounts/me", &page).await.str("id").to_owned();

    login.house.person("bob", Role::Admin).await;
    let known = login.returns(&login.begin("").await, &claimed("bob")).await;
    refused(&known, 409, "link-first");
    assert!(known.str("detail").contains("link this identity"), "{}", known.text);
    let (bob, _) = login.house.program("bob").await;
    let ban = Some(json!({"banned": true}));
    login.house.ask("PATCH", &format!("/api/v1/accounts/{id}"), &Caller::bearer(&bob), ban).await;
    refused(&login.returns(&login.begin("").await, &claimed("ada")).await, 403, "banned");
}

#[tokio::test]
async fn identities_are_linked_listed_and_unlinked_by_their_owner() {
    let login = Login::new(true).await;
    login.house.person("bob", Role::Member).await;
    let page = Caller::page(&login.house.sign_in("bob", &Caller::default(), true).await.cookies());
    let link = async |page: &Caller, body: Value| login.house.ask("POST", IDENTITIES, page, Some(body)).await;
    refused(&link(&page, json!({"return": "//evil"})).await, 400, "invalid");
    let elsewhere = Caller::default().with("cookie", &page.headers[0].1).with("sec-fetch-site", "cross-site");
    assert_eq!(link(&elsewhere, json!({})).await.status, StatusCode::FORBIDDEN, "another site asks");
    let begun = link(&page, json!({"return": "/me"})).await;
    let on_its_way = way(&begun, begun.str("address"));
    let back = login.returns(&on_its_way, &claimed("work")).await;
    assert_eq!(
        (back.status, &back.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/me".parse().unwrap())
    );
    assert_eq!(back.cookies(), "__Host-manazir_sign_in=", "whoever links is signed in already");

    let list = login.get(IDENTITIES, &page).await;
    let [only] = list.body.as_array().unwrap().as_slice() else { panic!("{}", list.text) };
    assert_eq!(
        (&only["issuer"], &only["subject"], &only["label"]),
        (&json!(ISSUER), &json!("work"), &json!("work@example.org"))
    );
    let by_work = Caller::page(&login.returns(&login.begin("").await, &claimed("work")).await.cookies());
    assert_eq!(login.get("/api/v1/accounts/me", &by_work).await.str("username"), "bob");

    let eve = Caller::page(&login.returns(&login.begin("").await, &claimed("eve")).await.cookies());
    let begun = link(&eve, json!({})).await;
    refused(
        &login.returns(&way(&begun, begun.str("address")), &claimed("work")).await,
        409,
        "identity-taken",
    );
    let unlink = async |page: &Caller, id: &str| {
        login.house.ask("DELETE", &format!("{IDENTITIES}/{id}"), page, None).await
    };
    let id = only["id"].as_str().unwrap();
    refused(&unlink(&eve, id).await, 404, "not-found");
    let of_eve = login.get(IDENTITIES, &eve).await.body[0]["id"].as_str().unwrap().to_owned();
    refused(&unlink(&eve, &of_eve).await, 409, "last-way-in");
    assert_eq!(unlink(&page, id).await.status, StatusCode::NO_CONTENT);
    refused(&unlink(&page, id).await, 404, "not-found");

    let begun = link(&page, json!({})).await;
    login.house.ask("DELETE", "/api/v1/sessions/current", &page, None).await;
    let late = login.returns(&way(&begun, begun.str("address")), &claimed("home")).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "the session is over: {}", late.text);
    let token = Caller::bearer(common::secret(manazir_auth::Scope::Admin).reveal());
    assert_eq!(login.get(IDENTITIES, &token).await.status, StatusCode::FORBIDDEN, "it is a person's own");
}
