//! Each transition of the state machine, and each thing that stops one.

use expect_test::{Expect, expect};
use manazir_model::Timestamp;

use super::*;

const ME: UserId = UserId(1);
const YOU: UserId = UserId(2);

const ACTIONS: [Action; 10] = [
    Action::Connect,
    Action::Import,
    Action::Disconnect,
    Action::Ask,
    Action::Accept,
    Action::Reject,
    Action::Cancel,
    Action::Block,
    Action::Unblock,
    Action::Dismiss,
];

fn act(action: Action) -> Act {
    Act { by: ME, to: YOU, action, at: Timestamp(7) }
}

fn sides(pair: Pair) -> Facts {
    let side = Side { state: Some(PersonState::Active), ..Side::default() };
    Facts { by: side, to: side, pair }
}

/// What each action does where `facts` hold, one a line.
fn table(facts: &Facts) -> String {
    let row = |action| {
        let says = match decide(&act(action), facts, &Limits { contacts: 3, ties: 2 }) {
            Ok(changes) if changes.is_empty() => "nothing".to_owned(),
            Ok(changes) => changes.iter().map(short).collect::<Vec<_>>().join(", "),
            Err(refusal) => format!("refused: {refusal}"),
        };
        format!("{:<10} {says}\n", format!("{action:?}"))
    };
    ACTIONS.map(row).concat()
}

fn short(change: &Change) -> String {
    match change {
        Change::Person { user, state } => format!("{user} is {state:?}"),
        Change::Connected { one, other } => format!("{one}={other}"),
        Change::Disconnected { one, other } => format!("not {one}={other}"),
        Change::Tied { kind, from, to, .. } => format!("{kind:?} {from}>{to}"),
        Change::Untied { kind, from, to } => format!("not {kind:?} {from}>{to}"),
    }
}

#[track_caller]
fn check(pair: Pair, expected: Expect) {
    expected.assert_eq(&table(&sides(pair)));
}

#[test]
fn from_none() {
    check(
        Pair::default(),
        expect![[r#"
        Connect    1=2
        Import     1=2
        Disconnect refused: the two are not connected
        Ask        Asked 1>2
        Accept     refused: there is no request
        Reject     refused: there is no request
        Cancel     refused: there is no request
        Block      Blocked 1>2
        Unblock    nothing
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_asked() {
    check(
        Pair { asked: true, ..Pair::default() },
        expect![[r#"
        Connect    not Asked 1>2, 1=2
        Import     not Asked 1>2, 1=2
        Disconnect refused: the two are not connected
        Ask        refused: a request is already waiting for an answer
        Accept     refused: there is no request
        Reject     refused: there is no request
        Cancel     not Asked 1>2
        Block      not Asked 1>2, Blocked 1>2
        Unblock    nothing
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_asked_by_the_other() {
    check(
        Pair { asked_by: true, ..Pair::default() },
        expect![[r#"
        Connect    not Asked 2>1, 1=2
        Import     not Asked 2>1, 1=2
        Disconnect refused: the two are not connected
        Ask        not Asked 2>1, 1=2
        Accept     not Asked 2>1, 1=2
        Reject     not Asked 2>1
        Cancel     refused: there is no request
        Block      not Asked 2>1, Blocked 1>2
        Unblock    nothing
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_connected() {
    check(
        Pair { connected: true, ..Pair::default() },
        expect![[r#"
        Connect    refused: the two are already connected
        Import     refused: the two are already connected
        Disconnect not 1=2
        Ask        refused: the two are already connected
        Accept     refused: the two are already connected
        Reject     refused: there is no request
        Cancel     refused: there is no request
        Block      not 1=2, Blocked 1>2
        Unblock    nothing
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_blocked() {
    check(
        Pair { blocked: true, ..Pair::default() },
        expect![[r#"
        Connect    refused: the two cannot be connected
        Import     refused: the two cannot be connected
        Disconnect refused: the two are not connected
        Ask        refused: the two cannot be connected
        Accept     refused: the two cannot be connected
        Reject     refused: there is no request
        Cancel     refused: there is no request
        Block      nothing
        Unblock    not Blocked 1>2
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_blocked_by_the_other() {
    check(
        Pair { blocked_by: true, ..Pair::default() },
        expect![[r#"
        Connect    refused: the two cannot be connected
        Import     refused: the two cannot be connected
        Disconnect refused: the two are not connected
        Ask        refused: the two cannot be connected
        Accept     refused: the two cannot be connected
        Reject     refused: there is no request
        Cancel     refused: there is no request
        Block      Blocked 1>2
        Unblock    nothing
        Dismiss    Dismissed 1>2
    "#]],
    );
}

#[test]
fn from_dismissed() {
    check(
        Pair { dismissed: true, ..Pair::default() },
        expect![[r#"
        Connect    1=2
        Import     1=2
        Disconnect refused: the two are not connected
        Ask        Asked 1>2
        Accept     refused: there is no request
        Reject     refused: there is no request
        Cancel     refused: there is no request
        Block      Blocked 1>2
        Unblock    nothing
        Dismiss    nothing
    "#]],
    );
}

#[test]
fn a_deactivated_person_gets_nothing_new_and_can_be_left() {
    for pair in [Pair { asked_by: true, ..Pair::default() }, Pair { connected: true, ..Pair::default() }] {
        let mut facts = sides(pair);
        facts.to.state = Some(PersonState::Deactivated);
        let connected = decide(&act(Action::Disconnect), &facts, &Limits::default()).is_ok();
        assert_eq!(connected, pair.connected);
        assert_eq!(decide(&act(Action::Reject), &facts, &Limits::default()).is_ok(), pair.asked_by);
        assert!(decide(&act(Action::Block), &facts, &Limits::default()).is_ok());
        for action in [Action::Connect, Action::Ask, Action::Accept] {
            assert!(decide(&act(action), &facts, &Limits::default()).is_err(), "{action:?}");
        }
    }
}

/// CM-W2, BB-W26: nothing is written about people who do not exist. CM-W11: nor about one person alone.
#[test]
fn nothing_is_done_to_nobody_and_to_oneself() {
    for (at, state) in [(0, None), (1, None), (0, Some(PersonState::Erased)), (1, Some(PersonState::Erased))]
    {
        let mut facts = sides(Pair::default());
        let (side, user) = if at == 0 { (&mut facts.by, ME) } else { (&mut facts.to, YOU) };
        side.state = state;
        for action in ACTIONS {
            let refused = decide(&act(action), &facts, &Limits::default());
            assert_eq!(refused, Err(Refusal::UnknownUser(user)), "{action:?}");
        }
    }
    for action in ACTIONS {
        let refused = decide(&Act { to: ME, ..act(action) }, &sides(Pair::default()), &Limits::default());
        assert_eq!(refused, Err(Refusal::Oneself), "{action:?}");
    }
}

#[test]
fn who_has_all_contacts_gets_no_further_ones_on_either_side() {
    for (mine, yours, full) in [(3, 0, ME), (0, 3, YOU), (4, 0, ME), (0, 4, YOU)] {
        let mut facts = sides(Pair { asked_by: true, ..Pair::default() });
        (facts.by.contacts, facts.to.contacts) = (mine, yours);
        let limits = Limits { contacts: 3, ties: 2 };
        for action in [Action::Connect, Action::Ask, Action::Accept] {
            let refused = decide(&act(action), &facts, &limits);
            assert_eq!(refused, Err(Refusal::Full { user: full, max: 3 }), "{action:?}");
        }
        assert!(decide(&act(Action::Import), &facts, &limits).is_ok());
        assert!(decide(&act(Action::Reject), &facts, &limits).is_ok());
    }
}

#[test]
fn other_lists_have_an_end_too() {
    let limits = Limits { contacts: 3, ties: 2 };
    let full =
        Side { state: Some(PersonState::Active), asked: 2, blocked: 2, dismissed: 2, ..Side::default() };
    let facts = Facts { by: full, ..sides(Pair::default()) };
    for action in [Action::Ask, Action::Block, Action::Dismiss] {
        let refused = decide(&act(action), &facts, &limits);
        assert!(matches!(refused, Err(Refusal::TooMany { user: ME, max: 2, .. })), "{action:?}: {refused:?}");
    }
    let mut facts = sides(Pair::default());
    facts.to.asked_by = 2;
    let refused = decide(&act(Action::Ask), &facts, &limits);
    assert!(matches!(refused, Err(Refusal::TooMany { user: YOU, max: 2, .. })), "{refused:?}");
}
