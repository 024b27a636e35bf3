//! Signing in at a real identity provider, on a service as a process.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use manazir_testkit::canaille::{CLIENT, CLIENT_SECRET, Canaille};
use manazir_testkit::client::Answer;
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");
const PASSWORD: &str = "a quiet harbor";
const ADDRESS: &str = "https://manazir.example";
const CALLBACK: &str = "https://manazir.example/api/v1/sign-in/oidc/callback";
const BEGIN: &str = "/api/v1/sign-in/oidc";

fn start(data: &Path, provider: &Canaille) -> Service {
    let config = data.with_extension("toml");
    let text = format!(
        "[accounts]\naddress = '{ADDRESS}'\n[accounts.oidc]\nissuer = '{}'\nclient_id = '{CLIENT}'\nclient_secret = \
         '${{OIDC_SECRET}}'\nname = 'Canaille'\n",
        provider.issuer()
    );
    std::fs::write(&config, text).unwrap();
    let options = ["--config", config.to_str().unwrap()];
    Service::start_with(PROGRAM, data, &options, &[("OIDC_SECRET", CLIENT_SECRET)])
}

fn call(service: &Service, method: &str, path: &str, cookies: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers =
        [("Cookie", cookies), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json")];
    service.client("").call_with(method, path, &headers, body.as_bytes()).unwrap()
}

fn get(service: &Service, path: &str, cookies: &str) -> Answer {
    call(service, "GET", path, cookies, &Value::Null)
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &Answer) -> String {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    let set = lines.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    set.map(|(_, value)| value.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

fn kind(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap().to_owned())
}

/// As a browser that the service sends to the provider, and the provider back to the service.
fn sign_in(service: &Service, provider: &Canaille, name: &str, query: &str) -> Answer {
    let begun = get(service, &format!("{BEGIN}{query}"), "");
    assert_eq!(begun.status, 303, "{}", begun.text());
    let back = provider.sign_in(begun.header("location").unwrap(), name);
    get(service, back.strip_prefix(ADDRESS).unwrap(), &cookies(&begun))
}

fn me(service: &Service, cookies: &str) -> Value {
    get(service, "/api/v1/accounts/me", cookies).json()
}

fn account(data: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(PROGRAM);
    command.env_remove("MANAZIR_TRUTH").env("MANAZIR_DATA", data);
    let output = command.arg("account").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The secret in a link.
fn secret(link: &str) -> &str {
    link.rsplit('#').next().unwrap()
}

#[test]
fn from_a_provider_that_is_away_to_a_ban_needs_canaille() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut provider = Canaille::absent(CALLBACK);
    // It starts without its provider, is ready, and people sign in with a password.
    let service = start(&data, &provider);
    assert_eq!(get(&service, "/health/ready", "").status, 200);
    assert_eq!(kind(&get(&service, BEGIN, "")), (503, "provider-away".to_owned()));
    let invitation = secret(service.invitation().unwrap());
    let root = json!({"username": "root", "email": "root@example.org", "password": PASSWORD,
        "invitation": invitation});
    assert_eq!(call(&service, "POST", "/api/v1/accounts", "", &root).status, 201);
    let local = json!({"email": "root@example.org", "password": PASSWORD});
    let root = cookies(&call(&service, "POST", "/api/v1/sessions", "", &local));
    assert_eq!(me(&service, &root)["role"], "admin");

    provider.start();
    let until = Instant::now() + Duration::from_secs(10);
    while get(&service, BEGIN, "").status != 303 {
        assert!(Instant::now() < until, "it is there now");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(kind(&sign_in(&service, &provider, "ada", "")), (403, "registration-closed".to_owned()));
    let link = account(&data, &["invite", "--role", "viewer", "--email", "ada@example.org"]);
    let query = format!("?invitation={}&return=/teams", secret(&link));
    let first = sign_in(&service, &provider, "ada", &query);
    assert_eq!((first.status, first.header("location")), (303, Some("/teams")), "{}", first.text());
    let ada = me(&service, &cookies(&first));
    assert_eq!((&ada["username"], &ada["email"]), (&json!("ada"), &json!("ada@example.org")));
    assert_eq!(ada["role"], "viewer");

    // New keys, and codes that it knows nothing of.
    let begun = get(&service, BEGIN, "");
    let back = provider.sign_in(begun.header("location").unwrap(), "ada");
    provider.kill();
    provider.start();
    let lost = get(&service, back.strip_prefix(ADDRESS).unwrap(), &cookies(&begun));
    assert_eq!(kind(&lost), (403, "code-refused".to_owned()));
    let begun = get(&service, BEGIN, "");
    let denied = provider.sign_in_and_deny(begun.header("location").unwrap(), "bob");
    let denied = get(&service, denied.strip_prefix(ADDRESS).unwrap(), &cookies(&begun));
    assert_eq!(kind(&denied), (403, "sign-in-denied".to_owned()));
    let second = cookies(&sign_in(&service, &provider, "ada", ""));
    assert_eq!(me(&service, &second), ada, "the same account");

    // Who has signed in links what they are at the provider.
    let begun = call(&service, "POST", "/api/v1/accounts/me/identities", &root, &json!({}));
    let back = provider.sign_in(begun.json()["address"].as_str().unwrap(), "bob");
    let linked = get(&service, back.strip_prefix(ADDRESS).unwrap(), &cookies(&begun));
    assert_eq!(linked.status, 303, "{}", linked.text());
    let by_bob = cookies(&sign_in(&service, &provider, "bob", ""));
    assert_eq!(me(&service, &by_bob)["username"], "root");

    let out = call(&service, "DELETE", "/api/v1/sessions/current", &second, &Value::Null);
    assert_eq!((out.status, get(&service, "/api/v1/accounts/me", &second).status), (204, 401));
    account(&data, &["ban", "ada@example.org"]);
    assert_eq!(kind(&sign_in(&service, &provider, "ada", "")), (403, "banned".to_owned()));
    assert!(service.terminate());
}
