//! The same done to the truth in memory comes to the same.

use manazir_model::{Random, Timestamp};
use manazir_people::memory::InMemoryPeople;
use manazir_people::{
    Act, Action, ConnectionLog as _, Evidence, GraphStore as _, Limits, NewProfile, PeopleStore as _,
    PersonState, SuggestionQuery, UserId, contract,
};

use super::on_both;

const PEOPLE: u32 = 30;

const ACTIONS: [Action; 12] = [
    Action::Connect,
    Action::Connect,
    Action::Connect,
    Action::Import,
    Action::Ask,
    Action::Accept,
    Action::Reject,
    Action::Cancel,
    Action::Disconnect,
    Action::Block,
    Action::Unblock,
    Action::Dismiss,
];

fn some_acts(random: &mut Random, count: usize) -> Vec<Act> {
    let user = |random: &mut Random| 1 + random.below(PEOPLE as usize + 1) as u32;
    let mut act = |_| {
        let (by, to) = (user(random), user(random));
        Act { at: Timestamp(random.below(1_000) as i64), ..contract::act(by, ACTIONS[random.below(12)], to) }
    };
    (0..count).map(&mut act).collect()
}

/// What many acts in one call do is what each does after the other; suggestions are the same, with evidence or
/// without, page by page. CM-W2, CM-W6, BB-W26.
#[tokio::test]
async fn acts_and_suggestions_come_to_the_same_needs_postgres() {
    let limits = Limits { contacts: 12, ties: 6 };
    on_both(limits, async |people| {
        let twin = InMemoryPeople::new(limits, 100_000);
        contract::join(&people, PEOPLE).await;
        contract::join(&twin, PEOPLE).await;
        let mut random = Random::new(5);
        for round in 0..40 {
            let count = 1 + random.below(60);
            let acts = some_acts(&mut random, count);
            assert_eq!(people.write(&acts).await.unwrap(), twin.write(&acts).await.unwrap(), "round {round}");
            if round % 10 == 9 {
                let user = UserId(1 + random.below(PEOPLE as usize) as u32);
                let state = if round == 39 { PersonState::Erased } else { PersonState::Deactivated };
                let ours = people.set_state(user, state, Timestamp(3)).await.unwrap();
                assert_eq!(ours, twin.set_state(user, state, Timestamp(3)).await.unwrap());
            }
        }
        let all = twin.changes_after(0, usize::MAX).await.unwrap();
        assert_eq!(people.changes_after(0, usize::MAX).await.unwrap(), all);
        let all = twin.snapshot_after(None, usize::MAX).await.unwrap();
        assert_eq!(people.snapshot_after(None, usize::MAX).await.unwrap(), all);
        for after in &all {
            let rest = twin.snapshot_after(Some(*after), 40).await.unwrap();
            assert_eq!(people.snapshot_after(Some(*after), 40).await.unwrap(), rest, "{after:?}");
        }
        for user in (1..=PEOPLE).map(UserId) {
            same_suggestions(&people, &twin, user, &mut random).await;
        }
    })
    .await;
}

async fn same_suggestions(
    people: &manazir_sql::SqlPeople,
    twin: &InMemoryPeople,
    user: UserId,
    random: &mut Random,
) {
    let mut evidence = Vec::new();
    for other in (1..=PEOPLE + 2).map(UserId) {
        if random.below(4) == 0 {
            let (services, incidents) = (random.below(3) as u32, random.below(2) as u32);
            let (knows_entity, on_call) = (random.below(2) == 0, random.below(2) == 0);
            evidence.push((other, Evidence { services, incidents, knows_entity, on_call }));
        }
    }
    for evidence in [Vec::new(), evidence] {
        let mut query = SuggestionQuery { evidence, after: None, max: 4 };
        loop {
            let (ours, theirs) =
                (people.suggestions(user, &query).await, twin.suggestions(user, &query).await);
            let Ok(theirs) = theirs else {
                assert_eq!(ours.unwrap_err().to_string(), theirs.unwrap_err().to_string());
                break;
            };
            assert_eq!(ours.unwrap(), theirs, "{user} {query:?}");
            let Some(last) = theirs.items.last() else { break };
            query.after = Some(last.rank);
        }
    }
}

/// BB-W35: whatever is typed, the same people in the same order.
#[tokio::test]
async fn searches_find_the_same_needs_postgres() {
    const LETTERS: [&str; 16] =
        ["a", "A", "n", "an", "é", "É", "ß", "İ", "Σ", "%", "_", "\\", "\"", "'", " ", "\u{10ffff}"];
    let text = |random: &mut Random, most: usize| -> String {
        (0..random.below(most)).map(|_| LETTERS[random.below(16)]).collect()
    };
    on_both(Limits::default(), async |people| {
        let (twin, mut random) = (InMemoryPeople::default(), Random::new(9));
        for number in 1..=150 {
            let username = ["an", "na", "Anna", "n-a"][random.below(4)];
            let username = (random.below(3) > 0).then(|| format!("{username}{number}"));
            let new = NewProfile { username, name: Some(text(&mut random, 9)), ..contract::person(number) };
            assert_eq!(people.create(&new).await.unwrap(), twin.create(&new).await.unwrap());
            if number % 11 == 0 {
                let states = [PersonState::Deactivated, PersonState::Erased];
                let (user, state) = (UserId(number), states[random.below(2)]);
                people.set_state(user, state, Timestamp(1)).await.unwrap();
                twin.set_state(user, state, Timestamp(1)).await.unwrap();
            }
        }
        for _ in 0..400 {
            let (query, max) = (text(&mut random, 5), [0, 1, 5, 200][random.below(4)]);
            let (ours, theirs) = (people.search(&query, max).await, twin.search(&query, max).await);
            assert_eq!(ours.unwrap(), theirs.unwrap(), "{query:?}");
        }
        for query in
            ["\0", "a\0b", "\u{1a}0", "a\nb", &"n".repeat(70), "\"\"\"", "an\" OR \"na", "a*", "^an", "nan-"]
        {
            let (ours, theirs) = (people.search(query, 9).await, twin.search(query, 9).await);
            assert_eq!(ours.unwrap(), theirs.unwrap(), "{query:?}");
        }
    })
    .await;
}
