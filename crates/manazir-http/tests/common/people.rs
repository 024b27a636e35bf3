//! People who sign in, through the router or a socket, over the twin of the store.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use manazir_auth::access::AccessRules;
use manazir_auth::audit::{Actor, AuditKind, Occasion};
use manazir_auth::hashing::InPlace;
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret};
use manazir_auth::limit::SignInRates;
use manazir_auth::memory::{Accounts as Store, Letters};
use manazir_auth::provider::Elsewhere;
use manazir_auth::service::{AccountRules, Authority, Registration as Wanted};
use manazir_auth::session::SessionRules;
use manazir_auth::{AccountStore, Accounts, Hasher, HashingCost, Role};
use manazir_http::{AccountSettings, App, Peer, Post, Proxies, Registration, router};
use manazir_model::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "a quiet harbor";
/// The begin of every test; each has a process of its own.
const BEGIN: i64 = 1_700_000_000;
static SECONDS: AtomicI64 = AtomicI64::new(BEGIN);

/// The hour, which stands still until it is moved.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(SECONDS.load(Ordering::Relaxed))
}

pub(crate) fn later(seconds: i64) {
    SECONDS.fetch_add(seconds, Ordering::Relaxed);
}

/// A service with people.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) store: Arc<Store>,
    pub(crate) letters: Arc<Letters>,
    stop: tokio::sync::oneshot::Sender<()>,
    delivery: tokio::task::JoinHandle<()>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// A browser, or a program, by what it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) address: Option<IpAddr>,
}

impl Caller {
    /// With an access token or the secret of an API token.
    pub(crate) fn bearer(token: &str) -> Self {
        Self::default().with("authorization", &format!("Bearer {token}"))
    }

    /// A page of the service, with these cookies.
    pub(crate) fn page(cookies: &str) -> Self {
        Self::default().with("cookie", cookies).with("sec-fetch-site", "same-origin")
    }

    pub(crate) fn at(address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Answer {
    /// The cookies that it sets, as a browser sends them back.
    pub(crate) fn cookies(&self) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        set.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap()
    }

    pub(crate) fn str(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_default()
    }
}

impl House {
    /// Open to whoever comes, behind a proxy at 10.0.0.0/8, with letters.
    pub(crate) async fn open() -> Self {
        Self::with(Registration::Open).await
    }

    pub(crate) async fn with(registration: Registration) -> Self {
        Self::beside(registration, None).await
    }

    /// The same with a provider at which people sign in.
    pub(crate) async fn beside(registration: Registration, elsewhere: Option<Arc<Elsewhere>>) -> Self {
        let store = Arc::new(Store::default());
        let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
        let key = KeyRecord::new([7; 32], &secret, Timestamp(0));
        let ring = KeyRing::open(vec![key], &secret, KeyRules::default());
        let access = AccessRules { issuer: "test".to_owned(), audience: "test".to_owned() };
        let (sessions, rates) = (SessionRules::default(), SignInRates::default());
        let gate = InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 64);
        let rules = AccountRules { access, sessions, rates };
        let accounts = Arc::new(Accounts::new(store.clone(), Arc::new(gate), rules, ring));
        let letters = Arc::new(Letters::default());
        let (post, delivery) = Post::new(letters.clone());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let delivering = Arc::clone(&accounts);
        let delivery = tokio::spawn(async move {
            delivery.run(delivering, async move { drop(stopped.await) }).await;
        });
        let networks = vec!["10.0.0.0/8".parse().unwrap()];
        let settings = AccountSettings {
            registration,
            address: "https://manazir.example".to_owned(),
            proxies: Proxies { networks, ..Proxies::default() },
            post,
            elsewhere,
        };
        let app = App { accounts, account_settings: Arc::new(settings), now, ..super::app().await };
        Self { app, store, letters, stop, delivery }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, by: &Caller, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &by.headers {
            request = request.header(name, value);
        }
        if let Some(address) = by.address {
            request = request.extension(Peer(address));
        }
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        let response = router(self.app.clone()).oneshot(request.unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// Makes an account of a role, not through the front door.
    pub(crate) async fn person(&self, name: &str, role: Role) -> String {
        let on = Occasion { by: Actor::System, address: None, at: now() };
        let email = format!("{name}@example.org");
        let who = Wanted { username: name, email: &email, password: PASSWORD, avatar_seed: None };
        let mut entropy = [0; 32];
        entropy[..name.len()].copy_from_slice(name.as_bytes());
        let made = self.app.accounts.register(who, role, None, entropy, &on).await.unwrap();
        uuid(&made.id.to_string())
    }

    pub(crate) async fn sign_in(&self, name: &str, by: &Caller, cookies: bool) -> Answer {
        let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD, "cookies": cookies});
        self.ask("POST", "/api/v1/sessions", by, Some(body)).await
    }

    /// A person's program: its access and refresh token.
    pub(crate) async fn program(&self, name: &str) -> (String, String) {
        let answer = self.sign_in(name, &Caller::default(), false).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        (answer.str("access_token").to_owned(), answer.str("refresh_token").to_owned())
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let body = json!({"refresh_token": token});
        self.ask("POST", "/api/v1/sessions/refresh", &Caller::default(), Some(body)).await
    }

    /// Who the bearer of a token is: 200 or 401.
    pub(crate) async fn who(&self, access: &str) -> StatusCode {
        self.ask("GET", "/api/v1/accounts/me", &Caller::bearer(access), None).await.status
    }

    /// How often something stands in the audit log.
    pub(crate) async fn audited(&self, kind: AuditKind) -> usize {
        let log = self.store.audit(None, 500).await.unwrap();
        log.iter().filter(|audited| audited.entry.kind == kind).count()
    }

    /// An administrator's link for a new member.
    pub(crate) async fn invitation(&self) -> String {
        let on = Occasion { by: Actor::System, address: None, at: now() };
        let made = self.app.accounts.invite(Authority::Installation, Role::Viewer, None, [3; 32], &on).await;
        made.unwrap().reveal()
    }

    /// Ends it, after all letters have gone.
    pub(crate) async fn close(self) -> Arc<Letters> {
        self.stop.send(()).unwrap();
        self.delivery.await.unwrap();
        self.letters
    }
}

fn uuid(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
