//! What is imported, and what people said of it before.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;

use super::{by, labels, members, new_service, new_team};
use crate::teams::told::{tell_labels, tell_yaml};
use crate::teams::{
    Caller, Import, Outcome, Owner, Part, Plan, Service, ServiceKey, ServicePatch, Source, TeamAct, TeamKey,
    TeamPatch, TeamStore, Told,
};
use crate::{PersonState, UserId};

const FILE: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: pay, description: Takes money}
spec: {profile: {displayName: Payments}, members: [ada, bob, nobody]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout, description: Sells, labels: {tier: '1'}}
spec: {type: service, owner: group:default/pay}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-7
  namespace: shop
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/part-of: store, team: front}
";

pub(super) async fn check<S: TeamStore>(open: &impl AsyncFn() -> S) {
    what_is_told_is_there_afterwards(open().await).await;
    a_preview_changes_nothing(open().await).await;
    what_people_entered_stays(open().await).await;
    whoever_left_is_not_brought_back(open().await).await;
    the_last_owner_is_not_taken_away(open().await).await;
    what_was_erased_or_deactivated_stays_so(open().await).await;
}

fn told(text: &str) -> Told {
    let mut told = Told::default();
    tell_yaml(&mut told, "catalog-info.yaml", text);
    assert_eq!(told.faults, []);
    told
}

fn known() -> BTreeMap<String, UserId> {
    [("ada", 1), ("bob", 2)].map(|(name, user)| (name.to_owned(), UserId(user))).into()
}

async fn import(store: &impl TeamStore, told: &Told, seed: u64, write: bool) -> Plan {
    let people = known();
    store.import(Import { told, people: &people, seed, write, at: Timestamp(50) }).await.unwrap()
}

/// The steps that do something, as words.
fn done(plan: &Plan) -> Vec<(Outcome, Vec<&'static str>)> {
    let done = plan.steps.iter().filter(|step| step.outcome != Outcome::Same);
    done.map(|step| (step.outcome, step.fields.clone())).collect()
}

async fn team_id(store: &impl TeamStore, slug: &str) -> u128 {
    store.team(&TeamKey::Slug(slug.to_owned())).await.unwrap().unwrap().id.as_u128()
}

async fn service(store: &impl TeamStore, name: &str) -> Service {
    let mut found = store.services_named(name).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn what_is_told_is_there_afterwards<S: TeamStore>(store: S) {
    let told = told(FILE);
    let plan = import(&store, &told, 1, true).await;
    assert_eq!(plan.count(Outcome::Made), 4);
    let notes: Vec<&String> = plan.steps.iter().flat_map(|step| &step.notes).collect();
    assert_eq!(notes, ["nobody is known as nobody"]);
    let pay = store.team(&TeamKey::Slug("pay".to_owned())).await.unwrap().unwrap();
    assert_eq!((pay.name.value.as_str(), pay.description.value.as_str()), ("Payments", "Takes money"));
    assert_eq!(
        (pay.source, pay.name.source, pay.created_at),
        (Source::Backstage, Source::Backstage, Timestamp(50))
    );
    assert_eq!(members(&store, pay.id.as_u128()).await, "1 2");
    let checkout = service(&store, "checkout").await;
    assert_eq!(checkout.owners.value, BTreeSet::from([Owner::Team(pay.id)]));
    assert_eq!(checkout.labels().collect::<Vec<_>>(), [("backstage.io/type", "service"), ("tier", "1")]);
    let web = service(&store, "web").await;
    assert_eq!((web.key.namespace.as_str(), web.source), ("shop", Source::Kubernetes));
    // The same again, with other randomness, changes nothing.
    let again = import(&store, &told, 2, true).await;
    assert_eq!((done(&again), again.steps.len()), (vec![], 4));
    assert_eq!(service(&store, "web").await, web);
}

async fn a_preview_changes_nothing<S: TeamStore>(store: S) {
    let told = told(FILE);
    let preview = import(&store, &told, 1, false).await;
    assert_eq!(store.teams(None, 9).await.unwrap().items, []);
    assert_eq!(store.services(None, 9).await.unwrap().items, []);
    assert_eq!(import(&store, &told, 1, true).await, preview);
}

async fn what_people_entered_stays<S: TeamStore>(store: S) {
    store.create_team(by(7), &new_team(1, "pay")).await.unwrap();
    let mine = new_service(5, "checkout", &[Owner::Person(UserId(7))]);
    let mine = store.create_service(by(7), &mine).await.unwrap();
    let all = told(FILE);
    let plan = import(&store, &all, 1, true).await;
    let notes: Vec<&str> = plan.steps[1].notes.iter().map(String::as_str).collect();
    let expected = ["name was entered by people, and stays", "description was entered by people, and stays"];
    assert_eq!(notes[..2], expected);
    assert_eq!(members(&store, 1).await, "1 2 7*");
    let checkout = service(&store, "checkout").await;
    assert_eq!((&checkout.description, &checkout.owners), (&mine.description, &mine.owners));
    assert_eq!(checkout.labels().collect::<Vec<_>>(), [("backstage.io/type", "service"), ("tier", "1")]);
    // What an import brought and people changed, or took away, is theirs from then on.
    let patch = ServicePatch { labels: Some(labels(&[("tier", "2")])), ..ServicePatch::default() };
    store.change_service(by(7), mine.id, &patch, Timestamp(60)).await.unwrap();
    let rename = TeamPatch { description: Some("Ours".to_owned()), ..TeamPatch::default() };
    store.change_team(by(7), super::id(1), &[TeamAct::Change(rename)], Timestamp(60)).await.unwrap();
    assert_eq!(done(&import(&store, &all, 2, true).await), []);
    assert_eq!(service(&store, "checkout").await.labels().collect::<Vec<_>>(), [("tier", "2")]);
    // What the series say is believed least.
    let mut seen = Told::default();
    tell_labels(&mut seen, "series", [&labels(&[("service", "checkout"), ("team", "ops")])]);
    tell_labels(
        &mut seen,
        "series",
        [&labels(&[("service", "web"), ("team", "ops"), ("namespace", "shop")])],
    );
    import(&store, &seen, 3, true).await;
    let front = store.team(&TeamKey::Slug("front".to_owned())).await.unwrap().unwrap();
    assert_eq!(service(&store, "web").await.owners.value, BTreeSet::from([Owner::Team(front.id)]));
    assert_eq!(service(&store, "checkout").await.key, ServiceKey::named("checkout"));
}

async fn whoever_left_is_not_brought_back<S: TeamStore>(store: S) {
    let all = told(FILE);
    import(&store, &all, 1, true).await;
    let pay = team_id(&store, "pay").await;
    let out = [TeamAct::Remove(UserId(2))];
    store.change_team(by(2), super::id(pay), &out, Timestamp(60)).await.unwrap();
    let plan = import(&store, &all, 2, true).await;
    assert_eq!(done(&plan), []);
    assert!(plan.steps.iter().any(|step| step.notes.iter().any(|note| note.starts_with("bob left"))));
    assert_eq!(members(&store, pay).await, "1");
    // People bring them back, and then it is theirs.
    let back = [TeamAct::Put(UserId(2), Part::Owner)];
    store.change_team(Caller::Administrator, super::id(pay), &back, Timestamp(61)).await.unwrap();
    // Whom the source names no more is out; whom people put in stays.
    let fewer = told(&FILE.replace("[ada, bob, nobody]", "[]"));
    assert_eq!(done(&import(&store, &fewer, 3, true).await), [(Outcome::Changed, vec!["members"])]);
    assert_eq!(members(&store, pay).await, "2*");
}

async fn the_last_owner_is_not_taken_away<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    let all = told(FILE);
    import(&store, &all, 1, true).await;
    assert_eq!(members(&store, 1).await, "1* 2");
    let fewer = told(&FILE.replace("[ada, bob, nobody]", "[bob]"));
    import(&store, &fewer, 2, true).await;
    assert_eq!(members(&store, 1).await, "1* 2");
}

async fn what_was_erased_or_deactivated_stays_so<S: TeamStore>(store: S) {
    let all = told(FILE);
    import(&store, &all, 1, true).await;
    let pay = team_id(&store, "pay").await;
    store.set_person(UserId(1), PersonState::Erased).await.unwrap();
    store.set_person(UserId(2), PersonState::Deactivated).await.unwrap();
    import(&store, &all, 2, true).await;
    assert_eq!(members(&store, pay).await, "");
    store.set_person(UserId(2), PersonState::Active).await.unwrap();
    assert_eq!(members(&store, pay).await, "2");
}
