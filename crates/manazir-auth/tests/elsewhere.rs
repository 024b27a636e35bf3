//! Signing in at a provider: who comes in, who does not, and that nothing of one sign-in is good for another.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Barrier};

use futures_executor::block_on;
use manazir_auth::access::AccessRules;
use manazir_auth::audit::{Actor, AuditKind, Occasion};
use manazir_auth::hashing::InPlace;
use manazir_auth::identity::{Claimed, Identity, ProviderError, TokenFault};
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret};
use manazir_auth::limit::SignInRates;
use manazir_auth::link::LinkSecret;
use manazir_auth::provider::{
    Answer, Begun, Elsewhere, Finished, LocalPath, ProviderRefused, ProviderRules, Wish,
};
use manazir_auth::service::{AccountRules, Authority, Registration};
use manazir_auth::session::{Device, SessionRules};
use manazir_auth::{Account, AccountId, AccountStore, Accounts, Hasher, HashingCost, Role, memory};
use manazir_model::Timestamp;

const ISSUER: &str = "https://login.example";
const NOW: i64 = 1_800_000_000;

fn secret() -> ServerSecret {
    ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap()
}

fn on(seconds: i64) -> Occasion {
    Occasion { by: Actor::Nobody, address: None, at: Timestamp::from_seconds(NOW + seconds) }
}

fn claimed(subject: &str, name: &str) -> Claimed {
    Claimed {
        identity: Identity::new(ISSUER, subject).unwrap(),
        email: Some(format!("{name}@example.org")),
        email_verified: true,
        username: Some(name.to_owned()),
        name: None,
    }
}

struct Place {
    store: Arc<memory::Accounts>,
    provider: Arc<memory::Provider>,
    accounts: Accounts,
    elsewhere: Elsewhere,
    drawn: AtomicU8,
}

impl Place {
    fn new(rules: ProviderRules) -> Self {
        let (store, provider) = (Arc::<memory::Accounts>::default(), Arc::new(memory::Provider::new(ISSUER)));
        let access = AccessRules { issuer: "https://manazir.example".into(), audience: "api".into() };
        let account_rules =
            AccountRules { access, sessions: SessionRules::default(), rates: SignInRates::default() };
        let key = KeyRecord::new([1; 32], &secret(), Timestamp::from_seconds(NOW));
        let keys = KeyRing::open(vec![key], &secret(), KeyRules::default());
        let gate = Arc::new(InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 1));
        let accounts = Accounts::new(Arc::clone(&store) as _, gate, account_rules, keys);
        let elsewhere = Elsewhere::new(Arc::clone(&provider) as _, "Login", rules, &secret());
        Self { store, provider, accounts, elsewhere, drawn: AtomicU8::new(0) }
    }

    fn open() -> Self {
        Self::new(ProviderRules { open: true, ..ProviderRules::default() })
    }

    fn entropy<const N: usize>(&self) -> [u8; N] {
        [self.drawn.fetch_add(1, Ordering::Relaxed); N]
    }

    fn begin(&self, wish: Wish, seconds: i64) -> (Begun, String) {
        let back = LocalPath::parse("/teams").unwrap();
        let begun = block_on(self.elsewhere.begin(wish, back, self.entropy(), on(seconds).at)).unwrap();
        let state = begun.address.split_once("state=").unwrap().1.to_owned();
        (begun, state)
    }

    fn finish(&self, kept: &str, answer: Answer<'_>, on: &Occasion) -> Result<Finished, ProviderRefused> {
        let (device, entropy) = (Device::new("a browser", None), self.entropy());
        block_on(self.elsewhere.finish(&self.accounts, Some(kept), answer, device, entropy, on))
    }

    fn come(&self, who: &Claimed, wish: Wish) -> Result<Finished, ProviderRefused> {
        let (begun, state) = self.begin(wish, 0);
        let code = self.provider.signs_in(&state, who);
        self.finish(&begun.kept, Answer { state: &state, code: Some(&code), ..Answer::default() }, &on(1))
    }

    fn sign_in(&self, who: &Claimed) -> Result<Account, ProviderRefused> {
        self.come(who, Wish::SignIn { invitation: None }).map(|done| done.signed_in.unwrap().account)
    }

    fn register(&self, name: &str) -> Account {
        let email = format!("{name}@example.org");
        let who =
            Registration { username: name, email: &email, password: "a quiet harbor", avatar_seed: None };
        block_on(self.accounts.register(who, Role::Member, None, self.entropy(), &on(0))).unwrap()
    }

    fn invite(&self, role: Role) -> LinkSecret {
        let on = on(0);
        block_on(self.accounts.invite(Authority::Installation, role, None, self.entropy(), &on)).unwrap()
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ProviderRefused>, why: &str) {
    assert_eq!(result.unwrap_err().to_string(), ProviderRefused::to_string(&wanted(why)));
}

fn wanted(why: &str) -> ProviderRefused {
    match why {
        "over" => ProviderRefused::Over,
        "closed" => ProviderRefused::Closed,
        "domain" => ProviderRefused::Domain,
        "known" => ProviderRefused::Known,
        "link" => ProviderRefused::Link,
        "banned" => ProviderRefused::Banned,
        "taken" => ProviderRefused::Taken,
        "signed out" => ProviderRefused::SignedOut,
        "no email" => ProviderRefused::NoEmail,
        other => panic!("{other}"),
    }
}

#[test]
fn the_subject_decides_and_never_the_address() {
    let place = Place::open();
    let ada = place.sign_in(&claimed("1", "ada")).unwrap();
    assert_eq!((ada.username.as_str(), ada.role), ("ada", Role::Member));
    let moved = Claimed { email: Some("new@example.org".into()), ..claimed("1", "countess") };
    assert_eq!(place.sign_in(&moved).unwrap(), ada, "with another address and name");
    // Whoever has the address now is somebody else.
    refused(place.sign_in(&claimed("2", "ada")), "known");
    let other = Claimed { email: Some("ada@elsewhere.example".into()), ..claimed("3", "ada") };
    assert_eq!(place.sign_in(&other).unwrap().username.as_str(), "ada2", "a name is made unique");
    assert_eq!(block_on(place.store.accounts(None, 9)).unwrap().len(), 2);
    let sessions = block_on(place.accounts.sessions(ada.id, on(2).at)).unwrap();
    assert_eq!((sessions.len(), sessions[0].device.name.as_str()), (2, "a browser"));
}

#[test]
fn an_unknown_identity_comes_by_invitation_or_where_it_is_open() {
    let place = Place::new(ProviderRules::default());
    refused(place.sign_in(&claimed("1", "ada")), "closed");
    let log = block_on(place.store.audit(None, 1)).unwrap();
    assert_eq!(log[0].entry.kind, AuditKind::SignInFailed);
    let invitation = place.invite(Role::Viewer);
    let by =
        |who: &Claimed, link: &LinkSecret| place.come(who, Wish::SignIn { invitation: Some(link.clone()) });
    let ada = by(&claimed("1", "ada"), &invitation).unwrap();
    assert_eq!((ada.signed_in.unwrap().account.role, ada.back.as_str()), (Role::Viewer, "/teams"));
    refused(by(&claimed("2", "bob"), &invitation), "link");
    assert!(place.sign_in(&claimed("1", "ada")).is_ok(), "known from then on");

    let domains = vec!["Example.org".to_owned()];
    let place = Place::new(ProviderRules { open: true, domains, link_by_email: false });
    assert!(place.sign_in(&claimed("1", "ada")).is_ok());
    refused(place.sign_in(&Claimed { email_verified: false, ..claimed("2", "bob") }), "domain");
    for email in ["bob@example.com", "bob@sub.example.org", "bob@example.org.evil.example"] {
        refused(place.sign_in(&Claimed { email: Some(email.into()), ..claimed("2", "bob") }), "domain");
    }
    refused(place.sign_in(&Claimed { email: None, ..claimed("2", "bob") }), "no email");
    refused(place.sign_in(&Claimed { email: Some("bob".into()), ..claimed("2", "bob") }), "no email");
}

#[test]
fn an_account_with_the_address_is_not_taken_over() {
    let place = Place::open();
    place.register("ada");
    refused(place.sign_in(&claimed("1", "ada")), "known");
    let invitation = Some(place.invite(Role::Admin));
    refused(place.come(&claimed("1", "ada"), Wish::SignIn { invitation }), "known");

    let place = Place::new(ProviderRules { link_by_email: true, ..ProviderRules::default() });
    let ada = place.register("ada");
    refused(place.sign_in(&Claimed { email_verified: false, ..claimed("1", "ada") }), "known");
    assert_eq!(place.sign_in(&claimed("1", "ada")).unwrap().id, ada.id, "the provider vouches for it");
    refused(place.sign_in(&claimed("2", "bob")), "closed");
    let bob = place.register("bob");
    block_on(place.store.set_banned(bob.id, true, &on(1))).unwrap();
    refused(place.sign_in(&claimed("2", "bob")), "banned");
    assert_eq!(block_on(place.store.identities(bob.id)).unwrap(), []);
}

#[test]
fn who_has_signed_in_links_and_the_banned_stay_out() {
    let place = Place::open();
    let bob = place.register("bob");
    let sign_in = || {
        let device = Device::new("a browser", None);
        let (email, on) = ("bob@example.org", on(0));
        block_on(place.accounts.sign_in(email, "a quiet harbor", device, place.entropy(), &on)).unwrap()
    };
    let claims = sign_in().claims;
    let wish = Wish::Link { account: bob.id, session: claims.session };
    let who = claimed("1", "somebody");
    let done = place.come(&who, wish.clone()).unwrap();
    assert!(done.signed_in.is_none());
    let (linked, log) = (block_on(place.accounts.identities(bob.id)), block_on(place.store.audit(None, 1)));
    assert_eq!(linked.unwrap()[0].label, "somebody@example.org");
    assert_eq!(log.unwrap()[0].entry.on.by, Actor::Account(bob.id));
    assert_eq!(place.sign_in(&who).unwrap().id, bob.id);
    place.sign_in(&claimed("2", "eve")).unwrap();
    refused(place.come(&claimed("2", "eve"), wish.clone()), "taken");
    block_on(place.accounts.end_session(&claims, claims.session, &on(2))).unwrap();
    refused(place.come(&claimed("3", "more"), wish), "signed out");
    block_on(place.store.set_banned(bob.id, true, &on(3))).unwrap();
    refused(place.sign_in(&who), "banned");
    assert_eq!(block_on(place.accounts.sessions(bob.id, on(4).at)).unwrap(), []);
}

#[test]
fn nothing_of_one_sign_in_is_good_for_another() {
    let place = Place::open();
    let wish = || Wish::SignIn { invitation: None };
    let (mine, my_state) = place.begin(wish(), 0);
    let (theirs, their_state) = place.begin(wish(), 0);
    let code = place.provider.signs_in(&their_state, &claimed("1", "eve"));
    let answer = |state, code| Answer { state, code: Some(code), ..Answer::default() };
    // Somebody else's answer in my browser: I would be signed in as them.
    refused(place.finish(&mine.kept, answer(&their_state, &code), &on(1)), "over");
    refused(place.finish("", answer(&their_state, &code), &on(1)), "over");
    let injected = place.finish(&mine.kept, answer(&my_state, &code), &on(1)).unwrap_err();
    assert!(matches!(injected, ProviderRefused::Provider(ProviderError::Code(_))), "{injected:?}");

    refused(place.finish(&theirs.kept, answer(&their_state, "x"), &on(601)), "over");
    let code = place.provider.signs_in(&their_state, &claimed("1", "eve"));
    assert!(place.finish(&theirs.kept, answer(&their_state, &code), &on(2)).is_ok());
    let code = place.provider.signs_in(&their_state, &claimed("1", "eve"));
    refused(place.finish(&theirs.kept, answer(&their_state, &code), &on(3)), "over");

    let (begun, state) = place.begin(wish(), 0);
    let code = place.provider.signs_in(&state, &claimed("1", "eve"));
    let mixed_up = Answer { issuer: Some("https://other.example"), ..answer(&state, &code) };
    let mixed_up = place.finish(&begun.kept, mixed_up, &on(3)).unwrap_err();
    assert!(matches!(mixed_up, ProviderRefused::Provider(ProviderError::Token(TokenFault::Issuer))));
    for (error, word) in [("access_denied", "access_denied"), ("<b>\r\n", "b")] {
        let (begun, state) = place.begin(wish(), 0);
        let denied = Answer { state: &state, error: Some(error), code: Some("x"), ..Answer::default() };
        let denied = place.finish(&begun.kept, denied, &on(3)).unwrap_err();
        assert!(matches!(&denied, ProviderRefused::Denied(told) if told == word), "{denied:?}");
    }
    place.provider.set_away(true);
    let away = block_on(place.elsewhere.begin(wish(), LocalPath::default(), [1; 32], on(4).at));
    assert!(matches!(away, Err(ProviderError::Away(_))));
}

#[test]
fn whoever_guesses_states_is_held_back() {
    let place = Place::open();
    let from = Occasion { address: Some([192, 0, 2, 1].into()), ..on(1) };
    let held = (0..30).filter(|_| {
        let (begun, state) = place.begin(Wish::SignIn { invitation: None }, 0);
        let made_up = Answer { state: &state, code: Some("made up"), ..Answer::default() };
        matches!(place.finish(&begun.kept, made_up, &from), Err(ProviderRefused::Limited(_)))
    });
    assert_eq!(held.count(), 10);
}

#[test]
fn whoever_comes_in_sixteen_tabs_at_once_has_one_account() {
    let (place, ready) = (Place::open(), Barrier::new(16));
    let ids: HashSet<AccountId> = std::thread::scope(|scope| {
        let tab = || {
            ready.wait();
            place.sign_in(&claimed("1", "ada")).unwrap().id
        };
        let tabs: Vec<_> = (0..16).map(|_| scope.spawn(tab)).collect();
        tabs.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    assert_eq!((ids.len(), block_on(place.store.accounts(None, 9)).unwrap().len()), (1, 1));
}
