//! Suggestions: who is among them, in which order, and why.

use manazir_model::Timestamp;

use super::{People, all, join};
use crate::{
    Action, Error, Evidence, GraphStore, Limits, PersonState, Rank, Refusal, SuggestionQuery, Suggestions,
    UserId,
};

pub(super) async fn check<P: People>(open: &impl AsyncFn(Limits) -> P) {
    contacts_of_contacts_are_ranked(open(Limits::default()).await).await;
    nobody_is_suggested_who_should_not_be(open(Limits::default()).await).await;
    evidence_counts_and_is_told(open(Limits::default()).await).await;
}

async fn suggested(graph: &impl GraphStore, user: u32, query: &SuggestionQuery) -> Suggestions {
    graph.suggestions(UserId(user), query).await.unwrap()
}

/// User, score, contacts in common.
fn short(suggestions: &Suggestions) -> Vec<(u32, u32, u32)> {
    assert!(suggestions.is_complete);
    suggestions.items.iter().map(|one| (one.rank.user.0, one.rank.score, one.common)).collect()
}

fn most(max: usize) -> SuggestionQuery {
    SuggestionQuery { max, ..SuggestionQuery::default() }
}

/// 1 knows 2, 3, 4, 5; they know 6 (4 times), 7 and 8 (2 times each), 9 (once).
async fn acquainted(graph: &impl GraphStore) {
    let known = [(1, 2), (1, 3), (1, 4), (1, 5), (2, 6), (3, 6), (4, 6), (5, 6)];
    let others = [(2, 8), (3, 8), (4, 7), (5, 7), (5, 9), (9, 10)];
    let connect = |(one, other)| (one, Action::Connect, other);
    all(graph, &known.into_iter().chain(others).map(connect).collect::<Vec<_>>()).await;
}

/// BB-W30: by what they have in common, not by their names.
async fn contacts_of_contacts_are_ranked<P: People>(people: P) {
    join(&people, 10).await;
    acquainted(&people).await;
    let all = suggested(&people, 1, &most(10)).await;
    assert_eq!(short(&all), [(6, 4, 4), (7, 2, 2), (8, 2, 2), (9, 1, 1)]);
    assert_eq!(all.items[0].through, [2, 3, 4].map(UserId));
    assert_eq!(all.items[1].through, [4, 5].map(UserId));
    let reason = all.items[0].reason(|user| format!("user{user}"));
    assert_eq!(reason, "4 shared contacts (user2, user3, user4 and 1 more)");
    let after = Some(Rank { score: 2, user: UserId(7) });
    let rest = suggested(&people, 1, &SuggestionQuery { after, ..most(10) }).await;
    assert_eq!(short(&rest), [(8, 2, 2), (9, 1, 1)]);
    assert_eq!(short(&suggested(&people, 1, &most(2)).await), [(6, 4, 4), (7, 2, 2)]);
    for max in [0, 101] {
        let refused = people.suggestions(UserId(1), &most(max)).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Invalid { .. }))), "{refused:?}");
    }
}

/// BB-W30; dismissed is for good.
async fn nobody_is_suggested_who_should_not_be<P: People>(people: P) {
    join(&people, 10).await;
    acquainted(&people).await;
    let evidence =
        (2..=10).map(|user| (UserId(user), Evidence { services: 1, ..Evidence::default() })).collect();
    let query = SuggestionQuery { evidence, ..most(10) };
    let users = async || -> Vec<u32> {
        suggested(&people, 1, &query).await.items.iter().map(|one| one.rank.user.0).collect()
    };
    assert_eq!(users().await, [6, 7, 8, 9, 10]);
    all(&people, &[(1, Action::Ask, 6), (7, Action::Ask, 1), (8, Action::Block, 1), (1, Action::Dismiss, 9)])
        .await;
    assert_eq!(users().await, [10]);
    all(&people, &[(1, Action::Cancel, 6), (1, Action::Reject, 7), (8, Action::Unblock, 1)]).await;
    assert_eq!(users().await, [6, 7, 8, 10]);
    people.set_state(UserId(7), PersonState::Deactivated, Timestamp(90)).await.unwrap();
    people.set_state(UserId(6), PersonState::Erased, Timestamp(90)).await.unwrap();
    all(&people, &[(1, Action::Block, 10)]).await;
    assert_eq!(users().await, [8]);
    // Who was dismissed does not know.
    assert!(suggested(&people, 9, &most(10)).await.items.iter().any(|one| one.rank.user == UserId(1)));
}

async fn evidence_counts_and_is_told<P: People>(people: P) {
    join(&people, 12).await;
    acquainted(&people).await;
    let evidence = vec![
        (UserId(9), Evidence { services: 1, incidents: 1, ..Evidence::default() }),
        (UserId(11), Evidence { knows_entity: true, ..Evidence::default() }),
        (UserId(12), Evidence { on_call: true, ..Evidence::default() }),
        (UserId(10), Evidence::default()),
        (UserId(5), Evidence { incidents: 9, ..Evidence::default() }),
        (UserId(99), Evidence { incidents: 9, ..Evidence::default() }),
    ];
    let query = SuggestionQuery { evidence, ..most(10) };
    let all = suggested(&people, 1, &query).await;
    assert_eq!(short(&all), [(9, 6, 1), (6, 4, 4), (11, 4, 0), (7, 2, 2), (8, 2, 2), (12, 1, 0)]);
    let reason = all.items[0].reason(|user| format!("user{user}"));
    assert_eq!(reason, "1 shared contact (user5), 1 shared service, 1 shared incident");
    let two = suggested(&people, 1, &SuggestionQuery { max: 2, ..query.clone() }).await;
    assert_eq!(short(&two), [(9, 6, 1), (6, 4, 4)]);
    let after = Some(two.items[1].rank);
    assert_eq!(
        short(&suggested(&people, 1, &SuggestionQuery { after, ..query.clone() }).await)[0],
        (11, 4, 0)
    );
    // Someone new, who knows nobody.
    let new = suggested(&people, 12, &query).await;
    assert_eq!(short(&new)[..2], [(5, 27, 0), (9, 5, 0)]);
}
