//! Pages of lists.

use super::{People, act, all, join, listed};
use crate::{Action, Error, GraphStore, Limits, List, Listing, Page, Refusal, Start, UserId};

pub(super) async fn check<P: People>(open: &impl AsyncFn(Limits) -> P) {
    pages_are_in_order_and_the_last_one_says_so(open(Limits::default()).await).await;
    a_cursor_is_moved_by_no_change_before_it(open(Limits::default()).await).await;
    ties_come_with_their_time(open(Limits::default()).await).await;
    mutual_contacts_are_those_of_both(open(Limits::default()).await).await;
}

fn users(listing: &Listing) -> Vec<u32> {
    listing.items.iter().map(|listed| listed.user.0).collect()
}

async fn page(graph: &impl GraphStore, user: u32, start: Start, max: usize) -> Listing {
    graph.list(UserId(user), List::Contacts, &Page::new(start, max).unwrap()).await.unwrap()
}

/// CM-W3, CM-W4.
async fn pages_are_in_order_and_the_last_one_says_so<P: People>(people: P) {
    join(&people, 9).await;
    all(&people, &[8, 3, 5, 2, 9].map(|other| (4, Action::Connect, other))).await;
    let cases: [(Start, usize, &[u32], Option<u32>); 8] = [
        (Start::Offset(0), 2, &[2, 3], Some(3)),
        (Start::After(UserId(3)), 2, &[5, 8], Some(8)),
        (Start::After(UserId(8)), 2, &[9], None),
        (Start::After(UserId(6)), 2, &[8, 9], None),
        (Start::After(UserId(0)), 5, &[2, 3, 5, 8, 9], None),
        (Start::Offset(3), 2, &[8, 9], None),
        (Start::Offset(5), 2, &[], None),
        (Start::Offset(usize::MAX), 2, &[], None),
    ];
    for (start, max, expected, next) in cases {
        let listing = page(&people, 4, start, max).await;
        assert_eq!(users(&listing), expected, "{start:?}");
        assert_eq!(listing.next.map(|next| next.0), next, "{start:?}");
        assert_eq!(listing.total, 5, "{start:?}");
    }
    assert_eq!(page(&people, 1, Start::Offset(0), 9).await, Listing::default());
    let unknown = people.list(UserId(77), List::Contacts, &Page::default()).await;
    assert!(matches!(unknown, Err(Error::Refused(Refusal::UnknownUser(UserId(77))))), "{unknown:?}");
    for max in [0, 101] {
        assert!(matches!(Page::new(Start::Offset(0), max), Err(Refusal::Invalid { .. })));
    }
}

async fn a_cursor_is_moved_by_no_change_before_it<P: People>(people: P) {
    join(&people, 9).await;
    all(&people, &[2, 3, 5, 8, 9].map(|other| (4, Action::Connect, other))).await;
    let first = page(&people, 4, Start::Offset(0), 2).await;
    all(&people, &[(4, Action::Disconnect, 3), (4, Action::Disconnect, 2), (4, Action::Connect, 1)]).await;
    let second = page(&people, 4, Start::After(first.next.unwrap()), 2).await;
    assert_eq!((users(&first), users(&second)), (vec![2, 3], vec![5, 8]));
}

async fn ties_come_with_their_time<P: People>(people: P) {
    join(&people, 4).await;
    all(&people, &[(1, Action::Ask, 3), (1, Action::Ask, 2), (4, Action::Ask, 1), (1, Action::Dismiss, 4)])
        .await;
    for (user, list, expected) in [
        (1, List::AskedTo, vec![2, 3]),
        (1, List::AskedBy, vec![4]),
        (2, List::AskedBy, vec![1]),
        (1, List::Dismissed, vec![4]),
        (1, List::Blocked, vec![]),
    ] {
        assert_eq!(listed(&people, user, list).await, expected, "{list:?} of {user}");
    }
    let asked = people.list(UserId(3), List::AskedBy, &Page::default()).await.unwrap();
    assert_eq!(asked.items[0].at, Some(act(1, Action::Ask, 3).at));
    let contacts = page(&people, 1, Start::Offset(0), 1).await;
    assert!(contacts.items.iter().all(|contact| contact.at.is_none()));
}

/// BB-19.
async fn mutual_contacts_are_those_of_both<P: People>(people: P) {
    join(&people, 9).await;
    all(&people, &[3, 4, 5, 7].map(|other| (1, Action::Connect, other))).await;
    all(&people, &[4, 5, 6, 7].map(|other| (2, Action::Connect, other))).await;
    let mutual = async |one, other, start| {
        people.mutual(UserId(one), UserId(other), &Page::new(start, 2).unwrap()).await.unwrap()
    };
    let first = mutual(1, 2, Start::Offset(0)).await;
    assert_eq!((users(&first), first.total, first.next), (vec![4, 5], 3, Some(UserId(5))));
    let second = mutual(2, 1, Start::After(UserId(5))).await;
    assert_eq!((users(&second), second.total, second.next), (vec![7], 3, None));
    assert_eq!(mutual(1, 9, Start::Offset(0)).await, Listing::default());
    assert_eq!(mutual(1, 1, Start::Offset(0)).await.total, 4);
}
