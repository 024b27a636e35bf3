//! A small provider that signs its own tokens, and lies if it is told to.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use openidconnect::url::form_urlencoded;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

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
    is_over: bool,
}

type Shared = Arc<Mutex<Known>>;

/// A request, as far as the provider looks at it.
struct Asked {
    path: String,
    query: HashMap<String, String>,
    authorization: String,
    form: HashMap<String, String>,
}

/// Status, further header lines, and body.
type Sent = (u16, &'static str, Vec<u8>);

/// Listens until it is dropped.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    known: Shared,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.known.lock().unwrap().is_over = true;
        // It looks when somebody comes.
        drop(TcpStream::connect(self.address));
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let known = Known { issuer: format!("http://{address}"), key: 1, ..Known::default() };
        let known = Arc::new(Mutex::new(known));
        let answering = Arc::clone(&known);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if answering.lock().unwrap().is_over {
                    return;
                }
                let known = Arc::clone(&answering);
                std::thread::spawn(move || answer(stream, &known));
            }
        });
        Self { address, known, thread: Some(thread) }
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

/// One request on a connection; what goes wrong on it is its client's to know.
fn answer(mut stream: TcpStream, known: &Shared) -> Option<()> {
    let asked = read(&stream)?;
    *known.lock().unwrap().asked.entry(asked.path.clone()).or_default() += 1;
    let (status, lines, body) = match &*asked.path {
        "/.well-known/openid-configuration" => describe(known),
        "/jwks" => keys(known),
        "/authorize" => authorize(known, &asked.query),
        "/token" => token(known, &asked),
        "/userinfo" => person(known, &asked),
        _ => (404, "", Vec::new()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} -\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn pairs(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let form = pairs(&String::from_utf8_lossy(&body));
    Some(Asked { path: path.to_owned(), query: pairs(query), authorization, form })
}

const JSON: &str = "Content-Type: application/json\r\n";

fn sent(body: &Value) -> Sent {
    (200, JSON, body.to_string().into_bytes())
}

fn describe(known: &Shared) -> Sent {
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

fn keys(known: &Shared) -> Sent {
    let key = known.lock().unwrap().key;
    let unknown = json!({"kty": "of tomorrow", "kid": "x"});
    let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": format!("key{key}"), "x": public(key)});
    sent(&json!({"keys": [unknown, key]}))
}

fn authorize(known: &Shared, query: &HashMap<String, String>) -> Sent {
    let mut known = known.lock().unwrap();
    assert_eq!((&*query["response_type"], &*query["client_id"]), ("code", "manazir"));
    assert_eq!((&*query["redirect_uri"], &*query["code_challenge_method"]), (CALLBACK, "S256"));
    assert_eq!(query["scope"], "openid email profile");
    let code = format!("code{}", known.codes.len());
    known.codes.insert(code.clone(), (query["code_challenge"].clone(), query["nonce"].clone()));
    (200, "", code.into_bytes())
}

fn refused(status: u16, error: &str) -> Sent {
    let body = json!({"error": error, "error_description": "\u{1b}[31m"});
    (status, JSON, body.to_string().into_bytes())
}

fn token(known: &Shared, asked: &Asked) -> Sent {
    let lie = known.lock().unwrap().lie;
    match lie {
        // Longer than anybody waits for it.
        Lie::Slow => std::thread::sleep(Duration::from_secs(5)),
        Lie::Garbage => return (200, "Content-Type: text/html\r\n", b"<html>".to_vec()),
        Lie::SendsElsewhere => return (307, "Location: /elsewhere\r\n", Vec::new()),
        Lie::Endless => return (200, JSON, vec![b' '; 2 * manazir_oidc::ANSWER_BYTES_MAX]),
        Lie::ClientRefused => return refused(401, "invalid_client"),
        _ => {}
    }
    // `manazir:kept+apart`, each part written as in a form (RFC 6749 §2.3.1).
    assert_eq!(asked.authorization, "Basic bWFuYXppcjprZXB0K2FwYXJ0");
    let form = &asked.form;
    assert_eq!((&*form["grant_type"], &*form["redirect_uri"]), ("authorization_code", CALLBACK));
    let mut known = known.lock().unwrap();
    let Some((challenge, nonce)) = known.codes.insert(form["code"].clone(), Default::default()) else {
        return refused(400, "invalid_grant");
    };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return refused(400, "invalid_grant");
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

fn person(known: &Shared, asked: &Asked) -> Sent {
    assert_eq!(asked.authorization, "Bearer opaque");
    let another = matches!(known.lock().unwrap().lie, Lie::TellsOfAnother);
    let mut claims = json!({"sub": if another { "1" } else { "248289761001" }});
    people(&mut claims);
    sent(&claims)
}
