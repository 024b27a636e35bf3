//! The connection graph in memory: what all changes add up to, and what is asked of it.

mod suggest;
mod ties;

pub use suggest::{PATHS_MAX, Scratch};

use std::collections::BTreeMap;

use self::ties::Ties;
use crate::{
    Change, Contacts, Error, Facts, List, Listed, Listing, Numbered, Page, Pair, PersonState, Refusal,
    Relation, Side, TieKind, UserId,
};

/// Who takes part, who is connected with whom, and all one-way ties.
///
/// A person costs 25 bytes and about two for each contact ([`Contacts`]); the few who have requests, blocks or
/// dismissals have these in a map beside it. It knows no limits: what the truth holds is read, whatever it is.
#[derive(Clone, Debug, Default)]
pub struct ConnectionGraph {
    /// By number.
    states: Vec<Option<PersonState>>,
    /// By number.
    contacts: Vec<Contacts>,
    /// Of those who have any.
    ties: BTreeMap<UserId, Ties>,
    connections: u64,
    applied: u64,
}

impl ConnectionGraph {
    /// The number of the last change that it holds.
    pub fn version(&self) -> u64 {
        self.applied
    }

    /// People who are not erased.
    pub fn people(&self) -> usize {
        self.states.iter().filter(|state| !matches!(state, None | Some(PersonState::Erased))).count()
    }

    /// Connections, each counted once.
    pub fn connections(&self) -> u64 {
        self.connections
    }

    /// Says that what was [applied](Self::apply) is a snapshot that was begun after this change.
    pub fn loaded(&mut self, version: u64) {
        self.applied = version;
    }

    /// Goes on by one change of the log; false if it holds it already. A gap is refused, and nothing is changed.
    pub fn follow(&mut self, next: &Numbered) -> Result<bool, Error> {
        if next.seq <= self.applied {
            return Ok(false);
        }
        if next.seq != self.applied + 1 {
            let why = format!("change {} comes after change {}", next.seq, self.applied);
            return Err(Error::Damaged { what: "the change log".to_owned(), why });
        }
        self.apply(&next.change)?;
        self.applied = next.seq;
        Ok(true)
    }

    /// Makes a change hold, whatever held before. Refused is what cannot hold ([`Change::check`]).
    pub fn apply(&mut self, change: &Change) -> Result<(), Error> {
        change.check()?;
        let [one, other] = change.people();
        self.reserve(one.max(other));
        match *change {
            Change::Person { user, state } => self.set_state(user, state),
            Change::Connected { one, other } => self.connect(one, other),
            Change::Disconnected { one, other } => self.disconnect(one, other),
            Change::Tied { kind, from, to, at } => {
                self.ties.entry(from).or_default().tie(kind, to, at);
                self.ties.entry(to).or_default().tied_by(kind, from, at);
            }
            Change::Untied { kind, from, to } => {
                self.change_ties(from, |ties| ties.untie(kind, to));
                self.change_ties(to, |ties| ties.untied_by(kind, from));
            }
        }
        Ok(())
    }

    /// What the rules look at when `by` does something to `to`.
    pub fn facts(&self, by: UserId, to: UserId) -> Facts {
        let pair = self.ties.get(&by).map(|ties| ties.pair(to)).unwrap_or_default();
        Facts {
            by: self.side(by),
            to: self.side(to),
            pair: Pair { connected: self.connected(by, to), ..pair },
        }
    }

    /// True if the two are connected.
    pub fn connected(&self, one: UserId, other: UserId) -> bool {
        // One of the two is looked at: what is of people at random is in nobody's cache, and costs more than to search.
        self.contacts(one).contains(other)
    }

    /// What `user` sees of `other`.
    pub fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Refusal> {
        self.known(user)?;
        self.known(other)?;
        if user == other { Ok(Relation::Oneself) } else { Ok(self.facts(user, other).pair.relation()) }
    }

    /// A page of a list.
    pub fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Refusal> {
        self.known(user)?;
        if list == List::Contacts {
            return Ok(listing(self.contacts(user), page));
        }
        let Some(ties) = self.ties.get(&user) else {
            return Ok(Listing::default());
        };
        let listed = ties.listed(list);
        let rank = |user| listed.range(..=user).count();
        let items =
            |offset| listed.iter().skip(offset).map(|(user, at)| Listed { user: *user, at: Some(*at) });
        Ok(Listing::of(page, listed.len(), rank, items))
    }

    /// A page of the contacts that both have.
    pub fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Refusal> {
        self.known(one)?;
        self.known(other)?;
        let mut both = Vec::new();
        self.contacts(one).common(self.contacts(other), |user| both.push(user));
        let rank = |user| both.partition_point(|one| *one <= user);
        let items = |offset| both.iter().skip(offset).map(|user| Listed::from(*user));
        Ok(Listing::of(page, both.len(), rank, items))
    }

    /// Contacts of someone; of someone unknown none.
    pub fn contacts(&self, user: UserId) -> &Contacts {
        static NONE: Contacts = Contacts::NONE;
        self.contacts.get(user.0 as usize).unwrap_or(&NONE)
    }

    /// How someone takes part; `None` if they are unknown.
    pub fn state(&self, user: UserId) -> Option<PersonState> {
        self.states.get(user.0 as usize).copied().flatten()
    }

    /// True if `user` should neither be shown `other` as a suggestion nor as a recommendation.
    pub fn is_kept_from(&self, user: UserId, other: UserId) -> bool {
        let Pair { connected, asked, asked_by, blocked, blocked_by, dismissed } =
            self.facts(user, other).pair;
        user == other
            || self.state(other) != Some(PersonState::Active)
            || connected
            || asked
            || asked_by
            || blocked
            || blocked_by
            || dismissed
    }

    /// What holds, as changes in their order, those after `after`.
    pub fn snapshot_after(&self, after: Option<Change>) -> impl Iterator<Item = Change> + '_ {
        let first = after.map_or(0, |after| match after {
            Change::Person { user, .. } => user.0 as usize,
            _ => self.states.len(),
        });
        let people = (first..self.states.len()).filter_map(|number| {
            let user = UserId(number as u32);
            self.states[number].map(|state| Change::Person { user, state })
        });
        let first = after.map_or(0, |after| match after {
            Change::Person { .. } => 0,
            Change::Connected { one, .. } => one.0 as usize,
            _ => self.contacts.len(),
        });
        let connections = (first..self.contacts.len()).flat_map(|number| {
            let (one, contacts) = (UserId(number as u32), &self.contacts[number]);
            contacts.from(contacts.rank(one)).map(move |other| Change::Connected { one, other })
        });
        let kinds = [TieKind::Asked, TieKind::Blocked, TieKind::Dismissed].into_iter();
        let ties = kinds.flat_map(|kind| {
            let all = self
                .ties
                .iter()
                .flat_map(move |(from, ties)| ties.of(kind).iter().map(|(to, at)| (*from, *to, *at)));
            all.map(move |(from, to, at)| Change::Tied { kind, from, to, at })
        });
        people.chain(connections).chain(ties).skip_while(move |change| Some(*change) <= after)
    }

    /// Bytes of contacts on the heap, without what the allocator adds.
    pub fn contacts_bytes(&self) -> usize {
        let handles = self.contacts.capacity() * size_of::<Contacts>() + self.states.capacity();
        handles + self.contacts.iter().map(Contacts::heap_bytes).sum::<usize>()
    }

    /// Refuses whoever is unknown or erased.
    pub fn known(&self, user: UserId) -> Result<(), Refusal> {
        match self.state(user) {
            None | Some(PersonState::Erased) => Err(Refusal::UnknownUser(user)),
            Some(PersonState::Active | PersonState::Deactivated) => Ok(()),
        }
    }

    fn side(&self, user: UserId) -> Side {
        let side = self.ties.get(&user).map(Ties::side).unwrap_or_default();
        Side { state: self.state(user), contacts: self.contacts(user).len(), ..side }
    }

    fn reserve(&mut self, user: UserId) {
        let needed = user.0 as usize + 1;
        if needed > self.contacts.len() {
            self.states.resize(needed, None);
            self.contacts.resize(needed, Contacts::NONE);
        }
    }

    fn set_state(&mut self, user: UserId, state: PersonState) {
        self.states[user.0 as usize] = Some(state);
        if state == PersonState::Erased {
            self.erase(user);
        }
    }

    fn connect(&mut self, one: UserId, other: UserId) {
        if self.contacts[one.0 as usize].insert(other) {
            self.contacts[other.0 as usize].insert(one);
            self.connections += 1;
        }
    }

    fn disconnect(&mut self, one: UserId, other: UserId) {
        if self.contacts[one.0 as usize].remove(other) {
            self.contacts[other.0 as usize].remove(one);
            self.connections -= 1;
        }
    }

    fn erase(&mut self, user: UserId) {
        let contacts: Vec<UserId> = self.contacts(user).iter().collect();
        contacts.into_iter().for_each(|contact| self.disconnect(user, contact));
        for other in self.ties.remove(&user).unwrap_or_default().others() {
            self.change_ties(other, |ties| ties.forget(user));
        }
    }

    /// Changes someone's ties if they have any, and keeps none that are empty.
    fn change_ties(&mut self, user: UserId, change: impl FnOnce(&mut Ties)) {
        if let Some(ties) = self.ties.get_mut(&user) {
            change(ties);
            if ties.is_empty() {
                self.ties.remove(&user);
            }
        }
    }
}

fn listing(contacts: &Contacts, page: &Page) -> Listing {
    let items = |offset| contacts.from(offset).map(Listed::from);
    Listing::of(page, contacts.len(), |user| contacts.rank(user), items)
}

impl PartialEq for ConnectionGraph {
    /// Equal if the same holds, whatever the way there was.
    fn eq(&self, other: &Self) -> bool {
        self.snapshot_after(None).eq(other.snapshot_after(None))
    }
}
