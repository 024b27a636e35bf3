//! Whether what was acknowledged is there.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manazir_testkit::client::Client;
use serde_json::Value;

use crate::open_loop::Answered;
use crate::plan::{Left, Plan, What, id, path};

/// How long a job may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks after each write that was answered as it should be; what is not as it says.
///
/// Answers come from the process that was written to, or from one that was started later on the same truth.
pub(crate) fn missing(client: &mut Client, plan: &Plan, answered: &[Answered]) -> Vec<String> {
    let mut missing = Vec::new();
    for batch in answered.iter().filter(|answered| answered.what == What::Batch && answered.is_right) {
        let told: Value = serde_json::from_slice(&batch.body).unwrap();
        let done = done(client, told["links"]["self"].as_str().unwrap_or_default(), |_| {});
        if done["connected"] != done["total"] {
            missing.push(done.to_string());
        }
    }
    let is_written = |place: usize| answered.get(place).is_some_and(|one| one.place == place && one.is_right);
    for (_, left) in plan.left.iter().filter(|(place, _)| is_written(*place)) {
        if !holds(client, left) {
            missing.push(format!("{left:?}"));
        }
    }
    missing
}

/// Waits for the end of the job at this place, and lets be seen how far it is meanwhile.
pub(crate) fn done(client: &mut Client, place: &str, mut seen: impl FnMut(&Value)) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(&format!("{place}?limit=1")).unwrap();
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
        let batch = answer.json()["data"].take();
        seen(&batch);
        if !matches!(batch["state"].as_str(), Some("queued" | "running")) {
            return batch;
        }
        assert!(Instant::now() < until, "{batch}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn holds(client: &mut Client, left: &Left) -> bool {
    let mut get = |path: String| {
        let answer = client.get(&path).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["data"].take()
    };
    match left {
        Left::Connected(one, other, are) => [(*one, *other), (*other, *one)]
            .into_iter()
            .all(|(one, other)| get(format!("{}/connections/{}", path(one), id(other)))["connected"] == *are),
        Left::Named(user, name) => get(path(*user))["name"] == **name,
        Left::There(email) => {
            get(format!("/api/v1/users?email={email}")).as_array().is_some_and(|found| found.len() == 1)
        }
        Left::Recommended(user, other, is) => {
            let page = get(format!("{}/recommendations?limit=100", path(*user)));
            page.as_array().is_some_and(|page| page.iter().any(|one| one["id"] == id(*other)) == *is)
        }
    }
}

/// All contacts of somebody, page by page; panics if one is listed twice.
pub(crate) fn contacts(client: &mut Client, user: &str) -> BTreeSet<String> {
    let mut next = Some(format!("{user}/connections?limit=100"));
    let mut found = BTreeSet::new();
    while let Some(place) = next {
        let answer = client.get(&place).unwrap();
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
        let page = answer.json();
        for one in page["data"].as_array().unwrap() {
            let id = one["id"].as_str().unwrap().to_owned();
            assert!(found.insert(id.clone()), "{id} is listed twice");
        }
        next = page["links"]["next"].as_str().map(str::to_owned);
    }
    found
}
