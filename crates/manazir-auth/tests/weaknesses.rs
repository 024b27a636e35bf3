//! Weaknesses of the original that could exist in accounts, each with a test named by its id.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;
use manazir_auth::access::AccessRules;
use manazir_auth::audit::{Actor, AuditKind, Occasion};
use manazir_auth::hashing::{HashingDone, HashingRefused, HashingWork};
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret};
use manazir_auth::limit::SignInRates;
use manazir_auth::revocation::FOLLOWED_EVERY;
use manazir_auth::service::{
    AccessRefused, AccountRules, DeedRefused, PasswordRefused, RefreshRefused, RegisterRefused, Registration,
    SignInRefused, SignedIn,
};
use manazir_auth::session::{Device, EndedBy, Presented, SessionRules};
use manazir_auth::{
    Account, AccountStore, Accounts, Credentials, Email, Hasher, HashingCost, HashingGate, Role, Secret,
    memory,
};
use manazir_model::Timestamp;

const NOW: i64 = 1_800_000_000;
const PASSWORD: &str = "a quiet harbor";

/// A gate that hashes in place, counts, and can be told to do something while it is at it.
#[derive(Default)]
struct Gate {
    hasher: Mutex<Option<Hasher>>,
    works: Mutex<Vec<String>>,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[async_trait]
impl HashingGate for Gate {
    async fn run(&self, work: HashingWork) -> Result<HashingDone, HashingRefused> {
        let hasher = self.hasher.lock().unwrap().clone().unwrap();
        let cost = match &work {
            HashingWork::Hash { .. } => "hash".to_owned(),
            HashingWork::Verify { stored, .. } => {
                let against = stored.clone().unwrap_or_else(|| hasher.nobody().clone());
                against.as_str().rsplitn(3, '$').last().unwrap().to_owned()
            }
        };
        self.works.lock().unwrap().push(cost);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            // On a thread of its own, as requests at the same time are.
            std::thread::spawn(meanwhile).join().unwrap();
        }
        Ok(work.perform(&hasher)?)
    }
}

/// One installation: a store, a gate, and a process that knows both.
struct Place {
    store: Arc<memory::Accounts>,
    gate: Arc<Gate>,
    accounts: Arc<Accounts>,
    drawn: AtomicUsize,
}

fn rules() -> AccountRules {
    let access = AccessRules { issuer: "https://manazir.example".into(), audience: "api".into() };
    AccountRules { access, sessions: SessionRules::default(), rates: SignInRates::default() }
}

fn keys() -> KeyRing {
    let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
    let key = KeyRecord::new([1; 32], &secret, Timestamp::from_seconds(NOW));
    KeyRing::open(vec![key], &secret, KeyRules::default())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + seconds)
}

fn on(seconds: i64, address: u8) -> Occasion {
    Occasion { by: Actor::Nobody, address: Some([192, 0, 2, address].into()), at: at(seconds) }
}

impl Place {
    fn new() -> Self {
        let (store, gate) = (Arc::<memory::Accounts>::default(), Arc::<Gate>::default());
        *gate.hasher.lock().unwrap() = Some(Hasher::new(HashingCost::CHEAPEST).unwrap());
        let accounts = Accounts::new(Arc::clone(&store) as _, Arc::clone(&gate) as _, rules(), keys());
        Self { store, gate, accounts: Arc::new(accounts), drawn: AtomicUsize::new(0) }
    }

    /// Another process on the same store.
    fn another(&self) -> Accounts {
        Accounts::new(Arc::clone(&self.store) as _, Arc::clone(&self.gate) as _, rules(), keys())
    }

    fn entropy<const N: usize>(&self) -> [u8; N] {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        std::array::from_fn(|index| (drawn * 31 + index * 7 + (drawn >> 3)) as u8)
    }

    fn register(&self, name: &str, role: Role) -> Account {
        let from = self.drawn.load(Ordering::Relaxed) as u8;
        let email = format!("{name}@example.org");
        let who = Registration { username: name, email: &email, password: PASSWORD, avatar_seed: None };
        block_on(self.accounts.register(who, role, None, self.entropy(), &on(0, 100 + from))).unwrap()
    }

    fn sign_in(&self, name: &str, password: &str, seconds: i64) -> Result<SignedIn, SignInRefused> {
        let (email, device) = (format!("{name}@example.org"), Device::new("a browser", None));
        block_on(self.accounts.sign_in(&email, password, device, self.entropy(), &on(seconds, 1)))
    }

    fn refresh(&self, text: &str, seconds: i64) -> Result<SignedIn, RefreshRefused> {
        block_on(self.accounts.refresh(text, &Device::default(), self.entropy(), &on(seconds, 1)))
    }

    fn credentials(&self, name: &str) -> Credentials {
        block_on(self.store.credentials(&Email::parse(&format!("{name}@example.org")).unwrap()))
            .unwrap()
            .unwrap()
    }
}

fn over(refused: Result<SignedIn, RefreshRefused>) -> Presented {
    match refused {
        Err(RefreshRefused::Over(presented)) => presented,
        Err(RefreshRefused::Reused(_)) => Presented::Reused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bb_w4_no_secret_has_a_default_and_one_that_was_typed_is_refused() {
    for text in ["secret", "", &"ab".repeat(32), &"0".repeat(64)] {
        assert!(ServerSecret::parse(text).is_err(), "{text}");
    }
}

#[test]
fn bb_w6_reuse_of_a_replaced_token_ends_the_session_of_whoever_has_its_successor() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let stolen = place.sign_in("ada", PASSWORD, 0).unwrap().refresh.reveal();
    let thief = place.refresh(&stolen, 100).unwrap();
    assert_eq!(over(place.refresh(&stolen, 131)), Presented::Reused);
    assert_eq!(over(place.refresh(&thief.refresh.reveal(), 132)), Presented::Ended(EndedBy::Reuse));
    let another = place.another();
    block_on(another.follow(|| at(132))).unwrap();
    assert_eq!(another.who(&thief.access, at(132)), Err(AccessRefused::Revoked));
    let log = block_on(place.store.audit(None, 1)).unwrap();
    assert_eq!(log[0].entry.kind, AuditKind::TokenReused);
}

#[test]
fn bb_w7_two_refreshes_at_once_have_one_successor() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let first = place.sign_in("ada", PASSWORD, 0).unwrap().refresh.reveal();
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let refresh = || place.refresh(&first, 100).unwrap().refresh.reveal();
        let tabs: Vec<_> = (0..64).map(|_| scope.spawn(refresh)).collect();
        tabs.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token != first));
    assert!(place.refresh(&tokens[0], 1_000).is_ok());
}

#[test]
fn bb_w8_sessions_are_listed_ended_and_banned_and_all_know_it_within_a_second() {
    let place = Place::new();
    place.register("ada", Role::Member);
    place.register("root", Role::Admin);
    let (one, two) = (place.sign_in("ada", PASSWORD, 0).unwrap(), place.sign_in("ada", PASSWORD, 1).unwrap());
    let admin = place.sign_in("root", PASSWORD, 2).unwrap();
    let ids: Vec<_> = block_on(place.accounts.sessions(one.account.id, at(2))).unwrap();
    assert_eq!(
        ids.iter().map(|session| session.id).collect::<Vec<_>>(),
        [two.claims.session, one.claims.session]
    );

    let another = place.another();
    block_on(another.follow(|| at(2))).unwrap();
    // Signing out is on the server, and for one session.
    assert!(block_on(place.accounts.end_session(&one.claims, one.claims.session, &on(3, 1))).unwrap());
    assert_eq!(over(place.refresh(&one.refresh.reveal(), 3)), Presented::Ended(EndedBy::Owner));
    // What another process still lets in, it lets in until it looks, which it does twice a second.
    assert!(FOLLOWED_EVERY <= Duration::from_millis(500));
    assert!(another.who(&one.access, at(3)).is_ok());
    block_on(another.follow(|| at(3))).unwrap();
    assert_eq!(another.who(&one.access, at(3)), Err(AccessRefused::Revoked));
    assert!(another.who(&two.access, at(3)).is_ok());

    let stolen = place.sign_in("ada", PASSWORD, 3).unwrap();
    let listed = block_on(place.accounts.sessions_of(&admin.claims, two.account.id, at(3))).unwrap();
    assert_eq!(listed.len(), 2);
    let (of, id) = (two.account.id, stolen.claims.session);
    assert!(block_on(place.accounts.end_session_of(&admin.claims, of, id, &on(3, 1))).unwrap());
    assert_eq!(place.accounts.who(&stolen.access, at(3)), Err(AccessRefused::Revoked), "here at once");
    assert!(place.accounts.who(&two.access, at(3)).is_ok(), "the others go on");

    block_on(place.accounts.set_banned(&admin.claims, two.account.id, true, &on(4, 1))).unwrap();
    block_on(another.follow(|| at(4))).unwrap();
    assert_eq!(another.who(&two.access, at(4)), Err(AccessRefused::Revoked));
    assert_eq!(over(place.refresh(&two.refresh.reveal(), 4)), Presented::Ended(EndedBy::Admin));
    assert!(matches!(place.sign_in("ada", PASSWORD, 5), Err(SignInRefused::Banned)));
    assert!(matches!(place.sign_in("ada", "wrong password", 5), Err(SignInRefused::Wrong)));
    let by_member = block_on(place.accounts.set_banned(&two.claims, admin.account.id, true, &on(5, 1)));
    assert!(matches!(by_member, Err(DeedRefused::Forbidden)));
}

#[test]
fn bb_w8_whoever_is_banned_while_the_password_is_compared_stays_out() {
    let place = Place::new();
    let ada = place.register("ada", Role::Member);
    let store = Arc::clone(&place.store);
    let ban = move || drop(block_on(store.set_banned(ada.id, true, &on(1, 1))).unwrap());
    *place.gate.meanwhile.lock().unwrap() = Some(Box::new(ban));
    assert!(matches!(place.sign_in("ada", PASSWORD, 1), Err(SignInRefused::Wrong)));
    assert!(block_on(place.accounts.sessions(ada.id, at(1))).unwrap().is_empty());
}

#[test]
fn bb_w9_a_token_of_another_kind_or_of_none_is_refused_with_a_reason_and_breaks_nothing() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let signed_in = place.sign_in("ada", PASSWORD, 0).unwrap();
    let (access, refresh) = (signed_in.access.clone(), signed_in.refresh.reveal());
    let api = Secret::from_entropy([7; 32]).reveal().to_owned();
    for text in [&refresh, &api, "", "null", "a.b.c", "☂", &access[..access.len() - 1], &"x".repeat(1 << 20)]
    {
        assert!(matches!(place.accounts.who(text, at(0)), Err(AccessRefused::Fault(_))), "{text:.20}");
    }
    for text in [&access, &api, "", "null", "mzr_", "☂", &refresh[..60], &"x".repeat(1 << 20)] {
        assert_eq!(over(place.refresh(text, 0)), Presented::Unknown, "{text:.20}");
    }
    assert!(place.refresh(&refresh, 1).is_ok(), "what others show ends nothing");
}

#[test]
fn bb_w10_the_same_work_is_done_whether_or_not_there_is_such_an_account() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let worked = |name: &str| {
        place.gate.works.lock().unwrap().clear();
        assert!(matches!(place.sign_in(name, "wrong password", 0), Err(SignInRefused::Wrong)));
        let log = block_on(place.store.audit(None, 1)).unwrap();
        (place.gate.works.lock().unwrap().clone(), log[0].entry.kind)
    };
    assert_eq!(worked("ada"), worked("nobody"));
    assert_eq!(worked("ada").0, ["$argon2id$v=19$m=8,t=1,p=1"]);
}

#[test]
fn bb_w10_signing_in_is_limited_by_place_and_locks_out_nobody_elsewhere() {
    let place = Place::new();
    place.register("ada", Role::Member);
    for name in ["ada", "nobody"] {
        let tries: Vec<_> = (0..9).map(|_| place.sign_in(name, "wrong password", 0)).collect();
        let held = tries.iter().filter(|tried| matches!(tried, Err(SignInRefused::Limited(_)))).count();
        assert_eq!(held, 4, "{name}: the limit tells nothing either");
    }
    let log = block_on(place.store.audit(None, 99)).unwrap();
    let told = log.iter().filter(|known| known.entry.kind == AuditKind::SignInHeld).count();
    assert_eq!(told, 1, "however often they try");
    let email = "ada@example.org";
    let elsewhere = on(0, 2);
    let owner = place.accounts.sign_in(email, PASSWORD, Device::default(), place.entropy(), &elsewhere);
    assert!(block_on(owner).is_ok(), "at another place");
    let second = 60 / 5;
    assert!(place.sign_in("ada", PASSWORD, second).is_ok(), "and at this one after a while");
}

#[test]
fn bb_w10_refreshing_is_limited_by_session() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let mut token = place.sign_in("ada", PASSWORD, 0).unwrap().refresh.reveal();
    for _ in 0..10 {
        token = place.refresh(&token, 1).unwrap().refresh.reveal();
    }
    assert!(matches!(place.refresh(&token, 1), Err(RefreshRefused::TooFast(_))));
}

#[test]
fn bb_w11_a_bucket_is_for_a_place_whatever_is_asked_and_whatever_a_client_says_of_itself() {
    let place = Place::new();
    let register = |index: usize, address: &str, seconds| {
        let (name, email) = (format!("user{index}"), format!("user{index}@example.org"));
        let who = Registration { username: &name, email: &email, password: PASSWORD, avatar_seed: None };
        let on = Occasion { address: Some(address.parse().unwrap()), ..on(seconds, 1) };
        block_on(place.accounts.register(who, Role::Member, None, place.entropy(), &on)).is_ok()
    };
    assert!(register(1, "2001:db8::1", 0) && !register(2, "2001:db8::2", 0), "one a second from a household");
    assert!(register(2, "2001:db8:0:1::1", 0), "another household");
    let made = (0..60).filter(|index| register(10 + index, "2001:db8:0:2::1", *index as i64)).count();
    assert_eq!(made, 10 + 9, "ten, and one each six seconds");
}

#[test]
fn bb_w12_a_session_that_is_over_is_over_for_whoever_only_shows_an_access_token() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let signed_in = place.sign_in("ada", PASSWORD, 0).unwrap();
    let next = place.refresh(&signed_in.refresh.reveal(), 1).unwrap();
    assert_eq!(
        (next.claims.session, next.claims.account),
        (signed_in.claims.session, signed_in.claims.account)
    );
    block_on(place.accounts.end_session(&next.claims, next.claims.session, &on(2, 1))).unwrap();
    for access in [&signed_in.access, &next.access] {
        assert_eq!(place.accounts.who(access, at(2)), Err(AccessRefused::Revoked));
    }
    let expired = place.accounts.who(&next.access, at(3_600));
    assert!(matches!(expired, Err(AccessRefused::Fault(_))), "an access token has an end");
}

#[test]
fn bb_w16_every_byte_of_a_password_counts() {
    let hasher = Hasher::new(HashingCost::CHEAPEST).unwrap();
    let password = |end: &str| manazir_auth::Password::shown(&format!("{}{end}", "☂é".repeat(100))).unwrap();
    let hash = hasher.hash(&password("a"), [1; 16]).unwrap();
    let verified = |end| hasher.verify(&password(end), Some(&hash)).unwrap();
    assert_ne!(verified("a"), verified("b"));
}

#[test]
fn bb_w37_whoever_says_no_seed_has_a_picture_of_ones_own() {
    let place = Place::new();
    assert_eq!(place.register("ada", Role::Member).avatar_seed, "ada");
    assert_eq!(place.register("bob", Role::Member).avatar_seed, "bob");
}

#[test]
fn bb_w54_hashing_has_its_own_places_and_no_transaction_is_open_meanwhile() {
    let place = Place::new();
    place.register("ada", Role::Member);
    // The store answers while the hash is computed: its one lock, as a transaction would be, is not held.
    let (store, seen) = (Arc::clone(&place.store), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&seen);
    let look = move || {
        let accounts = block_on(store.accounts(None, 10)).unwrap();
        counted.store(accounts.len(), Ordering::Relaxed);
    };
    *place.gate.meanwhile.lock().unwrap() = Some(Box::new(look));
    assert!(place.sign_in("ada", PASSWORD, 0).is_ok());
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    let full = manazir_auth::hashing::InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 0);
    let accounts = Accounts::new(Arc::clone(&place.store) as _, Arc::new(full), rules(), keys());
    let now = on(0, 1);
    let refused = accounts.sign_in("ada@example.org", PASSWORD, Device::default(), [1; 80], &now);
    assert!(matches!(block_on(refused), Err(SignInRefused::Hashing(HashingRefused::Busy))));
}

#[test]
fn bb_w55_a_session_is_one_row_and_goes_when_it_is_over() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let mut token = place.sign_in("ada", PASSWORD, 0).unwrap().refresh.reveal();
    for turn in 1..200 {
        token = place.refresh(&token, turn * 900).unwrap().refresh.reveal();
    }
    // One session; the rest of what goes are no tokens, since none but the last few was kept.
    let fortnight = 200 * 900 + 15 * 24 * 3_600;
    assert_eq!(block_on(place.store.purge(at(fortnight), 1_000)).unwrap(), 1);
    assert_eq!(over(place.refresh(&token, fortnight)), Presented::Unknown);
}

#[test]
fn bb_1_to_3_an_account_is_made_signed_in_and_kept_signed_in() {
    let place = Place::new();
    let ada = place.register("Ada", Role::Member);
    assert_eq!((ada.username.as_str(), ada.email.key(), ada.role), ("Ada", "ada@example.org", Role::Member));
    let again = |username, email, password| {
        let who = Registration { username, email, password, avatar_seed: None };
        let from = on(0, 50 + place.drawn.load(Ordering::Relaxed) as u8);
        block_on(place.accounts.register(who, Role::Member, None, place.entropy(), &from))
    };
    let taken = again("ADA", "other@example.org", PASSWORD);
    assert!(matches!(taken, Err(RegisterRefused::Taken { username: true, email: false })));
    let Err(RegisterRefused::Faults(faults)) = again("-", "nobody", PASSWORD) else {
        panic!("both are wrong")
    };
    assert!(faults.username.is_some() && faults.email.is_some());
    let Err(RegisterRefused::Faults(faults)) = again("bob", "bob@example.org", "short") else {
        panic!("it is short")
    };
    assert_eq!(faults.password.len(), 1);

    let signed_in = place.sign_in("ada", PASSWORD, 10).unwrap();
    assert_eq!(signed_in.claims.expires_at, at(10 + 900));
    assert_eq!(place.accounts.who(&signed_in.access, at(11)), Ok(signed_in.claims.clone()));
    let next = place.refresh(&signed_in.refresh.reveal(), 800).unwrap();
    assert_eq!(next.claims.expires_at, at(800 + 900));
    assert_ne!(next.refresh, signed_in.refresh);
}

#[test]
fn bb_w8_a_browser_that_has_only_its_cookie_left_signs_out_on_the_server() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let signed_in = place.sign_in("ada", PASSWORD, 0).unwrap();
    let cookie = signed_in.refresh.reveal();
    let sign_out = |text: &str, seconds| {
        block_on(place.accounts.sign_out(text, place.entropy(), &on(seconds, 1))).unwrap()
    };
    assert!(!sign_out("nonsense", 7_000) && !sign_out(&signed_in.access, 7_000));
    assert!(sign_out(&cookie, 7_000));
    assert!(!sign_out(&cookie, 7_001));
    assert_eq!(over(place.refresh(&cookie, 7_001)), Presented::Ended(EndedBy::Owner));
    assert_eq!(place.accounts.who(&signed_in.access, at(1)), Err(AccessRefused::Revoked));
}

#[test]
fn whoever_is_invited_gets_the_role_of_the_invitation_and_every_deed_is_noted_with_its_doer() {
    let place = Place::new();
    place.register("root", Role::Admin);
    let admin = place.sign_in("root", PASSWORD, 0).unwrap();
    let email = Some(Email::parse("ada@example.org").unwrap());
    let invite = |who: &SignedIn, role| {
        block_on(place.accounts.invite(&who.claims, role, email.clone(), place.entropy(), &on(1, 1)))
    };
    let link = invite(&admin, Role::Admin).unwrap();
    let who =
        Registration { username: "ada", email: "ada@example.org", password: PASSWORD, avatar_seed: None };
    let accept = || {
        let on = on(place.drawn.load(Ordering::Relaxed) as i64, 3);
        block_on(place.accounts.register(who, Role::Viewer, Some(&link), place.entropy(), &on))
    };
    assert_eq!(accept().unwrap().role, Role::Admin);
    assert!(matches!(accept(), Err(RegisterRefused::Link)), "once");
    let ada = place.sign_in("ada", PASSWORD, 2).unwrap();
    let give = |to: &SignedIn, role| {
        block_on(place.accounts.give_role(&admin.claims, to.account.id, role, &on(3, 1)))
    };
    give(&ada, Role::Member).unwrap();
    assert!(matches!(give(&admin, Role::Member), Err(DeedRefused::LastAdmin)));
    // The token of before says another role: it is refused at once, and a refresh gives one with the new role.
    assert_eq!(place.accounts.who(&ada.access, at(3)), Err(AccessRefused::Revoked));
    let ada = place.refresh(&ada.refresh.reveal(), 3).unwrap();
    assert_eq!(ada.claims.role, Role::Member);
    assert!(matches!(invite(&ada, Role::Admin), Err(DeedRefused::Forbidden)));
    let log = block_on(place.accounts.audit(&admin.claims, None, 9)).unwrap();
    let given = log.iter().find(|known| known.entry.kind == AuditKind::RoleGiven).unwrap();
    assert_eq!(
        (given.entry.on.by, given.entry.detail.as_str()),
        (Actor::Account(admin.account.id), "member")
    );
    assert!(block_on(place.accounts.audit(&ada.claims, None, 9)).is_err());
}

#[test]
fn whoever_may_invite_sees_open_invitations_without_their_secrets_and_withdraws_them() {
    let place = Place::new();
    place.register("root", Role::Admin);
    place.register("bob", Role::Member);
    let (admin, bob) =
        (place.sign_in("root", PASSWORD, 1).unwrap(), place.sign_in("bob", PASSWORD, 1).unwrap());
    let on_two = on(2, 1);
    let invite = place.accounts.invite(&admin.claims, Role::Viewer, None, place.entropy(), &on_two);
    let link = block_on(invite).unwrap();
    let list = |who: &SignedIn| block_on(place.accounts.invitations(&who.claims, at(3)));
    let open = list(&admin).unwrap();
    assert_eq!(open.iter().map(|invitation| invitation.role).collect::<Vec<_>>(), [Role::Viewer]);
    assert!(!link.reveal().contains(&open[0].id.to_string()));
    let withdraw =
        |who: &SignedIn| block_on(place.accounts.withdraw_invitation(&who.claims, open[0].id, &on(3, 1)));
    assert!(matches!(list(&bob), Err(DeedRefused::Forbidden)));
    assert!(matches!(withdraw(&bob), Err(DeedRefused::Forbidden)));
    assert!(withdraw(&admin).unwrap() && !withdraw(&admin).unwrap());
    assert!(list(&admin).unwrap().is_empty());
    let log = block_on(place.accounts.audit(&admin.claims, None, 1)).unwrap();
    assert_eq!(log[0].entry.kind, AuditKind::InvitationWithdrawn);
    assert_eq!(log[0].entry.on.by, Actor::Account(admin.account.id));
}

#[test]
fn a_hash_at_an_old_cost_is_made_anew_at_the_next_sign_in() {
    let place = Place::new();
    place.register("ada", Role::Member);
    let before = place.credentials("ada").password.unwrap();
    let dearer = HashingCost { passes: 2, ..HashingCost::CHEAPEST };
    *place.gate.hasher.lock().unwrap() = Some(Hasher::new(dearer).unwrap());
    place.sign_in("ada", PASSWORD, 0).unwrap();
    let after = place.credentials("ada").password.unwrap();
    assert!(before.as_str().contains("t=1") && after.as_str().contains("t=2"));
    assert!(place.sign_in("ada", PASSWORD, 1).is_ok());
}

#[test]
fn a_password_is_changed_with_the_old_one_or_a_link_and_other_sessions_end() {
    let place = Place::new();
    let ada = place.register("ada", Role::Member);
    let (one, two) = (place.sign_in("ada", PASSWORD, 0).unwrap(), place.sign_in("ada", PASSWORD, 0).unwrap());
    let change = |old: &str, new: &str| {
        block_on(place.accounts.change_password(&one.claims, old, new, place.entropy(), &on(1, 1)))
    };
    assert!(matches!(change("wrong password", "another harbor"), Err(PasswordRefused::Wrong)));
    assert!(matches!(change(PASSWORD, "12345678"), Err(PasswordRefused::Faults(_))));
    change(PASSWORD, "another harbor").unwrap();
    assert_eq!(over(place.refresh(&two.refresh.reveal(), 2)), Presented::Ended(EndedBy::Password));
    let kept = place.refresh(&one.refresh.reveal(), 2).unwrap();
    assert_eq!(kept.claims.version, 1);

    let email = Email::parse("ADA@example.org").unwrap();
    let (to, link) = block_on(place.accounts.ask_reset(&email, place.entropy(), &on(3, 1))).unwrap().unwrap();
    assert_eq!(to, ada.email, "to the address that is stored");
    let reset = |seconds| {
        block_on(place.accounts.reset_password(&link, "a third harbor", place.entropy(), &on(seconds, 1)))
    };
    assert_eq!(reset(4).unwrap().version, 2);
    assert!(matches!(reset(5), Err(PasswordRefused::Link)), "once");
    assert_eq!(over(place.refresh(&kept.refresh.reveal(), 5)), Presented::Ended(EndedBy::Password));
    assert!(place.sign_in("ada", "a third harbor", 60).is_ok());
}
