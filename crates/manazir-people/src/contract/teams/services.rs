//! Services: who makes, changes and deletes them, and how they are found.

use std::collections::BTreeMap;

use manazir_model::Timestamp;

use super::{by, id, labels, new_service, new_team, owners, refused};
use crate::UserId;
use crate::teams::{
    Caller, LABELS_MAX, NewService, OWNERS_MAX, Owner, Part, Service, ServiceKey, ServicePatch, TeamAct,
    TeamRefusal, TeamStore,
};

const NOW: Timestamp = Timestamp(9);

pub(super) async fn check<S: TeamStore>(open: &impl AsyncFn() -> S) {
    a_service_comes_back_as_it_was_made(open().await).await;
    a_key_is_given_once(open().await).await;
    people_make_what_is_theirs(open().await).await;
    whoever_answers_for_it_changes_it(open().await).await;
    a_patch_changes_what_it_names(open().await).await;
    services_are_found_by_owner_and_name(open().await).await;
    a_deleted_team_owns_nothing(open().await).await;
    there_is_an_end_to_owners_and_labels(open().await).await;
}

fn key(name: &str, namespace: &str, environment: &str) -> ServiceKey {
    let (namespace, environment) = (namespace.to_owned(), environment.to_owned());
    ServiceKey { name: name.to_owned(), namespace, environment }
}

async fn names(store: &impl TeamStore, owner: Owner) -> Vec<String> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = store.services_of(owner, after.as_ref(), 2).await.unwrap();
        found.extend(page.items.into_iter().map(|one| format!("{}/{}", one.key.name, one.key.namespace)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

async fn a_service_comes_back_as_it_was_made<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    let both = [Owner::Team(id(1)), Owner::Person(UserId(3))];
    let new = NewService {
        key: key(" checkout ", "shop", "production"),
        description: "Takes \u{1f4b6}".to_owned(),
        labels: labels(&[("tier", "1"), ("a/b", "c")]),
        avatar_seed: Some("x".to_owned()),
        ..new_service(5, "", &both)
    };
    let made = store.create_service(by(1), &new).await.unwrap();
    assert_eq!(made.key, key("checkout", "shop", "production"));
    assert_eq!(made.labels().collect::<Vec<_>>(), [("a/b", "c"), ("tier", "1")]);
    assert_eq!((made.owners.value.clone(), made.avatar_seed.as_str()), (owners(both), "x"));
    assert_eq!(store.service(id(5)).await.unwrap(), Some(made));
    assert_eq!(store.service(id(6)).await.unwrap(), None);
}

async fn a_key_is_given_once<S: TeamStore>(store: S) {
    let new = |number, key| NewService { key, ..new_service(number, "", &[Owner::Person(UserId(1))]) };
    store.create_service(by(1), &new(1, key("web", "a", ""))).await.unwrap();
    let again = refused(store.create_service(by(1), &new(2, key("web", "a", ""))).await);
    assert_eq!(again, TeamRefusal::Taken { field: "name" });
    let id_again = refused(store.create_service(by(1), &new(1, key("web", "b", ""))).await);
    assert_eq!(id_again, TeamRefusal::Taken { field: "id" });
    for (number, place) in (2..).zip([("b", ""), ("", "a"), ("", ""), ("A", "")]) {
        store.create_service(by(1), &new(number, key("web", place.0, place.1))).await.unwrap();
    }
    let found = store.services_named("web").await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (&*one.key.namespace, &*one.key.environment)).collect();
    assert_eq!(found, [("", ""), ("", "a"), ("A", ""), ("a", ""), ("b", "")]);
    assert_eq!(store.services_named("we").await.unwrap(), []);
    for bad in [key("", "", ""), key("a\nb", "", ""), key(&"a".repeat(129), "", ""), key("a", "\t\u{1}x", "")]
    {
        let refusal = refused(store.create_service(by(1), &new(9, bad.clone())).await);
        assert!(matches!(refusal, TeamRefusal::Invalid { .. }), "{bad:?}");
    }
}

async fn people_make_what_is_theirs<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    store.change_team(by(1), id(1), &[TeamAct::Put(UserId(2), Part::Member)], NOW).await.unwrap();
    let of_team = [Owner::Team(id(1))];
    for (caller, owners) in [(by(2), &of_team[..]), (by(1), &[]), (by(1), &[Owner::Person(UserId(2))])] {
        let refusal = refused(store.create_service(caller, &new_service(5, "web", owners)).await);
        assert!(matches!(refusal, TeamRefusal::NotAllowed { .. }), "{refusal:?}");
    }
    let unknown = new_service(5, "web", &[Owner::Person(UserId(1)), Owner::Team(id(9))]);
    assert_eq!(refused(store.create_service(by(1), &unknown).await), TeamRefusal::UnknownTeam);
    store.create_service(by(1), &new_service(5, "web", &of_team)).await.unwrap();
    store.create_service(by(2), &new_service(6, "own", &[Owner::Person(UserId(2))])).await.unwrap();
    store.create_service(Caller::Administrator, &new_service(7, "nobodys", &[])).await.unwrap();
}

async fn whoever_answers_for_it_changes_it<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    store.change_team(by(1), id(1), &[TeamAct::Put(UserId(2), Part::Member)], NOW).await.unwrap();
    let both = [Owner::Team(id(1)), Owner::Person(UserId(3))];
    store.create_service(by(1), &new_service(5, "web", &both)).await.unwrap();
    store.create_service(Caller::Administrator, &new_service(6, "nobodys", &[])).await.unwrap();
    let patch = |text: &str| ServicePatch { description: Some(text.to_owned()), ..ServicePatch::default() };
    for (caller, service) in [(by(2), 5), (by(4), 5), (by(1), 6)] {
        let refusal = refused(store.change_service(caller, id(service), &patch("x"), NOW).await);
        assert!(matches!(refusal, TeamRefusal::NotAllowed { .. }), "{caller:?}");
        let refusal = refused(store.delete_service(caller, id(service)).await);
        assert!(matches!(refusal, TeamRefusal::NotAllowed { .. }), "{caller:?}");
    }
    for caller in [by(1), by(3), Caller::Administrator] {
        let text = format!("{caller:?}");
        let changed = store.change_service(caller, id(5), &patch(&text), NOW).await.unwrap();
        assert_eq!((changed.description.value.as_str(), changed.changed_at), (text.as_str(), NOW));
        assert_eq!(store.service(id(5)).await.unwrap(), Some(changed));
    }
    store.delete_service(by(3), id(5)).await.unwrap();
    assert_eq!(store.service(id(5)).await.unwrap(), None);
    assert_eq!(names(&store, Owner::Team(id(1))).await, [""; 0]);
    assert_eq!(refused(store.delete_service(by(3), id(5)).await), TeamRefusal::UnknownService);
    let gone = store.change_service(by(3), id(5), &patch("x"), NOW).await;
    assert_eq!(refused(gone), TeamRefusal::UnknownService);
}

async fn a_patch_changes_what_it_names<S: TeamStore>(store: S) {
    let new = NewService {
        labels: labels(&[("a", "1"), ("b", "2")]),
        ..new_service(5, "web", &[Owner::Person(UserId(1))])
    };
    let made = store.create_service(by(1), &new).await.unwrap();
    let nothing = store.change_service(by(1), id(5), &ServicePatch::default(), NOW).await.unwrap();
    assert_eq!(nothing, made);
    let patch = ServicePatch { labels: Some(labels(&[("b", "2"), ("c", "3")])), ..ServicePatch::default() };
    let changed = store.change_service(by(1), id(5), &patch, NOW).await.unwrap();
    assert_eq!(changed.labels().collect::<Vec<_>>(), [("b", "2"), ("c", "3")]);
    let patch = ServicePatch { owners: Some(owners([Owner::Person(UserId(2))])), ..ServicePatch::default() };
    let changed = store.change_service(by(1), id(5), &patch, NOW).await.unwrap();
    assert_eq!(store.service(id(5)).await.unwrap(), Some(changed));
    assert_eq!(names(&store, Owner::Person(UserId(1))).await, [""; 0]);
    assert_eq!(names(&store, Owner::Person(UserId(2))).await, ["web/"]);
    // Whoever gave it away has no say in it any more.
    let refusal = refused(store.change_service(by(1), id(5), &patch, NOW).await);
    assert!(matches!(refusal, TeamRefusal::NotAllowed { .. }), "{refusal:?}");
}

async fn services_are_found_by_owner_and_name<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    let (team, person) = (Owner::Team(id(1)), Owner::Person(UserId(1)));
    let all: [(&str, &str, &[Owner]); 5] = [
        ("web", "b", &[team]),
        ("web", "a", &[team, person]),
        ("a", "", &[person]),
        ("w", "z", &[team]),
        ("\u{e9}", "", &[team]),
    ];
    for (number, (name, namespace, owners)) in (10..).zip(all) {
        let new = NewService { key: key(name, namespace, ""), ..new_service(number, "", owners) };
        store.create_service(Caller::Administrator, &new).await.unwrap();
    }
    assert_eq!(names(&store, team).await, ["w/z", "web/a", "web/b", "\u{e9}/"]);
    assert_eq!(names(&store, person).await, ["a/", "web/a"]);
    assert_eq!(names(&store, Owner::Person(UserId(2))).await, [""; 0]);
    let page = store.services(Some(&key("a", "", "")), 3).await.unwrap();
    let found: Vec<&str> = page.items.iter().map(|one| one.key.namespace.as_str()).collect();
    assert_eq!((found, page.next), (vec!["z", "a", "b"], Some(key("web", "b", ""))));
    let last: Vec<Service> = store.services(Some(&key("web", "b", "")), 3).await.unwrap().items;
    assert_eq!(last.len(), 1);
}

async fn a_deleted_team_owns_nothing<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    store.create_service(by(1), &new_service(5, "web", &[Owner::Team(id(1))])).await.unwrap();
    store.change_team(by(1), id(1), &[TeamAct::Delete], NOW).await.unwrap();
    assert_eq!(store.service(id(5)).await.unwrap().unwrap().owners.value, owners([]));
    assert_eq!(names(&store, Owner::Team(id(1))).await, [""; 0]);
}

async fn there_is_an_end_to_owners_and_labels<S: TeamStore>(store: S) {
    let many: Vec<Owner> = (1..=OWNERS_MAX as u32 + 1).map(|user| Owner::Person(UserId(user))).collect();
    let refusal = refused(store.create_service(by(1), &new_service(5, "web", &many)).await);
    assert!(matches!(refusal, TeamRefusal::TooMany { max: OWNERS_MAX, .. }), "{refusal:?}");
    store.create_service(by(1), &new_service(5, "web", &many[..OWNERS_MAX])).await.unwrap();
    let many: BTreeMap<String, String> =
        (0..=LABELS_MAX).map(|number| (number.to_string(), "x".to_owned())).collect();
    let patch = ServicePatch { labels: Some(many), ..ServicePatch::default() };
    let refusal = refused(store.change_service(by(1), id(5), &patch, NOW).await);
    assert!(matches!(refusal, TeamRefusal::TooMany { max: LABELS_MAX, .. }), "{refusal:?}");
    let patch = ServicePatch { labels: Some(labels(&[("", "x")])), ..ServicePatch::default() };
    let refusal = refused(store.change_service(by(1), id(5), &patch, NOW).await);
    assert!(matches!(refusal, TeamRefusal::Invalid { field: "labels", .. }), "{refusal:?}");
}
