//! What people do to each other, and the limits.

use super::{People, act, all, does, join, listed};
use crate::{Action, Error, GraphStore, Limits, List, Refusal, Relation, UserId};

pub(super) async fn check<P: People>(open: &impl AsyncFn(Limits) -> P) {
    a_request_becomes_a_connection(open(Limits::default()).await).await;
    requests_that_cross_become_a_connection(open(Limits::default()).await).await;
    requests_end_without_one(open(Limits::default()).await).await;
    a_block_ends_everything(open(Limits::default()).await).await;
    what_does_not_fit_is_refused(open(Limits::default()).await).await;
    one_refusal_stops_nothing_else(open(Limits::default()).await).await;
    the_limit_holds_on_both_sides(open(Limits { contacts: 3, ties: 2 }).await).await;
}

async fn sees(graph: &impl GraphStore, user: u32, other: u32) -> Relation {
    graph.relation(UserId(user), UserId(other)).await.unwrap()
}

async fn a_request_becomes_a_connection<P: People>(people: P) {
    join(&people, 2).await;
    let asked = does(&people, 1, Action::Ask, 2).await.unwrap();
    assert_eq!(asked.relation, Relation::AskedTo);
    assert_eq!(
        (sees(&people, 1, 2).await, sees(&people, 2, 1).await),
        (Relation::AskedTo, Relation::AskedBy)
    );
    assert_eq!(listed(&people, 1, List::AskedTo).await, [2]);
    assert_eq!(listed(&people, 2, List::AskedBy).await, [1]);
    let accepted = does(&people, 2, Action::Accept, 1).await.unwrap();
    assert!(accepted.seq > asked.seq);
    assert!(people.version().await.unwrap() >= accepted.seq);
    assert_eq!(
        (sees(&people, 1, 2).await, sees(&people, 2, 1).await),
        (Relation::Connected, Relation::Connected)
    );
    assert_eq!(
        (listed(&people, 1, List::Contacts).await, listed(&people, 2, List::Contacts).await),
        (vec![2], vec![1])
    );
    assert_eq!(listed(&people, 2, List::AskedBy).await, [0; 0]);
    // BB-W25: the second of two answers finds nothing to accept.
    assert_eq!(does(&people, 2, Action::Accept, 1).await, Err(Refusal::AlreadyConnected));
    assert!(does(&people, 1, Action::Disconnect, 2).await.is_ok());
    assert_eq!((sees(&people, 1, 2).await, sees(&people, 2, 1).await), (Relation::None, Relation::None));
    assert_eq!(sees(&people, 1, 1).await, Relation::Oneself);
}

async fn requests_that_cross_become_a_connection<P: People>(people: P) {
    join(&people, 2).await;
    all(&people, &[(1, Action::Ask, 2), (2, Action::Ask, 1)]).await;
    assert_eq!(sees(&people, 1, 2).await, Relation::Connected);
    for (user, list) in [(1, List::AskedTo), (1, List::AskedBy), (2, List::AskedTo), (2, List::AskedBy)] {
        assert_eq!(listed(&people, user, list).await, [0; 0], "{list:?} of {user}");
    }
}

async fn requests_end_without_one<P: People>(people: P) {
    join(&people, 3).await;
    all(&people, &[(1, Action::Ask, 2), (1, Action::Cancel, 2), (1, Action::Ask, 2), (2, Action::Reject, 1)])
        .await;
    assert_eq!(sees(&people, 1, 2).await, Relation::None);
    assert_eq!(does(&people, 1, Action::Cancel, 2).await, Err(Refusal::NoRequest));
    // A service needs no consent, and leaves no request behind.
    all(&people, &[(1, Action::Ask, 3), (3, Action::Connect, 1)]).await;
    assert_eq!(listed(&people, 3, List::AskedBy).await, [0; 0]);
    assert_eq!(listed(&people, 3, List::Contacts).await, [1]);
}

async fn a_block_ends_everything<P: People>(people: P) {
    join(&people, 4).await;
    all(&people, &[(1, Action::Connect, 2), (3, Action::Ask, 1), (1, Action::Ask, 4)]).await;
    all(
        &people,
        &[(1, Action::Block, 2), (1, Action::Block, 3), (4, Action::Block, 1), (1, Action::Block, 2)],
    )
    .await;
    assert_eq!(listed(&people, 1, List::Blocked).await, [2, 3]);
    // Who is blocked sees nothing of it.
    assert_eq!((sees(&people, 1, 2).await, sees(&people, 2, 1).await), (Relation::Blocked, Relation::None));
    assert_eq!(
        (listed(&people, 1, List::AskedBy).await, listed(&people, 1, List::AskedTo).await),
        (vec![], vec![])
    );
    for (by, action, to) in
        [(2, Action::Ask, 1), (1, Action::Ask, 2), (2, Action::Connect, 1), (1, Action::Import, 4)]
    {
        assert_eq!(does(&people, by, action, to).await, Err(Refusal::Blocked), "{by} {action:?} {to}");
    }
    all(&people, &[(1, Action::Unblock, 2), (2, Action::Ask, 1)]).await;
    assert_eq!(listed(&people, 1, List::AskedBy).await, [2]);
}

/// CM-W2, CM-W6, CM-W11, BB-W26.
async fn what_does_not_fit_is_refused<P: People>(people: P) {
    join(&people, 2).await;
    assert_eq!(does(&people, 1, Action::Connect, 1).await, Err(Refusal::Oneself));
    assert_eq!(does(&people, 1, Action::Connect, 9).await, Err(Refusal::UnknownUser(UserId(9))));
    assert_eq!(does(&people, 9, Action::Ask, 1).await, Err(Refusal::UnknownUser(UserId(9))));
    assert_eq!(does(&people, 1, Action::Disconnect, 2).await, Err(Refusal::NotConnected));
    all(&people, &[(1, Action::Connect, 2)]).await;
    assert_eq!(does(&people, 2, Action::Connect, 1).await, Err(Refusal::AlreadyConnected));
    let unknown = people.relation(UserId(1), UserId(9)).await;
    assert!(matches!(unknown, Err(Error::Refused(Refusal::UnknownUser(UserId(9))))), "{unknown:?}");
    assert_eq!(listed(&people, 1, List::Contacts).await, [2]);
}

async fn one_refusal_stops_nothing_else<P: People>(people: P) {
    join(&people, 4).await;
    let acts = [(1, 2), (1, 1), (1, 9), (1, 2), (1, 3)].map(|(by, to)| act(by, Action::Connect, to));
    let done = people.write(&acts).await.unwrap();
    let refusals: Vec<Option<&Refusal>> = done.iter().map(|done| done.as_ref().err()).collect();
    let unknown = Refusal::UnknownUser(UserId(9));
    let expected = [None, Some(&Refusal::Oneself), Some(&unknown), Some(&Refusal::AlreadyConnected), None];
    assert_eq!(refusals, expected);
    assert_eq!(listed(&people, 1, List::Contacts).await, [2, 3]);
    assert!(people.write(&[]).await.unwrap().is_empty());
}

async fn the_limit_holds_on_both_sides<P: People>(people: P) {
    join(&people, 9).await;
    all(
        &people,
        &[(1, Action::Connect, 2), (1, Action::Ask, 3), (3, Action::Accept, 1), (4, Action::Ask, 1)],
    )
    .await;
    all(&people, &[(1, Action::Connect, 5)]).await;
    let full = Err(Refusal::Full { user: UserId(1), max: 3 });
    for (by, action, to) in [
        (1, Action::Connect, 6),
        (6, Action::Connect, 1),
        (1, Action::Accept, 4),
        (6, Action::Ask, 1),
        (1, Action::Ask, 6),
    ] {
        assert_eq!(does(&people, by, action, to).await, full, "{by} {action:?} {to}");
    }
    // What was right elsewhere stays readable above the limit, and takes no more.
    all(&people, &[(1, Action::Import, 6), (7, Action::Import, 1)]).await;
    assert_eq!(listed(&people, 1, List::Contacts).await, [2, 3, 5, 6, 7]);
    assert_eq!(does(&people, 1, Action::Connect, 8).await, full);
    all(&people, &[(1, Action::Disconnect, 2), (1, Action::Disconnect, 3)]).await;
    assert_eq!(does(&people, 1, Action::Accept, 4).await, full);
    all(&people, &[(5, Action::Disconnect, 1), (1, Action::Accept, 4)]).await;
    assert_eq!(listed(&people, 1, List::Contacts).await, [4, 6, 7]);
    // Lists of other ties end, too.
    all(&people, &[(8, Action::Block, 2), (8, Action::Block, 3)]).await;
    let refused = does(&people, 8, Action::Block, 4).await;
    assert!(matches!(refused, Err(Refusal::TooMany { user: UserId(8), max: 2, .. })), "{refused:?}");
}
