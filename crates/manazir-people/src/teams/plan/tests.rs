//! Plans: what holds of all of them, and some by themselves.

use std::collections::BTreeSet;

use futures_executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::teams::{
    Caller, InMemoryTeams, LABELS_MAX, Owner, Part, SERVICES_MAX, ServicePatch, Source, TEAMS_MAX, TeamAct,
    TeamPatch, TeamStore, Told, ToldOwner, ToldService, ToldTeam,
};

const SOURCES: [Source; 3] = [Source::Catalogue, Source::Kubernetes, Source::Backstage];

fn people() -> BTreeMap<String, UserId> {
    (1..=4).map(|number| (number.to_string(), UserId(number))).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "one", "two"]).prop_map(str::to_owned)
}

fn told_team() -> impl Strategy<Value = ((String, Source), ToldTeam)> {
    let members = prop::collection::btree_set("[1-5]", 0..4);
    let key = ("[ab]", prop::sample::select(SOURCES.to_vec()));
    (key, text(), text(), members, any::<bool>()).prop_map(
        |(key, name, description, members, is_described)| {
            (key, ToldTeam { name, description, members, is_described })
        },
    )
}

fn told_service() -> impl Strategy<Value = ((ServiceKey, Source), ToldService)> {
    let key = ("[xy]", "[n]?", "[e]?").prop_map(|(name, namespace, environment)| ServiceKey {
        name,
        namespace,
        environment,
    });
    let owner = prop_oneof!["[ab]".prop_map(ToldOwner::Team), "[1-5]".prop_map(ToldOwner::Person),];
    let owners = prop::collection::btree_set(owner, 0..3);
    let labels = prop::collection::btree_map("[kl]", "[vw]", 0..3);
    ((key, prop::sample::select(SOURCES.to_vec())), text(), owners, labels)
        .prop_map(|(key, description, owners, labels)| (key, ToldService { description, owners, labels }))
}

fn told() -> impl Strategy<Value = Told> {
    (prop::collection::vec(told_team(), 0..5), prop::collection::vec(told_service(), 0..6)).prop_map(
        |(teams, services)| Told {
            teams: teams.into_iter().collect(),
            services: services.into_iter().collect(),
            ..Told::default()
        },
    )
}

fn import(store: &InMemoryTeams, told: &Told, seed: u64) -> Plan {
    let people = people();
    block_on(store.import(Import { told, people: &people, seed, write: true, at: Timestamp(1) })).unwrap()
}

/// Everything of a store but when it last changed.
fn all(store: &InMemoryTeams) -> String {
    let teams = block_on(store.teams(None, 99)).unwrap().items;
    let members: Vec<_> =
        teams.iter().map(|team| block_on(store.members(team.id, None, 99)).unwrap().items).collect();
    format!("{teams:?} {members:?} {:?}", block_on(store.services(None, 99)).unwrap().items)
}

/// Somebody changes all that there is.
fn enter_by_hand(store: &InMemoryTeams) {
    for team in block_on(store.teams(None, 99)).unwrap().items {
        let (name, description) = (Some("mine".to_owned()), Some(String::new()));
        let patch = TeamPatch { name, description, ..TeamPatch::default() };
        let acts = [
            TeamAct::Change(patch),
            TeamAct::Put(UserId(1), Part::Owner),
            TeamAct::Put(UserId(2), Part::Member),
            TeamAct::Put(UserId(3), Part::Member),
            TeamAct::Remove(UserId(3)),
            TeamAct::Put(UserId(4), Part::Member),
            TeamAct::Remove(UserId(4)),
        ];
        block_on(store.change_team(Caller::Administrator, team.id, &acts, Timestamp(1))).unwrap();
    }
    for service in block_on(store.services(None, 99)).unwrap().items {
        let labels = service.labels.keys().map(|name| (name.clone(), "mine".to_owned())).take(1).collect();
        let patch = ServicePatch {
            description: Some(String::new()),
            owners: Some(BTreeSet::from([Owner::Person(UserId(1))])),
            labels: Some(labels),
            avatar_seed: None,
        };
        block_on(store.change_service(Caller::Administrator, service.id, &patch, Timestamp(1))).unwrap();
    }
}

proptest! {
    #[test]
    fn the_same_again_changes_nothing(before in told(), told in told()) {
        let store = InMemoryTeams::default();
        import(&store, &before, 1);
        import(&store, &told, 2);
        let after = all(&store);
        let again = import(&store, &told, 3);
        prop_assert_eq!(again.count(Outcome::Same), again.steps.len(), "{:?}", again);
        prop_assert!(again.teams.is_empty() && again.services.is_empty());
        prop_assert_eq!(all(&store), after);
    }

    #[test]
    fn what_people_entered_is_never_overwritten(before in told(), later in told()) {
        let store = InMemoryTeams::default();
        import(&store, &before, 1);
        enter_by_hand(&store);
        let (teams, services) = block_on(async {
            (store.teams(None, 99).await.unwrap().items, store.services(None, 99).await.unwrap().items)
        });
        import(&store, &later, 2);
        for team in teams {
            let now = block_on(store.team(&crate::teams::TeamKey::Id(team.id))).unwrap().unwrap();
            prop_assert_eq!((now.name, now.description), (team.name, team.description));
            let members = block_on(store.members(team.id, None, 99)).unwrap().items;
            let members: Vec<_> = members.iter().map(|member| (member.user.0, member.part)).collect();
            prop_assert_eq!(members, [(1, Part::Owner), (2, Part::Member)]);
        }
        for service in services {
            let now = block_on(store.service(service.id)).unwrap().unwrap();
            prop_assert_eq!(now.description, service.description);
            prop_assert_eq!(now.owners, service.owners);
            for (name, label) in service.labels {
                prop_assert_eq!(&now.labels[&name], &label);
            }
        }
    }

    #[test]
    fn a_team_that_had_an_owner_keeps_one(before in told(), later in told()) {
        let store = InMemoryTeams::default();
        import(&store, &before, 1);
        enter_by_hand(&store);
        import(&store, &later, 2);
        for team in block_on(store.teams(None, 99)).unwrap().items {
            let members = block_on(store.members(team.id, None, 99)).unwrap().items;
            let was_there = before.teams.keys().any(|(slug, _)| *slug == team.slug);
            let has_owner = members.iter().any(|member| member.part == Part::Owner);
            prop_assert!(!was_there || has_owner, "{:?}", members);
        }
    }
}

fn one_service(key: ServiceKey, source: Source, service: ToldService) -> Told {
    Told { services: BTreeMap::from([((key, source), service)]), ..Told::default() }
}

fn placed(namespace: &str, environment: &str) -> ServiceKey {
    let (namespace, environment) = (namespace.to_owned(), environment.to_owned());
    ServiceKey { namespace, environment, ..ServiceKey::named("web") }
}

#[test]
fn what_says_nothing_of_where_speaks_of_all() {
    let store = InMemoryTeams::default();
    let mut told = Told::default();
    for key in [placed("a", "prod"), placed("a", "test"), placed("b", "prod")] {
        told.services.insert((key, Source::Catalogue), ToldService::default());
    }
    let said = |text: &str| ToldService { description: text.to_owned(), ..ToldService::default() };
    told.services.insert((placed("a", ""), Source::Backstage), said("all of a"));
    told.services.insert((placed("", ""), Source::Backstage), said("all"));
    import(&store, &told, 1);
    let found = block_on(store.services(None, 9)).unwrap().items;
    let found: Vec<_> = found
        .iter()
        .map(|one| (&*one.key.namespace, &*one.key.environment, &*one.description.value))
        .collect();
    assert_eq!(found, [("a", "prod", "all of a"), ("a", "test", "all of a"), ("b", "prod", "all")]);
}

#[test]
fn there_is_an_end_to_teams_services_and_labels() {
    let labels = (0..LABELS_MAX + 9).map(|number| (number.to_string(), "x".to_owned())).collect();
    let mut told =
        one_service(placed("", ""), Source::Kubernetes, ToldService { labels, ..ToldService::default() });
    told.teams.insert(("a".to_owned(), Source::Kubernetes), ToldTeam::default());
    let people = people();
    let import = Import { told: &told, people: &people, seed: 1, write: true, at: Timestamp(1) };
    let full = Holdings { teams_total: TEAMS_MAX, services_total: SERVICES_MAX, ..Holdings::default() };
    let refused = plan(&import, &full);
    assert_eq!((refused.count(Outcome::Refused), refused.teams.len(), refused.services.len()), (2, 0, 0));
    let made = plan(&import, &Holdings::default());
    assert_eq!(made.services[0].labels.len(), LABELS_MAX);
    assert_eq!(made.steps[1].notes, ["it has 64 labels, and gets no more"]);
}

/// The same bytes for the same seed, and identifiers that look like any other.
#[test]
fn identifiers_come_from_the_seed() {
    let told = one_service(placed("", ""), Source::Backstage, ToldService::default());
    let people = BTreeMap::new();
    let with = |seed| {
        let import = Import { told: &told, people: &people, seed, write: true, at: Timestamp(1) };
        plan(&import, &Holdings::default()).services[0].id
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
    assert_eq!(with(1).get_version_num(), 4);
}
