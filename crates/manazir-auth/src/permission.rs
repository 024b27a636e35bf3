//! The table of permissions: every route of the service, and what it takes to be answered.

use std::fmt;
use std::str::FromStr;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send events and samples.
    Ingest,
    /// See what was found.
    Read,
    /// Say what it was, and see to what could not be read.
    Respond,
    /// Act for any person: profiles, connections, recommendations. For services, not for people.
    People,
    /// Everything, and make tokens.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Read, Self::Respond, Self::People, Self::Admin];

    /// Its word on the wire and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Respond => "respond",
            Self::People => "people",
            Self::Admin => "admin",
        }
    }

    /// True if a token with this scope may do what needs `needed`.
    pub fn covers(self, needed: Self) -> bool {
        self == needed || self == Self::Admin
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scope| scope.word() == word);
        known
            .ok_or_else(|| format!("`{word}` is no scope; there are ingest, read, respond, people and admin"))
    }
}

/// What it takes to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// A token with this scope, or a person whose role covers it.
    Needs(Scope),
    /// A person who has signed in, whatever their role: what they see to is their own.
    Person,
    /// The same, who then acts for themselves alone; or a token with this scope, which acts for anyone.
    PersonOr(Scope),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// As the router writes it: `/api/v1/events/{source}/{id}`.
    pub path: &'static str,
    /// What it takes.
    pub access: Access,
}

const fn rule(method: &'static str, path: &'static str, access: Access) -> Rule {
    Rule { method, path, access }
}

/// Every route. What is not here is denied.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    rule("GET",  "/health/live",                     Access::Open),
    rule("GET",  "/health/ready",                    Access::Open),
    rule("GET",  "/metrics",                         Access::Needs(Scope::Read)),
    rule("GET",  "/api/openapi.json",                Access::Open),
    rule("GET",  "/docs/{*rest}",                    Access::Open),
    rule("GET",  "/redoc",                           Access::Open),
    rule("GET",  "/redoc/{file}",                    Access::Open),
    rule("POST", "/ingest",                          Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/events",            Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/cloudtrail",        Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/cloudevents",       Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/alertmanager",      Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/samples",           Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/ingest/prometheus",        Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/otlp/v1/metrics",          Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/otlp/v1/logs",             Access::Needs(Scope::Ingest)),
    rule("POST", "/api/v1/otlp/v1/traces",           Access::Needs(Scope::Ingest)),
    rule("GET",  "/api/v1/events/{source}/{id}",     Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/series",                   Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/series/{id}/samples",      Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/episodes",                 Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/anomalies",                Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/anomalies/{number}",       Access::Needs(Scope::Read)),
    rule("PUT",  "/api/v1/anomalies/{number}/feedback", Access::Needs(Scope::Respond)),
    rule("DELETE", "/api/v1/anomalies/{number}/feedback", Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/explanations",             Access::Needs(Scope::Read)),
    rule("POST", "/api/v1/explanations",             Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/explanations/{number}",    Access::Needs(Scope::Read)),
    rule("POST", "/api/v1/explanations/{number}/refresh", Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/explanations/{number}/causes", Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/explanations/{number}/events-graph", Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/explanations/{number}/contributors", Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/explanations/{number}/related-events", Access::Needs(Scope::Read)),
    rule("PUT",  "/api/v1/explanations/{number}/causes/{cause}/verdict", Access::Needs(Scope::Respond)),
    rule("DELETE", "/api/v1/explanations/{number}/causes/{cause}/verdict", Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/topology/dependencies",    Access::Needs(Scope::Read)),
    rule("POST", "/api/v1/topology/dependencies",    Access::Needs(Scope::Respond)),
    rule("DELETE", "/api/v1/topology/dependencies",  Access::Needs(Scope::Respond)),
    // A letter holds a message as it came, which may hold more than is shown of one that was judged.
    rule("GET",  "/api/v1/dead_letters",             Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/dead_letters/{number}",    Access::Needs(Scope::Respond)),
    rule("PUT",  "/api/v1/dead_letters/{number}/body", Access::Needs(Scope::Respond)),
    rule("POST", "/api/v1/dead_letters/{number}/replay", Access::Needs(Scope::Respond)),
    rule("POST", "/api/v1/dead_letters/replay",      Access::Needs(Scope::Respond)),
    rule("DELETE", "/api/v1/dead_letters/{number}",  Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/rollups",                  Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/rollups/{name}",           Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/rollups/{name}/totals",    Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/rollups/{name}/series",    Access::Needs(Scope::Read)),
    rule("POST", "/api/v1/rollups/{name}/findings",  Access::Needs(Scope::Ingest)),
    // As above: findings as they came.
    rule("GET",  "/api/v1/rollups/{name}/dead_letters", Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/rollups/{name}/dead_letters/{number}", Access::Needs(Scope::Respond)),
    rule("POST", "/api/v1/rollups/{name}/dead_letters/{number}/retry", Access::Needs(Scope::Respond)),
    rule("DELETE", "/api/v1/rollups/{name}/dead_letters/{number}", Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/jobs",                     Access::Needs(Scope::Read)),
    rule("GET",  "/api/v1/jobs/{id}",                Access::Needs(Scope::Read)),
    rule("POST", "/api/v1/jobs/{id}/cancel",         Access::Needs(Scope::Respond)),
    rule("GET",  "/api/v1/tokens",                   Access::Needs(Scope::Admin)),
    rule("POST", "/api/v1/tokens",                   Access::Needs(Scope::Admin)),
    rule("DELETE", "/api/v1/tokens/{id}",            Access::Needs(Scope::Admin)),
    rule("POST", "/api/v1/users",                    Access::Needs(Scope::People)),
    rule("GET",  "/api/v1/users",                    Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}",             Access::PersonOr(Scope::People)),
    rule("PATCH", "/api/v1/users/{user}",            Access::PersonOr(Scope::People)),
    // The account goes with the person, which is not asked of these routes.
    rule("DELETE", "/api/v1/users/{user}",           Access::Needs(Scope::People)),
    rule("PUT",  "/api/v1/users/{user}/state",       Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/connections", Access::PersonOr(Scope::People)),
    // Without consent: a person asks.
    rule("POST", "/api/v1/users/{user}/connections", Access::Needs(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/connections", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/connections/{other}", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/connections/{other}", Access::PersonOr(Scope::People)),
    rule("POST", "/api/v1/users/{user}/connections/batch", Access::Needs(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/connections/batch/{job}", Access::Needs(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/connections/batch/{job}", Access::Needs(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/requests/outgoing", Access::PersonOr(Scope::People)),
    rule("POST", "/api/v1/users/{user}/requests/outgoing", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/requests/outgoing/{other}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/requests/incoming", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/requests/incoming/{other}", Access::PersonOr(Scope::People)),
    rule("POST", "/api/v1/users/{user}/requests/incoming/{other}/accept", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/blocks",      Access::PersonOr(Scope::People)),
    rule("PUT",  "/api/v1/users/{user}/blocks/{other}", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/blocks/{other}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/relations/{other}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/mutual/{other}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/suggestions", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/suggestions/{other}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/recommendations", Access::PersonOr(Scope::People)),
    rule("POST", "/api/v1/users/{user}/recommendations", Access::Needs(Scope::People)),
    rule("DELETE", "/api/v1/users/{user}/recommendations", Access::PersonOr(Scope::People)),
    // A picture tells nothing: of whom there is no account it is made from the identifier.
    rule("GET",  "/api/v1/users/{user}/avatar",      Access::Open),
    rule("GET",  "/api/v1/avatars",                  Access::Open),
    rule("GET",  "/api/v1/avatars/{seed}",           Access::Open),
    rule("GET",  "/api/v1/teams",                    Access::PersonOr(Scope::Read)),
    rule("POST", "/api/v1/teams",                    Access::PersonOr(Scope::People)),
    rule("POST", "/api/v1/teams/import",             Access::Needs(Scope::People)),
    rule("GET",  "/api/v1/teams/{team}",             Access::PersonOr(Scope::Read)),
    // Whose a team or a service is, say the rules of teams.
    rule("PATCH", "/api/v1/teams/{team}",            Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/teams/{team}",           Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/teams/{team}/avatar",      Access::Open),
    rule("GET",  "/api/v1/teams/{team}/members",     Access::PersonOr(Scope::Read)),
    rule("PUT",  "/api/v1/teams/{team}/members/{user}", Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/teams/{team}/members/{user}", Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/users/{user}/teams",       Access::PersonOr(Scope::Read)),
    rule("GET",  "/api/v1/services",                 Access::PersonOr(Scope::Read)),
    rule("POST", "/api/v1/services",                 Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/services/{service}",       Access::PersonOr(Scope::Read)),
    rule("PATCH", "/api/v1/services/{service}",      Access::PersonOr(Scope::People)),
    rule("DELETE", "/api/v1/services/{service}",     Access::PersonOr(Scope::People)),
    rule("GET",  "/api/v1/services/{service}/avatar", Access::Open),
    rule("POST", "/api/v1/accounts",                 Access::Open),
    rule("GET",  "/api/v1/accounts",                 Access::Needs(Scope::Admin)),
    // One's own; of others, as administrators.
    rule("GET",  "/api/v1/accounts/{account}",       Access::PersonOr(Scope::Admin)),
    rule("PATCH", "/api/v1/accounts/{account}",      Access::Needs(Scope::Admin)),
    rule("PUT",  "/api/v1/accounts/me/password",     Access::Person),
    rule("GET",  "/api/v1/accounts/me/identities",   Access::Person),
    rule("POST", "/api/v1/accounts/me/identities",   Access::Person),
    rule("DELETE", "/api/v1/accounts/me/identities/{identity}", Access::Person),
    rule("POST", "/api/v1/accounts/{account}/password-reset", Access::Needs(Scope::Admin)),
    rule("GET",  "/api/v1/accounts/{account}/sessions", Access::Needs(Scope::Admin)),
    rule("DELETE", "/api/v1/accounts/{account}/sessions", Access::Needs(Scope::Admin)),
    rule("DELETE", "/api/v1/accounts/{account}/sessions/{session}", Access::Needs(Scope::Admin)),
    // These ask for a password, a refresh token or a link by themselves.
    rule("POST", "/api/v1/sessions",                 Access::Open),
    rule("POST", "/api/v1/sessions/refresh",         Access::Open),
    rule("DELETE", "/api/v1/sessions/current",       Access::Open),
    // And these for what a browser keeps of them, and for what a provider says.
    rule("GET",  "/api/v1/sign-in",                  Access::Open),
    rule("GET",  "/api/v1/sign-in/oidc",             Access::Open),
    rule("GET",  "/api/v1/sign-in/oidc/callback",    Access::Open),
    rule("POST", "/api/v1/password-resets",          Access::Open),
    rule("POST", "/api/v1/password-resets/redeem",   Access::Open),
    rule("GET",  "/api/v1/sessions",                 Access::Person),
    rule("DELETE", "/api/v1/sessions",               Access::Person),
    rule("DELETE", "/api/v1/sessions/{session}",     Access::Person),
    rule("POST", "/api/v1/invitations",              Access::Needs(Scope::Admin)),
    rule("GET",  "/api/v1/invitations",              Access::Needs(Scope::Admin)),
    rule("DELETE", "/api/v1/invitations/{id}",       Access::Needs(Scope::Admin)),
    rule("GET",  "/api/v1/audit",                    Access::Needs(Scope::Admin)),
];

/// What a route takes; `None`, which is to deny, if the table does not name it.
pub fn access(method: &str, path: &str) -> Option<Access> {
    RULES.iter().find(|rule| rule.method == method && rule.path == path).map(|rule| rule.access)
}

/// The methods that the table knows for a path; none if the path is not in it.
pub fn methods(path: &str) -> Vec<&'static str> {
    RULES.iter().filter(|rule| rule.path == path).map(|rule| rule.method).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// Scope × route: a changed permission is a changed line.
    #[test]
    fn who_may_do_what() {
        let may = |scope: Option<Scope>, access| match access {
            Access::Open => true,
            Access::Needs(needed) | Access::PersonOr(needed) => {
                scope.is_some_and(|scope| scope.covers(needed))
            }
            Access::Person => false,
        };
        let person = |access| matches!(access, Access::Open | Access::Person | Access::PersonOr(_));
        let table: String = RULES
            .iter()
            .map(|rule| {
                let who: Vec<&str> = [
                    (None, "anyone"),
                    (Some(Scope::Ingest), "ingest"),
                    (Some(Scope::Read), "read"),
                    (Some(Scope::Respond), "respond"),
                    (Some(Scope::People), "people"),
                    (Some(Scope::Admin), "admin"),
                ]
                .into_iter()
                .filter(|(scope, _)| may(*scope, rule.access))
                .map(|(_, word)| word)
                .chain(person(rule.access).then_some("person"))
                .collect();
                format!("{} {}: {}\n", rule.method, rule.path, who.join(" "))
            })
            .collect();
        expect![[r#"
            GET /health/live: anyone ingest read respond people admin person
            GET /health/ready: anyone ingest read respond people admin person
            GET /metrics: read admin
            GET /api/openapi.json: anyone ingest read respond people admin person
            GET /docs/{*rest}: anyone ingest read respond people admin person
            GET /redoc: anyone ingest read respond people admin person
            GET /redoc/{file}: anyone ingest read respond people admin person
            POST /ingest: ingest admin
            POST /api/v1/ingest/events: ingest admin
            POST /api/v1/ingest/cloudtrail: ingest admin
            POST /api/v1/ingest/cloudevents: ingest admin
            POST /api/v1/ingest/alertmanager: ingest admin
            POST /api/v1/ingest/samples: ingest admin
            POST /api/v1/ingest/prometheus: ingest admin
            POST /api/v1/otlp/v1/metrics: ingest admin
            POST /api/v1/otlp/v1/logs: ingest admin
            POST /api/v1/otlp/v1/traces: ingest admin
            GET /api/v1/events/{source}/{id}: read admin
            GET /api/v1/series: read admin
            GET /api/v1/series/{id}/samples: read admin
            GET /api/v1/episodes: read admin
            GET /api/v1/anomalies: read admin
            GET /api/v1/anomalies/{number}: read admin
            PUT /api/v1/anomalies/{number}/feedback: respond admin
            DELETE /api/v1/anomalies/{number}/feedback: respond admin
            GET /api/v1/explanations: read admin
            POST /api/v1/explanations: respond admin
            GET /api/v1/explanations/{number}: read admin
            POST /api/v1/explanations/{number}/refresh: respond admin
            GET /api/v1/explanations/{number}/causes: read admin
            GET /api/v1/explanations/{number}/events-graph: read admin
            GET /api/v1/explanations/{number}/contributors: read admin
            GET /api/v1/explanations/{number}/related-events: read admin
            PUT /api/v1/explanations/{number}/causes/{cause}/verdict: respond admin
            DELETE /api/v1/explanations/{number}/causes/{cause}/verdict: respond admin
            GET /api/v1/topology/dependencies: read admin
            POST /api/v1/topology/dependencies: respond admin
            DELETE /api/v1/topology/dependencies: respond admin
            GET /api/v1/dead_letters: respond admin
            GET /api/v1/dead_letters/{number}: respond admin
            PUT /api/v1/dead_letters/{number}/body: respond admin
            POST /api/v1/dead_letters/{number}/replay: respond admin
            POST /api/v1/dead_letters/replay: respond admin
            DELETE /api/v1/dead_letters/{number}: respond admin
            GET /api/v1/rollups: read admin
            GET /api/v1/rollups/{name}: read admin
            GET /api/v1/rollups/{name}/totals: read admin
            GET /api/v1/rollups/{name}/series: read admin
            POST /api/v1/rollups/{name}/findings: ingest admin
            GET /api/v1/rollups/{name}/dead_letters: respond admin
            GET /api/v1/rollups/{name}/dead_letters/{number}: respond admin
            POST /api/v1/rollups/{name}/dead_letters/{number}/retry: respond admin
            DELETE /api/v1/rollups/{name}/dead_letters/{number}: respond admin
            GET /api/v1/jobs: read admin
            GET /api/v1/jobs/{id}: read admin
            POST /api/v1/jobs/{id}/cancel: respond admin
            GET /api/v1/tokens: admin
            POST /api/v1/tokens: admin
            DELETE /api/v1/tokens/{id}: admin
            POST /api/v1/users: people admin
            GET /api/v1/users: people admin person
            GET /api/v1/users/{user}: people admin person
            PATCH /api/v1/users/{user}: people admin person
            DELETE /api/v1/users/{user}: people admin
            PUT /api/v1/users/{user}/state: people admin person
            GET /api/v1/users/{user}/connections: people admin person
            POST /api/v1/users/{user}/connections: people admin
            DELETE /api/v1/users/{user}/connections: people admin person
            GET /api/v1/users/{user}/connections/{other}: people admin person
            DELETE /api/v1/users/{user}/connections/{other}: people admin person
            POST /api/v1/users/{user}/connections/batch: people admin
            GET /api/v1/users/{user}/connections/batch/{job}: people admin
            DELETE /api/v1/users/{user}/connections/batch/{job}: people admin
            GET /api/v1/users/{user}/requests/outgoing: people admin person
            POST /api/v1/users/{user}/requests/outgoing: people admin person
            DELETE /api/v1/users/{user}/requests/outgoing/{other}: people admin person
            GET /api/v1/users/{user}/requests/incoming: people admin person
            DELETE /api/v1/users/{user}/requests/incoming/{other}: people admin person
            POST /api/v1/users/{user}/requests/incoming/{other}/accept: people admin person
            GET /api/v1/users/{user}/blocks: people admin person
            PUT /api/v1/users/{user}/blocks/{other}: people admin person
            DELETE /api/v1/users/{user}/blocks/{other}: people admin person
            GET /api/v1/users/{user}/relations/{other}: people admin person
            GET /api/v1/users/{user}/mutual/{other}: people admin person
            GET /api/v1/users/{user}/suggestions: people admin person
            DELETE /api/v1/users/{user}/suggestions/{other}: people admin person
            GET /api/v1/users/{user}/recommendations: people admin person
            POST /api/v1/users/{user}/recommendations: people admin
            DELETE /api/v1/users/{user}/recommendations: people admin person
            GET /api/v1/users/{user}/avatar: anyone ingest read respond people admin person
            GET /api/v1/avatars: anyone ingest read respond people admin person
            GET /api/v1/avatars/{seed}: anyone ingest read respond people admin person
            GET /api/v1/teams: read admin person
            POST /api/v1/teams: people admin person
            POST /api/v1/teams/import: people admin
            GET /api/v1/teams/{team}: read admin person
            PATCH /api/v1/teams/{team}: people admin person
            DELETE /api/v1/teams/{team}: people admin person
            GET /api/v1/teams/{team}/avatar: anyone ingest read respond people admin person
            GET /api/v1/teams/{team}/members: read admin person
            PUT /api/v1/teams/{team}/members/{user}: people admin person
            DELETE /api/v1/teams/{team}/members/{user}: people admin person
            GET /api/v1/users/{user}/teams: read admin person
            GET /api/v1/services: read admin person
            POST /api/v1/services: people admin person
            GET /api/v1/services/{service}: read admin person
            PATCH /api/v1/services/{service}: people admin person
            DELETE /api/v1/services/{service}: people admin person
            GET /api/v1/services/{service}/avatar: anyone ingest read respond people admin person
            POST /api/v1/accounts: anyone ingest read respond people admin person
            GET /api/v1/accounts: admin
            GET /api/v1/accounts/{account}: admin person
            PATCH /api/v1/accounts/{account}: admin
            PUT /api/v1/accounts/me/password: person
            GET /api/v1/accounts/me/identities: person
            POST /api/v1/accounts/me/identities: person
            DELETE /api/v1/accounts/me/identities/{identity}: person
            POST /api/v1/accounts/{account}/password-reset: admin
            GET /api/v1/accounts/{account}/sessions: admin
            DELETE /api/v1/accounts/{account}/sessions: admin
            DELETE /api/v1/accounts/{account}/sessions/{session}: admin
            POST /api/v1/sessions: anyone ingest read respond people admin person
            POST /api/v1/sessions/refresh: anyone ingest read respond people admin person
            DELETE /api/v1/sessions/current: anyone ingest read respond people admin person
            GET /api/v1/sign-in: anyone ingest read respond people admin person
            GET /api/v1/sign-in/oidc: anyone ingest read respond people admin person
            GET /api/v1/sign-in/oidc/callback: anyone ingest read respond people admin person
            POST /api/v1/password-resets: anyone ingest read respond people admin person
            POST /api/v1/password-resets/redeem: anyone ingest read respond people admin person
            GET /api/v1/sessions: person
            DELETE /api/v1/sessions: person
            DELETE /api/v1/sessions/{session}: person
            POST /api/v1/invitations: admin
            GET /api/v1/invitations: admin
            DELETE /api/v1/invitations/{id}: admin
            GET /api/v1/audit: admin
        "#]]
        .assert_eq(&table);
        assert_eq!(access("PUT", "/ingest"), None);
        assert_eq!(methods("/api/v1/tokens"), ["GET", "POST"]);
        assert!(methods("/nowhere").is_empty());
        assert!(Scope::ALL.into_iter().all(|scope| scope.word().parse() == Ok(scope)));
    }
}
