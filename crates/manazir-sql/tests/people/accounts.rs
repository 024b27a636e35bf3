//! An account and its person are one.

use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::identity::{Identity, Linked};
use manazir_auth::link::{Link, LinkSecret, Purpose};
use manazir_auth::store::{Created, NewAccount};
use manazir_auth::{AccountId, AccountStore, Email, Role, TokenHash, Username};
use manazir_model::Timestamp;
use manazir_people::contract::person;
use manazir_people::teams::{Caller, NewTeam, TeamStore};
use manazir_people::{Error, PeopleStore, PersonState, ProfileKey, Refusal};
use manazir_sql::{SqlPeople, Truth};
use manazir_testkit::postgres::Postgres;
use uuid::Uuid;

fn on(second: i64) -> Occasion {
    Occasion { by: Actor::System, address: None, at: Timestamp::from_seconds(second) }
}

fn account(id: u8, username: &str, email: &str) -> NewAccount {
    NewAccount {
        id: AccountId([id; 16]),
        username: Username::parse(username).unwrap(),
        email: Email::parse(email).unwrap(),
        role: Role::Admin,
        avatar_seed: username.to_owned(),
        password: None,
        identity: Some(linked(id)),
    }
}

fn linked(id: u8) -> Linked {
    let identity = Identity::new("https://login.example", &id.to_string()).unwrap();
    Linked { identity, label: String::new(), at: Timestamp::from_seconds(2) }
}

async fn invited(truth: &Truth, entropy: u8, email: Option<&str>) -> TokenHash {
    let hash = LinkSecret::from_entropy([entropy; 32]).hash();
    let email = email.map(|email| Email::parse(email).unwrap());
    let link = Link {
        purpose: Purpose::Invitation { role: Role::Member, email },
        expires_at: Timestamp::from_seconds(1_000),
    };
    assert!(truth.keep_link(hash, &link, &on(1)).await.unwrap());
    hash
}

async fn one(people: &SqlPeople) {
    let truth = &people.truth;
    let Created::Done(ada) = truth.create(&account(1, "Ada", "ada@example.com"), None, &on(1)).await.unwrap()
    else {
        panic!("nobody is there")
    };
    let key = ProfileKey::Public(Uuid::from_bytes(ada.id.0));
    let known = people.profile(&key).await.unwrap().unwrap();
    assert_eq!((known.username.as_deref(), known.email.as_deref()), (Some("Ada"), Some("ada@example.com")));

    // Somebody whom another system brought in.
    let brought = people.create(&person(7)).await.unwrap();
    let email = "User7@example.com";
    let taken = Created::Taken { username: false, email: true };
    let theirs = account(2, "grace", email);
    assert_eq!(truth.create(&theirs, None, &on(2)).await.unwrap(), taken, "whoever knows an address");
    let open = invited(truth, 1, None).await;
    assert_eq!(truth.create(&theirs, Some(open), &on(2)).await.unwrap(), taken, "nor with a link for anyone");
    let bound = invited(truth, 2, Some(email)).await;
    let named = Created::Taken { username: true, email: false };
    let ill_named = account(2, "ada", email);
    assert_eq!(truth.create(&ill_named, Some(bound), &on(2)).await.unwrap(), named);
    let Created::Done(grace) = truth.create(&theirs, Some(bound), &on(2)).await.unwrap() else {
        panic!("she is invited")
    };
    assert_eq!(truth.owner(&linked(2).identity).await.unwrap().as_ref(), Some(&grace));
    assert_eq!((grace.id.0, grace.role), (*brought.public_id.as_bytes(), Role::Member));
    let renamed = people.profile(&ProfileKey::Username("GRACE".to_owned())).await.unwrap().unwrap();
    assert_eq!((renamed.id, renamed.username.as_deref()), (brought.id, Some("grace")));
    assert_eq!(people.search("gra", 9).await.unwrap(), [renamed]);
    assert_eq!(people.search("user7", 9).await.unwrap(), []);

    // A name that only another person has.
    people.create(&person(8)).await.unwrap();
    assert_eq!(truth.create(&account(3, "user8", "eve@example.com"), None, &on(3)).await.unwrap(), named);
    assert_eq!(truth.accounts(None, 9).await.unwrap().len(), 2);

    // One leaves and comes back, and is gone in the end.
    let state = async |state| people.set_state(brought.id, state, Timestamp::from_seconds(5)).await;
    let banned = async || truth.account(grace.id).await.unwrap().unwrap().account.banned_at.is_some();
    state(PersonState::Deactivated).await.unwrap();
    assert!(banned().await);
    state(PersonState::Active).await.unwrap();
    assert!(!banned().await);
    truth.set_banned(grace.id, true, &on(6)).await.unwrap();
    state(PersonState::Active).await.unwrap();
    assert!(banned().await, "who is there need not come back");
    let team = NewTeam {
        id: Uuid::from_u128(1),
        slug: "payments".to_owned(),
        name: "Payments".to_owned(),
        description: String::new(),
        avatar_seed: None,
        owners: vec![brought.id],
        at: Timestamp::from_seconds(6),
    };
    truth.create_team(Caller::Administrator, &team).await.unwrap();
    let members = async || truth.members(team.id, None, 9).await.unwrap().items.len();
    assert_eq!(members().await, 1);
    state(PersonState::Erased).await.unwrap();
    assert_eq!(members().await, 0);
    assert!(truth.account(grace.id).await.unwrap().is_none());
    assert_eq!(truth.owner(&linked(2).identity).await.unwrap(), None);
    let again = NewAccount { role: Role::Member, ..account(4, "grace", email) };
    let again = truth.create(&again, None, &on(7)).await.unwrap();
    assert!(matches!(again, Created::Done(_)), "name and address are free again: {again:?}");
    let last = people.set_state(known.id, PersonState::Erased, Timestamp::from_seconds(7)).await;
    assert!(matches!(last, Err(Error::Refused(Refusal::LastAdmin))), "{last:?}");
    assert_eq!(people.profile(&key).await.unwrap(), Some(known));
}

#[tokio::test]
async fn accounts_and_people_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("truth.db").display());
    one(&SqlPeople::new(Truth::open(&url).await.unwrap())).await;
}

#[tokio::test]
async fn accounts_and_people_need_postgres() {
    let server = Postgres::start();
    one(&SqlPeople::new(Truth::open(&server.url()).await.unwrap())).await;
}
