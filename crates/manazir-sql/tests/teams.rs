//! Teams and services, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use manazir_people::contract::teams::{by, check, id, members, new_service, new_team};
use manazir_people::teams::told::tell_labels;
use manazir_people::teams::{
    Caller, Import, Outcome, Owner, Part, ServicePatch, TeamAct, TeamError, TeamPatch, TeamRefusal,
    TeamStore, Told,
};
use manazir_people::{PersonState, UserId};
use manazir_sql::Truth;
use manazir_testkit::postgres::Postgres;
use tempfile::TempDir;

/// Those who act at once.
const RACERS: u32 = 8;
const ROUNDS: u128 = 12;
const NOW: Timestamp = Timestamp(9);

/// A file in the folder that is another one each time.
async fn sqlite(folder: &TempDir) -> Truth {
    let number = std::fs::read_dir(folder.path()).unwrap().count();
    Truth::open(&format!("sqlite://{}", folder.path().join(format!("{number}.db")).display())).await.unwrap()
}

#[tokio::test]
async fn teams_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(async || sqlite(&folder).await).await;
}

#[tokio::test]
async fn teams_needs_postgres() {
    let server = Postgres::start();
    check(async || Truth::open(&server.database()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    races(&sqlite(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn races_needs_postgres() {
    let server = Postgres::start();
    races(&Truth::open(&server.url()).await.unwrap()).await;
}

async fn races(truth: &Truth) {
    one_of_all_gets_the_slug(truth).await;
    of_owners_who_leave_at_once_one_stays(truth).await;
    whoever_is_erased_meanwhile_is_in_nothing(truth).await;
    what_people_enter_meanwhile_stays(truth).await;
}

/// What each of them came to.
async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = Result<T, TeamError>> + Send + 'static>,
) -> Vec<Result<T, TeamRefusal>> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut came_to = Vec::new();
    for task in running {
        came_to.push(match task.await.unwrap() {
            Ok(done) => Ok(done),
            Err(TeamError::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other:?}"),
        });
    }
    came_to
}

async fn one_of_all_gets_the_slug(truth: &Truth) {
    for round in 0..ROUNDS {
        let racers = (1..=RACERS).map(|user| {
            let (truth, number) = (truth.clone(), round * 100 + u128::from(user) + 10_000);
            async move { truth.create_team(by(user), &new_team(number, &format!("race-{round}"))).await }
        });
        let came_to = at_once(racers).await;
        let lost = came_to.iter().filter(|one| **one == Err(TeamRefusal::Taken { field: "slug" })).count();
        assert_eq!(lost, RACERS as usize - 1, "{came_to:?}");
    }
    assert_eq!(truth.teams(None, 100).await.unwrap().items.len(), ROUNDS as usize);
}

/// Owners and one member: all owners leave, or are made members by themselves, at once.
async fn of_owners_who_leave_at_once_one_stays(truth: &Truth) {
    for round in 0..ROUNDS {
        let number = 20_000 + round;
        let mut new = new_team(number, &format!("leave-{round}"));
        new.owners = (1..=RACERS).map(UserId).collect();
        truth.create_team(Caller::Administrator, &new).await.unwrap();
        let put = [TeamAct::Put(UserId(99), Part::Member)];
        truth.change_team(by(1), id(number), &put, NOW).await.unwrap();
        let racers = (1..=RACERS).map(|user| {
            let (truth, user_id) = (truth.clone(), UserId(user));
            let act = match user % 2 {
                0 => TeamAct::Remove(user_id),
                _ => TeamAct::Put(user_id, Part::Member),
            };
            async move { truth.change_team(by(user), id(number), &[act], NOW).await }
        });
        let came_to = at_once(racers).await;
        let stayed = came_to.iter().filter(|one| **one == Err(TeamRefusal::LastOwner)).count();
        assert_eq!(stayed, 1, "{came_to:?}");
        assert_eq!(members(truth, number).await.matches('*').count(), 1);
        truth.change_team(Caller::Administrator, id(number), &[TeamAct::Delete], NOW).await.unwrap();
    }
}

/// Somebody is erased while they are put into teams, and named as an owner of a service that changes.
async fn whoever_is_erased_meanwhile_is_in_nothing(truth: &Truth) {
    let team = 30_000;
    truth.create_team(by(1), &new_team(team, "erased")).await.unwrap();
    let service = new_service(30_001, "erased", &[Owner::Team(id(team))]);
    truth.create_service(by(1), &service).await.unwrap();
    for round in 0..ROUNDS {
        let user = UserId(1_000 + round as u32);
        let owners = BTreeSet::from([Owner::Team(id(team)), Owner::Person(user)]);
        let give = ServicePatch { owners: Some(owners), ..ServicePatch::default() };
        truth.change_service(by(1), id(30_001), &give, NOW).await.unwrap();
        let racers = (0..RACERS).map(|racer| {
            let (truth, give) = (truth.clone(), give.clone());
            async move {
                match racer {
                    0 => truth.set_person(user, PersonState::Erased).await,
                    odd if odd % 2 == 1 => {
                        let put = [TeamAct::Put(user, Part::Member)];
                        truth.change_team(by(1), id(team), &put, NOW).await.map(drop)
                    }
                    _ => {
                        let text = Some(format!("{round} {racer}"));
                        let patch = ServicePatch { description: text, ..give };
                        truth.change_service(by(1), id(30_001), &patch, NOW).await.map(drop)
                    }
                }
            }
        });
        let came_to = at_once(racers).await;
        assert!(
            came_to.iter().all(|one| matches!(one, Ok(()) | Err(TeamRefusal::Inactive(_)))),
            "{came_to:?}"
        );
        assert_eq!(members(truth, team).await, "1*");
        let left = truth.service(id(30_001)).await.unwrap().unwrap().owners.value;
        assert_eq!(left, BTreeSet::from([Owner::Team(id(team))]));
    }
}

/// People say something while imports say something else.
async fn what_people_enter_meanwhile_stays(truth: &Truth) {
    let labels: Vec<BTreeMap<String, String>> = (0..3)
        .map(|number| {
            [("service", format!("api{number}")), ("team", format!("owners{number}"))]
                .map(|(name, value)| (name.to_owned(), value))
                .into()
        })
        .collect();
    let mut told = Told::default();
    tell_labels(&mut told, "series", &labels);
    let told = std::sync::Arc::new(told);
    let import = |seed: u64| {
        let (truth, told) = (truth.clone(), told.clone());
        async move {
            let people = BTreeMap::new();
            let import = Import { told: &told, people: &people, seed, write: true, at: NOW };
            truth.import(import).await.map(|plan| plan.count(Outcome::Made))
        }
    };
    let made: usize = at_once((0..4).map(import)).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(made, 6, "each is made once, whoever comes first");
    for round in 0..ROUNDS as u64 {
        let service = truth.services_named("api0").await.unwrap().remove(0);
        let owners = BTreeSet::from([Owner::Person(UserId(1))]);
        let patch = ServicePatch { owners: Some(owners.clone()), ..ServicePatch::default() };
        let (enter, truth_too) = (patch, truth.clone());
        let entering = tokio::spawn(async move {
            truth_too.change_service(Caller::Administrator, service.id, &enter, NOW).await.map(drop)
        });
        at_once((0..3).map(|racer| import(round * 10 + racer + 100))).await;
        entering.await.unwrap().unwrap();
        assert_eq!(truth.services_named("api0").await.unwrap()[0].owners.value, owners);
        truth.delete_service(Caller::Administrator, service.id).await.unwrap();
        at_once([import(round + 10_000)]).await;
    }
    let team =
        truth.team(&manazir_people::teams::TeamKey::Slug("owners0".to_owned())).await.unwrap().unwrap();
    let patch = TeamPatch { name: Some("Ours".to_owned()), ..TeamPatch::default() };
    let acts = [TeamAct::Change(patch)];
    truth.change_team(Caller::Administrator, team.id, &acts, NOW).await.unwrap();
    at_once([import(20_000)]).await;
    let page = truth.teams(Some("owners"), 1).await.unwrap();
    assert_eq!(page.items[0].name.value, "Ours");
}
