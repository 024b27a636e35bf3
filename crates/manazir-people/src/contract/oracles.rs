//! Answers compared with those of plain set arithmetic, on graphs that are written as text.
//!
//! A graph is lines of `u,v` after a header, numbered from 0; user n of it has the number n + 1 here. Beside it stand
//! `user,rank,candidate,common` (the ten best suggestions of some users) and `a,b,count,first10` (contacts in common of
//! some pairs, the first ten). A stream is lines of `t_ms,op,person1,person2`, with any numbers for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use manazir_model::Timestamp;

use super::{People, join};
use crate::{Act, Action, Error, GraphStore, Page, Rank, Start, SuggestionQuery, UserId};

/// Acts that are written at once.
const ACTS: usize = 10_000;

/// What came out of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Answers that were compared.
    pub answers: usize,
    /// Those that differ, in words.
    pub differing: Vec<String>,
}

impl fmt::Display for Compared {
    /// How many there are, and the first ten that differ, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers, {} differ", self.answers, self.differing.len())?;
        self.differing.iter().take(10).try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl Compared {
    fn equal<T: PartialEq + fmt::Debug>(&mut self, what: impl FnOnce() -> String, expected: &T, found: &T) {
        self.answers += 1;
        if expected != found {
            self.differing.push(format!("{}: expected {expected:?}, found {found:?}", what()));
        }
    }
}

/// Lines of numbers after the header; what is no number is not there.
fn rows(text: &str) -> impl Iterator<Item = Vec<u64>> + '_ {
    text.lines()
        .skip(1)
        .map(|line| line.split([',', ' ', ';', '|']).filter_map(|one| one.parse().ok()).collect())
}

fn user(number: u64) -> UserId {
    UserId(number as u32 + 1)
}

/// Everyone joins and is connected, past all limits.
///
/// # Panics
/// If the store does not let them.
pub async fn load(people: &impl People, edges: &str) -> Result<(), Error> {
    let edges: Vec<(UserId, UserId)> = edges
        .lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(one, other)| Some((user(one.parse().ok()?), user(other.parse().ok()?))))
        .collect();
    let last = edges.iter().map(|(one, other)| one.max(other).0).max().unwrap_or(0);
    join(people, last).await;
    for edges in edges.chunks(ACTS) {
        let acts: Vec<Act> = edges
            .iter()
            .map(|(one, other)| Act { by: *one, to: *other, action: Action::Import, at: Timestamp(0) })
            .collect();
        for done in people.write(&acts).await? {
            done?;
        }
    }
    Ok(())
}

/// The ten best suggestions of each user that the oracle names.
pub async fn suggestions(graph: &impl GraphStore, oracle: &str) -> Result<Compared, Error> {
    let mut expected: BTreeMap<UserId, Vec<Rank>> = BTreeMap::new();
    for row in rows(oracle) {
        if let [of, _, candidate, common] = row[..] {
            expected.entry(user(of)).or_default().push(Rank { score: common as u32, user: user(candidate) });
        }
    }
    let mut compared = Compared::default();
    for (user, expected) in expected {
        let found = ten_best(graph, user).await?;
        compared.equal(|| format!("suggestions of {user}"), &expected, &found);
    }
    Ok(compared)
}

/// Contacts in common of each pair that the oracle names.
pub async fn mutual(graph: &impl GraphStore, oracle: &str) -> Result<Compared, Error> {
    let mut compared = Compared::default();
    for row in rows(oracle) {
        if let [one, other, count, ref first @ ..] = row[..] {
            let expected: (usize, Vec<UserId>) =
                (count as usize, first.iter().map(|one| user(*one)).collect());
            let found = ten_mutual(graph, user(one), user(other)).await?;
            compared.equal(|| format!("contacts in common of {one} and {other}"), &expected, &found);
        }
    }
    Ok(compared)
}

async fn ten_best(graph: &impl GraphStore, user: UserId) -> Result<Vec<Rank>, Error> {
    let query = SuggestionQuery { max: 10, ..SuggestionQuery::default() };
    Ok(graph.suggestions(user, &query).await?.items.iter().map(|one| one.rank).collect())
}

async fn ten_mutual(
    graph: &impl GraphStore,
    one: UserId,
    other: UserId,
) -> Result<(usize, Vec<UserId>), Error> {
    let listing = graph.mutual(one, other, &Page::new(Start::Offset(0), 10)?).await?;
    Ok((listing.total, listing.items.iter().map(|listed| listed.user).collect()))
}

/// Sets of neighbours, and nothing clever.
#[derive(Default)]
struct Sets(BTreeMap<UserId, BTreeSet<UserId>>);

impl Sets {
    fn of(&self, user: UserId) -> BTreeSet<UserId> {
        self.0.get(&user).cloned().unwrap_or_default()
    }

    /// False if that holds already.
    fn set(&mut self, one: UserId, other: UserId, connected: bool) -> bool {
        let mut half = |one, other| {
            let set = self.0.entry(one).or_default();
            if connected { set.insert(other) } else { set.remove(&other) }
        };
        half(one, other) && half(other, one)
    }

    fn ten_best(&self, user: UserId) -> Vec<Rank> {
        let own = self.of(user);
        let mut counts: BTreeMap<UserId, u32> = BTreeMap::new();
        for second in own.iter().flat_map(|contact| self.of(*contact)) {
            if second != user && !own.contains(&second) {
                *counts.entry(second).or_default() += 1;
            }
        }
        let mut ranks: Vec<Rank> = counts.into_iter().map(|(user, score)| Rank { score, user }).collect();
        ranks.sort();
        ranks.truncate(10);
        ranks
    }
}

/// Plays a stream, and compares after each 100th event everyone that one of the hundred named, and some pairs of them.
///
/// # Panics
/// If the store does not let people join.
pub async fn stream(people: &impl People, events: &str) -> Result<Compared, Error> {
    let persons: BTreeSet<u64> =
        rows(events).filter_map(|row| row.get(1..3).map(<[u64]>::to_vec)).flatten().collect();
    let numbers: BTreeMap<u64, UserId> = persons.into_iter().zip((1..).map(UserId)).collect();
    join(people, numbers.len() as u32).await;
    let (mut sets, mut compared, mut named) = (Sets::default(), Compared::default(), BTreeSet::new());
    let events: Vec<&str> = events.lines().skip(1).collect();
    for (index, line) in events.iter().enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let person = |at: usize| fields.get(at)?.parse().ok().and_then(|one: u64| numbers.get(&one)).copied();
        let (Some(operation), Some(by), Some(to)) = (fields.get(1), person(2), person(3)) else {
            continue;
        };
        let adds = *operation == "add";
        let action = if adds { Action::Connect } else { Action::Disconnect };
        let done = people.write(&[Act { by, to, action, at: Timestamp(0) }]).await?;
        let expected = by != to && sets.set(by, to, adds);
        compared.equal(
            || format!("event {index}, {line}"),
            &vec![expected],
            &done.iter().map(Result::is_ok).collect(),
        );
        named.extend([by, to]);
        if index % 100 == 99 || index + 1 == events.len() {
            compare_sets(people, &sets, &std::mem::take(&mut named), &mut compared).await?;
        }
    }
    Ok(compared)
}

async fn compare_sets(
    graph: &impl GraphStore,
    sets: &Sets,
    named: &BTreeSet<UserId>,
    compared: &mut Compared,
) -> Result<(), Error> {
    let mut before = None;
    for user in named {
        let contacts: Vec<u32> = sets.of(*user).iter().map(|contact| contact.0).collect();
        let listed = super::listed(graph, user.0, crate::List::Contacts).await;
        compared.equal(|| format!("contacts of {user}"), &contacts, &listed);
        let best = ten_best(graph, *user).await?;
        compared.equal(|| format!("suggestions of {user}"), &sets.ten_best(*user), &best);
        if let Some(other) = before.replace(*user) {
            let both: Vec<UserId> = sets.of(*user).intersection(&sets.of(other)).copied().collect();
            let expected = (both.len(), both.into_iter().take(10).collect());
            let found = ten_mutual(graph, *user, other).await?;
            compared.equal(|| format!("contacts in common of {user} and {other}"), &expected, &found);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::memory::InMemoryPeople;

    const EDGES: &str = "u,v\n0,1\n0,2\n1,3\n2,3\n2,4\n3,5\n";

    async fn small() -> InMemoryPeople {
        let people = InMemoryPeople::default();
        load(&people, EDGES).await.unwrap();
        people
    }

    #[test]
    fn what_is_equal_is_equal_and_what_differs_is_said() {
        block_on(async {
            let people = small().await;
            let oracle = "user,rank,candidate,common\n0,1,3,2\n0,2,4,1\n5,1,1,1\n5,2,2,1\n";
            assert_eq!(
                suggestions(&people, oracle).await.unwrap(),
                Compared { answers: 2, differing: vec![] }
            );
            let wrong = suggestions(&people, "user,rank,candidate,common\n0,1,3,1\n").await.unwrap();
            assert_eq!((wrong.answers, wrong.differing.len()), (1, 1));
            let oracle = "a,b,count,first10\n0,3,2,1 2\n0,5,0,\n1,2,2,0 3\n";
            assert_eq!(mutual(&people, oracle).await.unwrap(), Compared { answers: 3, differing: vec![] });
            let wrong = mutual(&people, "a,b,count,first10\n0,3,2,1 4\n").await.unwrap();
            assert_eq!(wrong.differing.len(), 1);
        });
    }

    #[test]
    fn a_stream_is_played_along_with_sets() {
        let events = "t_ms,op,person1,person2\n1,add,7000000000000,5\n2,add,5,9\n3,remove,5,11\n4,add,9,5\n5,remove,5,9\n";
        let compared = block_on(stream(&InMemoryPeople::default(), events)).unwrap();
        assert_eq!(compared.differing, [""; 0]);
        assert_eq!(compared.answers, 5 + 4 * 2 + 3);
    }
}
