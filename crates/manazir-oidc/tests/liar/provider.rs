//! A small provider that signs its own tokens, and lies if it is told to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use openidconnect::url::form_urlencoded;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const CALLBACK: &str = "https://manazir.example/api/v1/sign-in/oidc/callback";

/// What is not as it should be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Lie {
    #[default]
    None,
    Claims(fn(&mut Value)),
    NotSigned,
    SignedWithThePublicKey,
    SignedWithTheSecret,
    SignedBy(u8),
    SignedByAnotherOfThatName,
    NoToken,
    TellsElsewhere,
    TellsOfAnother,
    Endless,
    Slow,
    SendsElsewhere,
    Garbage,
    OddAccessToken,
    ClientRefused,
    NamesOpenAddresses,
}

#[derive(Default)]
struct Known {
    issuer: String,
    lie: Lie,
    key: u8,
    /// By code: the challenge and the nonce.
    codes: HashMap<String, (String, String)>,
    asked: HashMap<String, usize>,
}

type Shared = Arc<Mutex<Known>>;

/// Listens until it is dropped.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    known: Shared,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into()).await
    }

    pub(crate) async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let known = Known { issuer: format!("http://{address}"), key: 1, ..Known::default() };
        let known = Arc::new(Mutex::new(known));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/jwks", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(person))
            .layer(from_fn_with_state(Arc::clone(&known), counted))
            .with_state(Arc::clone(&known));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, known, task }
    }

    pub(crate) fn issuer(&self) -> String {
        self.known.lock().unwrap().issuer.clone()
    }

    pub(crate) fn lies(&self, lie: Lie) {
        self.known.lock().unwrap().lie = lie;
    }

    pub(crate) fn turns_over(&self, key: u8) {
        self.known.lock().unwrap().key = key;
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.known.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// As a browser in which somebody has signed in: the code.
    pub(crate) async fn browse(&self, address: &str) -> String {
        let answer = reqwest::get(address).await.unwrap();
        assert_eq!(answer.status(), 200, "{address}");
        answer.text().await.unwrap()
    }
}

async fn counted(State(known): State<Shared>, request: Request, next: Next) -> Response {
    *known.lock().unwrap().asked.entry(request.uri().path().to_owned()).or_default() += 1;
    next.run(request).await
}

fn sent(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn describe(State(known): State<Shared>) -> Response {
    let known = known.lock().unwrap();
    let issuer = &known.issuer;
    let userinfo = match known.lie {
        Lie::NamesOpenAddresses => "http://login.example/userinfo".to_owned(),
        _ => format!("{issuer}/userinfo"),
    };
    sent(&json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": userinfo,
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // What it says of itself opens nothing.
        "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "EdDSA"],
    }))
}

fn signing(key: u8) -> SigningKey {
    SigningKey::from_bytes(&[key; 32])
}

fn public(key: u8) -> String {
    URL_SAFE_NO_PAD.encode(signing(key).verifying_key().as_bytes())
}

async fn keys(State(known): State<Shared>) -> Response {
    let key = known.lock().unwrap().key;
    let unknown = json!({"kty": "of tomorrow", "kid": "x"});
    let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": format!("key{key}"), "x": public(key)});
    sent(&json!({"keys": [unknown, key]}))
}

async fn authorize(State(known): State<Shared>, Query(query): Query<HashMap<String, String>>) -> String {
    let mut known = known.lock().unwrap();
    assert_eq!((&*query["response_type"], &*query["client_id"]), ("code", "manazir"));
    assert_eq!((&*query["redirect_uri"], &*query["code_challenge_method"]), (CALLBACK, "S256"));
    assert_eq!(query["scope"], "openid email profile");
    let code = format!("code{}", known.codes.len());
    known.codes.insert(code.clone(), (query["code_challenge"].clone(), query["nonce"].clone()));
    code
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, sent(&json!({"error": error, "error_description": "\u{1b}[31m"}))).into_response()
}

async fn token(State(known): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let lie = known.lock().unwrap().lie;
    match lie {
        Lie::Slow => tokio::time::sleep(Duration::from_secs(60)).await,
        Lie::Garbage => return "<html>".into_response(),
        Lie::SendsElsewhere => {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response();
        }
        Lie::Endless => {
            let endless = [(header::CONTENT_TYPE, "application/json")];
            return (endless, Body::from(vec![b' '; 2 * manazir_oidc::ANSWER_BYTES_MAX])).into_response();
        }
        Lie::ClientRefused => return refused(StatusCode::UNAUTHORIZED, "invalid_client"),
        _ => {}
    }
    // `manazir:kept+apart`, each part written as in a form (RFC 6749 §2.3.1).
    assert_eq!(headers[header::AUTHORIZATION], "Basic bWFuYXppcjprZXB0K2FwYXJ0");
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    assert_eq!((&*form["grant_type"], &*form["redirect_uri"]), ("authorization_code", CALLBACK));
    let mut known = known.lock().unwrap();
    let Some((challenge, nonce)) = known.codes.insert(form["code"].clone(), Default::default()) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let mut answer = json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60});
    if !matches!(lie, Lie::NoToken) {
        answer["id_token"] = json!(id_token(&known, &nonce));
    }
    if let Lie::OddAccessToken = lie {
        answer["access_token"] = json!("two\r\nlines");
    }
    sent(&answer)
}

fn people(claims: &mut Value) {
    claims["email"] = json!("ada@example.org");
    claims["email_verified"] = json!("true");
    claims["preferred_username"] = json!("ada");
    claims["name"] = json!("Ada Lovelace");
}

fn id_token(known: &Known, nonce: &str) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut claims = json!({
        "iss": known.issuer, "sub": "248289761001", "aud": "manazir", "nonce": nonce, "iat": now, "exp": now + 60,
    });
    if !matches!(known.lie, Lie::TellsElsewhere | Lie::TellsOfAnother | Lie::OddAccessToken) {
        people(&mut claims);
    }
    if let Lie::Claims(change) = known.lie {
        change(&mut claims);
    }
    let (algorithm, name) = match known.lie {
        Lie::NotSigned => ("none", known.key),
        Lie::SignedWithThePublicKey | Lie::SignedWithTheSecret => ("HS256", known.key),
        Lie::SignedBy(key) => ("EdDSA", key),
        _ => ("EdDSA", known.key),
    };
    let head = json!({"alg": algorithm, "typ": "JWT", "kid": format!("key{name}")});
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", part(&head), part(&claims));
    let shared = |secret: &[u8]| {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).unwrap().chain_update(&text);
        mac.finalize().into_bytes().to_vec()
    };
    let signature = match known.lie {
        Lie::NotSigned => Vec::new(),
        Lie::SignedWithThePublicKey => shared(signing(known.key).verifying_key().as_bytes()),
        Lie::SignedWithTheSecret => shared(b"kept apart"),
        Lie::SignedByAnotherOfThatName => signing(77).sign(text.as_bytes()).to_bytes().to_vec(),
        _ => signing(name).sign(text.as_bytes()).to_bytes().to_vec(),
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn person(State(known): State<Shared>, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer opaque");
    let another = matches!(known.lock().unwrap().lie, Lie::TellsOfAnother);
    let mut claims = json!({"sub": if another { "1" } else { "248289761001" }});
    people(&mut claims);
    sent(&claims)
}
