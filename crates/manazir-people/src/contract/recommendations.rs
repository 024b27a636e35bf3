//! Recommendations that other systems supply.

use manazir_model::Timestamp;

use super::{People, all, join};
use crate::{
    Action, GraphStore, Limits, PersonState, RECOMMENDATIONS_MAX, Rank, Recommendation, Refusal, UserId,
    Which,
};

pub(super) async fn check<P: People>(open: &impl AsyncFn(Limits) -> P) {
    they_are_kept_ranked_and_taken_back(open(Limits::default()).await).await;
    they_are_shown_while_they_make_sense(open(Limits::default()).await).await;
    they_have_an_end(open(Limits::default()).await).await;
}

fn new(user: u32, recommended: u32, score: u32) -> Recommendation {
    Recommendation {
        user: UserId(user),
        recommended: UserId(recommended),
        source: if recommended.is_multiple_of(2) { "even" } else { "odd" }.to_owned(),
        score,
        reason: format!("because {recommended}"),
        at: Timestamp(i64::from(score)),
    }
}

async fn shown(graph: &impl GraphStore, user: u32) -> Vec<u32> {
    let all = graph.recommendations(UserId(user), None, 100).await.unwrap();
    all.iter().map(|one| one.recommended.0).collect()
}

/// CM-9, CM-10, CM-11.
async fn they_are_kept_ranked_and_taken_back<P: People>(people: P) {
    join(&people, 8).await;
    let supplied = [new(1, 4, 5), new(1, 2, 7), new(1, 3, 5), new(1, 6, 1), new(2, 1, 1)];
    assert!(people.recommend(&supplied).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(shown(&people, 1).await, [2, 3, 4, 6]);
    let after = Some(Rank { score: 5, user: UserId(3) });
    let rest = people.recommendations(UserId(1), after, 1).await.unwrap();
    assert_eq!(rest, [new(1, 4, 5)]);
    // The same again, with another score.
    people.recommend(&[new(1, 6, 9)]).await.unwrap();
    assert_eq!(shown(&people, 1).await, [6, 2, 3, 4]);
    assert_eq!(people.withdraw(UserId(1), &Which::Recommended(vec![UserId(2), UserId(9)])).await.unwrap(), 1);
    assert_eq!(people.withdraw(UserId(1), &Which::Source("even".to_owned())).await.unwrap(), 2);
    assert_eq!(shown(&people, 1).await, [3]);
    assert_eq!(people.withdraw(UserId(1), &Which::All).await.unwrap(), 1);
    assert_eq!(people.withdraw(UserId(1), &Which::All).await.unwrap(), 0);
    assert_eq!((shown(&people, 1).await, shown(&people, 2).await), (vec![], vec![1]));
}

/// CM-W10, and what became of someone after they were recommended.
async fn they_are_shown_while_they_make_sense<P: People>(people: P) {
    join(&people, 8).await;
    let refusals = people.recommend(&[new(1, 1, 1), new(1, 9, 1), new(9, 1, 1), new(1, 2, 1)]).await.unwrap();
    let unknown = Err(Refusal::UnknownUser(UserId(9)));
    assert_eq!(refusals, [Err(Refusal::Oneself), unknown.clone(), unknown, Ok(())]);
    people.recommend(&[3, 4, 5, 6, 7, 8].map(|other| new(1, other, 1))).await.unwrap();
    all(&people, &[(1, Action::Connect, 2), (1, Action::Dismiss, 3), (4, Action::Block, 1)]).await;
    all(&people, &[(1, Action::Ask, 7)]).await;
    people.set_state(UserId(5), PersonState::Deactivated, Timestamp(9)).await.unwrap();
    people.set_state(UserId(6), PersonState::Erased, Timestamp(9)).await.unwrap();
    assert_eq!(shown(&people, 1).await, [8]);
    all(&people, &[(1, Action::Disconnect, 2)]).await;
    people.set_state(UserId(5), PersonState::Active, Timestamp(10)).await.unwrap();
    assert_eq!(shown(&people, 1).await, [2, 5, 8]);
}

async fn they_have_an_end<P: People>(people: P) {
    let count = RECOMMENDATIONS_MAX as u32;
    join(&people, count + 2).await;
    let supplied: Vec<Recommendation> = (2..=count + 2).map(|other| new(1, other, 1)).collect();
    let done = people.recommend(&supplied).await.unwrap();
    let (last, others) = done.split_last().unwrap();
    assert!(others.iter().all(Result::is_ok));
    assert!(matches!(last, Err(Refusal::TooMany { .. })), "{last:?}");
    assert_eq!(people.recommend(&[new(1, 2, 5)]).await.unwrap(), [Ok(())]);
}
