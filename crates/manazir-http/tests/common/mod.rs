//! The service through its router, over the twins in memory and a worker that counts.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]
#![allow(dead_code, reason = "each test takes what it needs of the helpers")]

pub(crate) mod people;
pub(crate) mod rollup;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use manazir_auth::access::AccessRules;
use manazir_auth::hashing::InPlace;
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret};
use manazir_auth::limit::SignInRates;
use manazir_auth::memory::InMemory as Tokens;
use manazir_auth::service::AccountRules;
use manazir_auth::session::SessionRules;
use manazir_auth::{Accounts, Hasher, HashingCost, Scope, Secret, Token, TokenStore};
use manazir_explain::Explainer;
use manazir_explain::gather::Sources;
use manazir_explain::memory::{InMemoryExplanations, InMemoryGraph};
use manazir_http::{App, Avatars, Keys, Limits, People, PeopleLimits, Tasks, router};
use manazir_ingest::answers::Waiting;
use manazir_ingest::contract::Counting;
use manazir_ingest::decode;
use manazir_ingest::lake::Lake;
use manazir_ingest::lake::memory::MemoryLake;
use manazir_ingest::memory::InMemory;
use manazir_ingest::truth::memory::InMemory as Truth;
use manazir_ingest::worker::{Config, Worker, run};
use manazir_ingest::{Consumer, Delivery, Message, PARTITIONS};
use manazir_model::Timestamp;
use manazir_people::memory::InMemoryPeople;
use manazir_people::teams::InMemoryTeams;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct Service {
    pub(crate) app: App,
    queue: InMemory,
    worker: Option<std::thread::JoinHandle<()>>,
}

pub(crate) fn secret(scope: Scope) -> Secret {
    Secret::from_entropy([scope as u8; 32])
}

/// The ports in memory, and a token for each scope. A test puts what it looks at in their place.
pub(crate) async fn app() -> App {
    let (queue, tokens) = (InMemory::default(), Tokens::default());
    for scope in Scope::ALL {
        let token = Token {
            id: scope.to_string(),
            name: scope.to_string(),
            scopes: vec![scope],
            created_at: Timestamp(0),
            revoked_at: None,
        };
        tokens.add(secret(scope).hash(), &token).await.unwrap();
    }
    let lake = Arc::new(MemoryLake::default());
    App {
        queue: Arc::new(queue.clone()),
        store: Arc::new(queue),
        explainer: explainer(lake.clone()),
        lake,
        findings: Arc::new(Truth::default()),
        dead_letters: Arc::new(Truth::default()),
        rollups: Vec::new().into(),
        jobs: Arc::new(Truth::default()),
        tasks: Tasks::new("test"),
        waiting: Arc::new(Waiting::new("here")),
        tokens: Arc::new(tokens),
        accounts: accounts(),
        people: people(),
        teams: Arc::new(InMemoryTeams::default()),
        avatars: Avatars::default(),
        account_settings: Arc::default(),
        keys: Keys::default(),
        now: || Timestamp::from_seconds(1_700_000_000),
        limits: Limits::default(),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
    }
}

/// Accounts in memory, with a key to sign with.
pub(crate) fn accounts() -> Arc<Accounts> {
    let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
    let key = KeyRecord::new([7; 32], &secret, Timestamp(0));
    let ring = KeyRing::open(vec![key], &secret, KeyRules::default());
    let access = AccessRules { issuer: "test".to_owned(), audience: "test".to_owned() };
    let rules = AccountRules { access, sessions: SessionRules::default(), rates: SignInRates::default() };
    let gate = InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 4);
    let store = manazir_auth::memory::Accounts::default();
    Arc::new(Accounts::new(Arc::new(store), Arc::new(gate), rules, ring))
}

/// Nobody, in memory.
pub(crate) fn people() -> People {
    let people = Arc::new(InMemoryPeople::default());
    People::new(people.clone(), people, PeopleLimits::default())
}

/// Answers from what a lake and a graph in memory hold.
pub(crate) fn explainer(lake: Arc<dyn Lake>) -> Arc<Explainer> {
    let sources = Sources { events: Arc::new(InMemoryGraph::default()), lake };
    Arc::new(Explainer::new(sources, Arc::new(InMemoryExplanations::default())))
}

/// Asks a router once: the status, and the answer as JSON, or null.
pub(crate) async fn ask(
    app: &App,
    method: &str,
    path: &str,
    scope: Scope,
    body: impl Into<Body>,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", secret(scope).reveal()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap();
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

impl Service {
    /// Without a worker nothing is judged.
    pub(crate) async fn start(with_worker: bool) -> Self {
        let queue = InMemory::default();
        let waiting = Arc::new(Waiting::new("here"));
        let worker = with_worker.then(|| {
            let (store, waiting) = (queue.clone(), Arc::clone(&waiting));
            std::thread::spawn(move || {
                let worker = Worker::<Counting>::new(decode::event, Config::default());
                let mut consumer = store.consumer();
                futures_executor::block_on(run(worker, &mut consumer, &store, &*waiting)).unwrap();
            })
        });
        let limits = Limits {
            wait_max: Duration::from_millis(if with_worker { 10_000 } else { 50 }),
            ..Limits::default()
        };
        let (queued, stored) = (Arc::new(queue.clone()), Arc::new(queue.clone()));
        let app = App { queue: queued, store: stored, waiting, limits, ..app().await };
        Self { app, queue, worker }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        scope: Option<Scope>,
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(scope) = scope {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", secret(scope).reveal()));
        }
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap();
        router(self.app.clone()).oneshot(request).await.unwrap()
    }

    pub(crate) async fn json(
        &self,
        method: &str,
        path: &str,
        scope: Scope,
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        ask(&self.app, method, path, scope, body).await
    }

    /// Answers over a real socket, until the test ends: the address.
    pub(crate) async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = router(self.app.clone());
        tokio::spawn(manazir_http::serve(listener, router, std::future::pending()));
        address
    }

    /// Waits for messages that say yes to `wanted`, at most a minute; nobody else may consume.
    pub(crate) async fn wait_for<T>(&self, mut wanted: impl FnMut(&Message) -> Option<T>) -> T {
        let mut consumer = self.queue.consumer();
        consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
        let found = async {
            loop {
                let deliveries = consumer.receive(1_000).await.unwrap().expect("the queue is open");
                if let Some(found) = deliveries.iter().find_map(|delivery| wanted(&delivery.message)) {
                    return found;
                }
                for Delivery { receipt, message, .. } in deliveries {
                    consumer.acknowledge(message.partition, receipt).await.unwrap();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("it comes within a minute")
    }

    pub(crate) fn stop(mut self) {
        self.queue.close();
        if let Some(worker) = self.worker.take() {
            worker.join().unwrap();
        }
    }
}

pub(crate) fn event(id: &str, role: &str) -> Value {
    json!({"RequestID": "r", "EventID": id, "RoleID": role, "EventType": "type1",
        "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": ["arn:aws:s3:::a,b", "\"{ü}"], "More": 1})
}
