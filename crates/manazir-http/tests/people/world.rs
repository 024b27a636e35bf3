//! People with names, who have signed in, over some store.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::limit::Rate;
use manazir_auth::service::Registration;
use manazir_auth::session::Device;
use manazir_auth::{Role, Scope};
use manazir_http::{App, People, PeopleLimits, router};
use manazir_people::memory::InMemoryPeople;
use manazir_people::teams::{InMemoryTeams, TeamStore};
use manazir_people::{Following, GraphStore, NewProfile, PeopleStore};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::common;

/// Somebody whom nobody knows.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// An answer.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Said {
    /// What it is about.
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Identifiers of a list.
    pub(crate) fn ids(&self) -> Vec<String> {
        let items = self.data().as_array().unwrap_or_else(|| panic!("{} {}", self.status, self.body));
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// A service, and whoever is in it. `@ada` in paths and bodies is the identifier of ada.
pub(crate) struct World {
    pub(crate) app: App,
    /// Identifiers by name, in the order of names.
    pub(crate) ids: BTreeMap<String, Uuid>,
    sessions: BTreeMap<String, String>,
    pub(crate) store: Arc<dyn PeopleStore>,
    pub(crate) graph: Arc<dyn GraphStore>,
}

/// So much that no scenario meets it.
pub(crate) fn unlimited() -> PeopleLimits {
    let many = Rate { burst: 100_000, every: std::time::Duration::from_micros(1) };
    PeopleLimits { search: many, ask: many, answer: many, ..PeopleLimits::default() }
}

impl World {
    pub(crate) async fn in_memory() -> Self {
        Self::over(Arc::new(InMemoryPeople::default()), Arc::new(InMemoryTeams::default())).await
    }

    pub(crate) async fn following() -> Self {
        let people = Following::load(InMemoryPeople::default()).await.unwrap();
        Self::over(Arc::new(people), Arc::new(InMemoryTeams::default())).await
    }

    /// A service over stores.
    pub(crate) async fn over<T: PeopleStore + GraphStore + 'static>(
        people: Arc<T>,
        teams: Arc<dyn TeamStore>,
    ) -> Self {
        let (store, graph): (Arc<dyn PeopleStore>, Arc<dyn GraphStore>) = (people.clone(), people);
        let people = People::new(Arc::clone(&store), Arc::clone(&graph), unlimited());
        let app = App { people, teams, ..common::app().await };
        Self { app, ids: BTreeMap::new(), sessions: BTreeMap::new(), store, graph }
    }

    /// They join in this order and sign in.
    pub(crate) async fn join(&mut self, names: &[&str]) {
        for name in names {
            self.sign_up(name, Role::Member).await;
        }
    }

    pub(crate) async fn sign_up(&mut self, name: &str, role: Role) {
        let number = self.ids.len() as u128 + 1;
        // Identifiers in another order than that of joining, so that neither is taken for the other.
        let id = Uuid::from_u128(0x4000_8000_0000_0000_0000 + (1_000 - number));
        let (email, password) = (format!("{name}@example.com"), "a long pass phrase, nothing else");
        let mut entropy = [number as u8; 32];
        entropy[..16].copy_from_slice(id.as_bytes());
        let on = Occasion { by: Actor::Nobody, address: None, at: (self.app.now)() };
        let who = Registration { username: name, email: &email, password, avatar_seed: None };
        self.app.accounts.register(who, role, None, entropy, &on).await.unwrap();
        let device = Device::new("test", None);
        let signed_in =
            self.app.accounts.sign_in(&email, password, device, [number as u8; 80], &on).await.unwrap();
        self.sessions.insert(name.to_owned(), signed_in.access);
        let new = NewProfile {
            public_id: id,
            username: Some(name.to_owned()),
            name: Some(name.to_uppercase()),
            email,
            affiliation: Some("Team A".to_owned()),
            at: on.at,
        };
        self.store.create(&new).await.unwrap();
        self.ids.insert(name.to_owned(), id);
    }

    /// So many join whom nobody needs a session of: `p1` and so on.
    pub(crate) async fn crowd(&mut self, count: u32) {
        for number in 1..=count {
            let (public_id, username) = (Uuid::from_u128(u128::from(number)), format!("p{number}"));
            let new = NewProfile {
                public_id,
                username: Some(username.clone()),
                name: None,
                email: format!("{username}@example.com"),
                affiliation: None,
                at: (self.app.now)(),
            };
            self.store.create(&new).await.unwrap();
            self.ids.insert(username, public_id);
        }
    }

    /// The name of an identifier.
    pub(crate) fn name(&self, id: &str) -> String {
        let found = self.ids.iter().find(|(_, known)| known.to_string() == id);
        found.map_or_else(|| id.to_owned(), |(name, _)| name.clone())
    }

    /// The text with identifiers in place of names.
    pub(crate) fn named(&self, text: &str) -> String {
        let mut named = text.replace("@nobody", NOBODY);
        // The longest first: `@p1` is not the beginning of `@p10`.
        let mut names: Vec<_> = self.ids.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, id) in names {
            if named.contains('@') {
                named = named.replace(&format!("@{name}"), &id.to_string());
            }
        }
        named
    }

    /// The secret of a scope, or the access token of a person.
    fn shown(&self, who: &str) -> String {
        let scope = Scope::ALL.into_iter().find(|scope| scope.word() == who);
        scope.map_or_else(|| self.sessions[who].clone(), |scope| common::secret(scope).reveal().to_owned())
    }

    /// Somebody asks: a person, a token of a scope, or nobody. The path is one below `/api/v1/users`.
    pub(crate) async fn ask(&self, who: &str, method: &str, path: &str, body: &str) -> Said {
        self.ask_with(who, method, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Said {
        let uri = match path.starts_with("/api/") {
            true => self.named(path),
            false => format!("/api/v1/users{}", self.named(path)),
        };
        let mut request = Request::builder().method(method).uri(uri);
        if !who.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.shown(who)));
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(self.named(body))).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        // BB-W36: what has no content has none.
        assert!(status != StatusCode::NO_CONTENT || bytes.is_empty(), "{method} {path}");
        // CM-W12: whatever is refused says what to do.
        if status.is_client_error() || status.is_server_error() {
            let detail = body["detail"].as_str().unwrap_or_default();
            assert!(detail.len() > 10, "{method} {path} {status}: {body}");
        }
        Said { status: status.as_u16(), headers, body }
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Said {
        self.ask(who, "GET", path, "").await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: &str) -> Said {
        self.ask(who, "POST", path, body).await
    }

    /// The status of something without a body.
    pub(crate) async fn status(&self, who: &str, method: &str, path: &str) -> u16 {
        self.ask(who, method, path, "").await.status
    }

    /// Somebody asks another to be a contact.
    pub(crate) async fn request(&self, from: &str, to: &str) -> Said {
        self.post(from, "/me/requests/outgoing", &json!({"id": format!("@{to}")}).to_string()).await
    }

    /// A service connects two.
    pub(crate) async fn connect(&self, one: &str, other: &str) -> Said {
        let body = json!({"id": format!("@{other}")}).to_string();
        self.post("people", &format!("/@{one}/connections"), &body).await
    }

    /// Names of a list of somebody.
    pub(crate) async fn names(&self, who: &str, path: &str) -> Vec<String> {
        self.get(who, path).await.ids().iter().map(|id| self.name(id)).collect()
    }

    /// What one sees of another.
    pub(crate) async fn relation(&self, from: &str, to: &str) -> String {
        let said = self.get(from, &format!("/me/relations/@{to}")).await;
        said.data()["relation"].as_str().unwrap_or_else(|| panic!("{}", said.body)).to_owned()
    }

    /// Names of a whole list, page by page as its links say.
    pub(crate) async fn pages(&self, who: &str, first: &str) -> Vec<Vec<String>> {
        let (mut path, mut pages) = (first.to_owned(), Vec::new());
        loop {
            let said = self.get(who, &path).await;
            pages.push(said.ids().iter().map(|id| self.name(id)).collect());
            let Some(next) = said.body["links"]["next"].as_str() else { return pages };
            path = next.to_owned();
            assert!(pages.len() < 1_000, "pages without an end");
        }
    }
}
