//! Accounts on a service as a process: its command line, its secret, several nodes, letters, an identity provider.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

#[cfg(feature = "oidc")]
mod elsewhere;

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use manazir_auth::access::AccessRules;
use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::hashing::InPlace;
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret};
use manazir_auth::limit::SignInRates;
use manazir_auth::revocation::FOLLOWED_EVERY;
use manazir_auth::service::{AccessRefused, AccountRules, RefreshRefused, Registration};
use manazir_auth::session::{Device, SessionRules};
use manazir_auth::{Accounts, Hasher, HashingCost, Role};
use manazir_model::Timestamp;
use manazir_sql::Truth;
use manazir_testkit::client::{Answer, Client};
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::service::Service;
use manazir_testkit::smtp::Smtp;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");
const PASSWORD: &str = "a quiet harbor";
const SECRET: &str = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";

fn ask(service: &Service, method: &str, path: &str, bearer: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("Content-Type", "application/json")];
    service.client(bearer).call_with(method, path, &headers, body.as_bytes()).unwrap()
}

fn register(service: &Service, name: &str, link: &str) {
    let secret = link.rsplit('#').next().unwrap();
    let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD,
        "invitation": secret});
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask(service, "POST", "/api/v1/accounts", "", &body);
        // One account a second from one place.
        if answer.status == 201 {
            return;
        }
        assert!(answer.status == 429 && Instant::now() < until, "{}", answer.text());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The access and the refresh token of a program.
fn sign_in(service: &Service, name: &str) -> (String, String) {
    let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD, "cookies": false});
    let answer = ask(service, "POST", "/api/v1/sessions", "", &body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let text = |key: &str| answer.json()[key].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn who(service: &Service, access: &str) -> u16 {
    ask(service, "GET", "/api/v1/accounts/me", access, &Value::Null).status
}

fn account(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env_remove("MANAZIR_TRUTH").env("MANAZIR_DATA", data);
    command.arg("account").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

/// How long it takes until a token is refused.
#[track_caller]
fn out_within_a_second(service: &Service, access: &str) {
    let began = Instant::now();
    while who(service, access) == 200 {
        assert!(began.elapsed() < Duration::from_secs(1), "still let in");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn from_the_first_link_to_a_ban_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let service = Service::start(PROGRAM, &data, &[]);
    let link = service.invitation().expect("the first start tells a link").to_owned();
    assert!(link.starts_with(&format!("http://{}/invitation#mzl_", service.address())), "{link}");
    register(&service, "root", &link);
    let mode = std::fs::metadata(data.join("secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "BB-W4: the secret is made, and ours alone");
    let (root, _) = sign_in(&service, "root");
    assert_eq!(ask(&service, "GET", "/api/v1/tokens", &root, &Value::Null).status, 200, "an administrator");

    let link = said(&account(&data, &["invite", "--email", "ada@example.org"]));
    assert!(link.starts_with(&format!("http://{}/invitation#mzl_", service.address())), "{link}");
    register(&service, "ada", &link);
    let (ada, refresh) = sign_in(&service, "ada");
    let list: Value = serde_json::from_str(&said(&account(&data, &["list", "--json"]))).unwrap();
    assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
    assert!(said(&account(&data, &["role", "ada", "viewer"])).contains("ada is viewer now"));
    out_within_a_second(&service, &ada);
    let next = ask(&service, "POST", "/api/v1/sessions/refresh", "", &json!({"refresh_token": refresh}));
    let ada = next.json()["access_token"].as_str().unwrap().to_owned();
    assert!(said(&account(&data, &["ban", "ada@example.org"])).contains("banned"));
    out_within_a_second(&service, &ada);
    let wrong = account(&data, &["ban", "root"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("the last administrator stays one"));
    assert!(String::from_utf8_lossy(&account(&data, &["ban", "eve"]).stderr).contains("there is no account"));
    said(&account(&data, &["unban", "ada"]));
    let reset = said(&account(&data, &["reset", "ada", "--address", "https://m.example"]));
    let secret = reset.strip_prefix("https://m.example/password-reset#").unwrap();
    let body = json!({"link": secret, "password": "another harbor"});
    let set = ask(&service, "POST", "/api/v1/password-resets/redeem", "", &body);
    assert_eq!(set.status, 204, "{}", set.text());

    assert!(service.terminate());
    // It works while nothing runs, too.
    assert!(said(&account(&data, &["list"])).contains("ada@example.org"));
    let again = Service::start(PROGRAM, &data, &[]);
    assert_eq!(again.invitation(), None);
    assert_eq!(who(&again, &root), 200, "whoever was signed in still is");
    let removed = said(&account(&data, &["new-keys"]));
    assert!(removed.starts_with("Signing keys that were removed: 1."), "{removed}");
    assert!(again.terminate());
    let renewed = Service::start(PROGRAM, &data, &[]);
    assert_eq!(who(&renewed, &root), 401, "what was signed before is refused");
    assert!(renewed.terminate());
}

/// A thousand at once, shared among nodes: all get the one successor, which is good.
fn a_thousand_refreshes(services: &[Service], refresh: &str) {
    const RACERS: usize = 1_000;
    let ready = Arc::new(Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|number| {
            let (ready, address) =
                (Arc::clone(&ready), services[number % services.len()].address().to_owned());
            let body = json!({"refresh_token": refresh}).to_string();
            let racer = std::thread::Builder::new().stack_size(256 << 10);
            let race = move || {
                ready.wait();
                let headers = [("Content-Type", "application/json")];
                let mut client = Client::new(&address, "");
                let answer = client.call_with("POST", "/api/v1/sessions/refresh", &headers, body.as_bytes());
                let answer = answer.unwrap();
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.json()["refresh_token"].as_str().unwrap().to_owned()
            };
            racer.spawn(race).unwrap()
        })
        .collect();
    let successors: HashSet<String> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    assert_eq!(successors.len(), 1);
    let next = json!({"refresh_token": successors.iter().next().unwrap()});
    assert_eq!(ask(&services[0], "POST", "/api/v1/sessions/refresh", "", &next).status, 200);
}

#[test]
fn bb_w7_a_thousand_refreshes_at_once_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(PROGRAM, &folder.path().join("data"), &[]);
    register(&service, "root", service.invitation().unwrap());
    let (_, refresh) = sign_in(&service, "root");
    a_thousand_refreshes(&[service], &refresh);
}

#[test]
fn two_nodes_are_one_service_needs_postgres_rabbitmq() {
    let (rabbit, postgres) = (Rabbit::start(), Postgres::start());
    let folder = tempfile::tempdir().unwrap();
    let options = ["--queue", &rabbit.url(), "--truth", &postgres.url(), "--role", "api"].map(str::to_owned);
    let start = |name: &str, secret: &str| {
        Service::start_with(PROGRAM, &folder.path().join(name), &options, &[("MANAZIR_SECRET", secret)])
    };
    let nodes = [start("one", SECRET), start("two", SECRET)];
    let [one, two] = &nodes;
    register(one, "root", one.invitation().unwrap());
    let (access, refresh) = sign_in(one, "root");
    assert_eq!((who(one, &access), who(two, &access)), (200, 200), "signed by one, good at the other");
    a_thousand_refreshes(&nodes, &refresh);
    let out = ask(two, "DELETE", "/api/v1/sessions/current", &access, &Value::Null);
    assert_eq!(out.status, 204, "{}", out.text());
    assert_eq!(who(two, &access), 401, "at once where it was ended");
    out_within_a_second(one, &access);

    // A node that was set up with another secret.
    let other = SECRET.chars().rev().collect::<String>();
    let mut stranger = Command::new(PROGRAM);
    stranger.env("MANAZIR_SECRET", &other).args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    let stranger = stranger.arg(folder.path().join("three")).args(&options).output().unwrap();
    let why = String::from_utf8_lossy(&stranger.stderr).into_owned();
    assert!(!stranger.status.success() && why.contains("nodes that share a truth share a secret"), "{why}");
}

/// A node of a shared truth, whose clock is an argument.
fn node(truth: &Truth) -> Accounts {
    let secret = ServerSecret::parse(SECRET).unwrap();
    let key = KeyRecord::new([7; 32], &secret, Timestamp(0));
    let ring = KeyRing::open(vec![key], &secret, KeyRules::default());
    let access = AccessRules { issuer: "test".to_owned(), audience: "test".to_owned() };
    let rules = AccountRules { access, sessions: SessionRules::default(), rates: SignInRates::default() };
    let gate = InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 4);
    Accounts::new(Arc::new(truth.clone()), Arc::new(gate), rules, ring)
}

#[tokio::test(flavor = "multi_thread")]
async fn bb_w6_a_replay_at_one_node_is_known_at_the_other_at_its_next_look_needs_postgres() {
    let server = Postgres::start();
    let truth = Truth::open(&server.url()).await.unwrap();
    let (one, two) = (node(&truth), node(&truth));
    let on = |seconds: i64| {
        let at = Timestamp::from_seconds(1_700_000_000 + seconds);
        Occasion { by: Actor::Nobody, address: None, at }
    };
    let ada = Registration { username: "ada", email: "a@example.org", password: PASSWORD, avatar_seed: None };
    one.register(ada, Role::Member, None, [1; 32], &on(0)).await.unwrap();
    let first = one.sign_in("a@example.org", PASSWORD, Device::default(), [2; 80], &on(0)).await.unwrap();
    let (device, old) = (Device::default(), first.refresh.reveal());
    let next = one.refresh(&old, &device, [3; 32], &on(60)).await.unwrap();
    one.follow(|| on(60).at).await.unwrap();
    let raced = two.refresh(&old, &device, [4; 32], &on(89)).await.unwrap();
    assert_eq!(raced.refresh.reveal(), next.refresh.reveal(), "within 30 s, at another node");
    let reused = two.refresh(&old, &device, [5; 32], &on(91)).await.unwrap_err();
    assert!(matches!(&reused, RefreshRefused::Reused(owner) if owner.username.as_str() == "ada"), "{reused}");
    assert_eq!(two.who(&next.access, on(91).at), Err(AccessRefused::Revoked), "at once where it was shown");
    assert!(FOLLOWED_EVERY <= Duration::from_millis(500), "two looks a second");
    one.follow(|| on(91).at).await.unwrap();
    assert_eq!(one.who(&next.access, on(91).at), Err(AccessRefused::Revoked), "the family is dead");
    let over = one.refresh(&next.refresh.reveal(), &device, [6; 32], &on(91)).await.unwrap_err();
    assert!(matches!(over, RefreshRefused::Over(_)), "{over}");
    truth.close().await;
}

#[test]
fn letters_go_to_whoever_has_forgotten_the_password() {
    let mail = Smtp::start();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("service.toml");
    let text = "[accounts]\nregistration = 'open'\naddress = 'https://m.example'\n[accounts.mail]\n\
                smtp = '${MAIL_SERVER}'\nfrom = 'Manazir <m@example.org>'\n";
    std::fs::write(&config, text).unwrap();
    let options = ["--config", config.to_str().unwrap()];
    let variables = [("MAIL_SERVER", mail.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let service = Service::start_with(PROGRAM, &folder.path().join("data"), &options, &variables);
    register_openly(&service, "ada");
    let asked = |email: &str| ask(&service, "POST", "/api/v1/password-resets", "", &json!({"email": email}));
    let (unknown, known) = (asked("eve@example.org"), asked("ada@example.org"));
    assert_eq!((unknown.status, unknown.text()), (202, known.text()));
    // Whoever stops the service waits for what was left.
    assert!(service.terminate());
    let letters = mail.letters(1);
    assert_eq!((letters.len(), letters[0].to.as_slice()), (1, &["ada@example.org".to_owned()][..]));
    assert!(letters[0].text.contains("https://m.example/password-reset#mzl_"), "{}", letters[0].text);
}

fn register_openly(service: &Service, name: &str) {
    let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
    let answer = ask(service, "POST", "/api/v1/accounts", "", &body);
    assert_eq!(answer.status, 201, "{}", answer.text());
}
