//! Suggestions: contacts of contacts, counted, and ranked with what else is known.

use std::collections::{BTreeMap, BinaryHeap};

use super::ConnectionGraph;
use super::ties::Ties;
use crate::contacts::Block;
use crate::suggestion::{Evidence, Rank, SHOWN_CONTACTS_MAX, Suggestion, SuggestionQuery, Suggestions};
use crate::{PAGE_MAX, PersonState, Refusal, UserId};

/// Contacts of contacts that one question looks through, at about three nanoseconds each: nobody waits longer than ten
/// milliseconds. A hub of 5,000 contacts in an uneven population has half of it (`benches/connections.rs` prints it).
///
/// Past it, contacts with few contacts are looked through first, for they say more of a person (Adamic and Adar 2003), the
/// best of what they give are counted in full, and the answer says that it is not complete.
pub const PATHS_MAX: usize = 3 << 20;

/// How many candidates are counted in full for each that is asked for when not all paths are walked.
const OVERSAMPLED: usize = 4;

/// Numbers that share their upper half.
const BLOCK: usize = 1 << 16;

/// Numbers that are looked at together.
const LANES: usize = 64;

/// Memory for counting, two bytes a person; whoever asks often keeps it.
#[derive(Debug, Default)]
pub struct Scratch {
    /// By the upper half of the number. Zero between questions.
    counts: Vec<[u16; BLOCK]>,
}

/// The best so far; the worst of them on top.
struct Best {
    heap: BinaryHeap<Rank>,
    max: usize,
    after: Option<Rank>,
}

impl Best {
    fn offer(&mut self, rank: Rank) {
        if self.after.is_some_and(|after| rank <= after) {
            return;
        }
        if self.heap.len() < self.max {
            self.heap.push(rank);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && rank < *worst
        {
            *worst = rank;
        }
    }

    /// Scores below it are of no use.
    fn floor(&self) -> u32 {
        if self.heap.len() < self.max { 1 } else { self.heap.peek().map_or(1, |worst| worst.score.max(1)) }
    }
}

impl ConnectionGraph {
    /// See [`GraphStore::suggestions`](crate::GraphStore::suggestions). O(contacts of contacts + people).
    pub fn suggestions(
        &self,
        user: UserId,
        query: &SuggestionQuery,
        scratch: &mut Scratch,
    ) -> Result<Suggestions, Refusal> {
        self.known(user)?;
        if !(1..=PAGE_MAX).contains(&query.max) {
            return Err(Refusal::Invalid { field: "limit".to_owned(), why: "is a number from 1 to 100" });
        }
        scratch.counts.resize(self.contacts.len().div_ceil(BLOCK), [0; BLOCK]);
        let evidence: BTreeMap<UserId, Evidence> = query.evidence.iter().copied().collect();
        let is_complete = self.count(user, &mut scratch.counts);
        self.leave_out(user, &mut scratch.counts);
        let ranks = if is_complete {
            let mut best = Best { heap: BinaryHeap::new(), max: query.max, after: query.after };
            self.rank(user, &evidence, &mut scratch.counts, &mut best);
            best
        } else {
            let mut rough = Best { heap: BinaryHeap::new(), max: OVERSAMPLED * query.max, after: None };
            self.rank(user, &evidence, &mut scratch.counts, &mut rough);
            self.counted_in_full(user, &evidence, rough, query)
        };
        scratch.counts.iter_mut().for_each(|counts| counts.fill(0));
        let items = ranks.heap.into_sorted_vec().into_iter();
        let items = items.map(|rank| self.explained(user, rank, evidence.get(&rank.user))).collect();
        Ok(Suggestions { items, is_complete })
    }

    /// Counts for everyone the contacts they have in common with `user`; false if not all paths were walked.
    fn count(&self, user: UserId, counts: &mut [[u16; BLOCK]]) -> bool {
        let contacts = self.contacts(user);
        let lengths = contacts.iter().map(|contact| self.contacts(contact).len());
        // A count of 65,535 has room for each contact there is to walk.
        if contacts.len() < BLOCK && lengths.sum::<usize>() <= PATHS_MAX {
            contacts.iter().for_each(|contact| self.count_contacts(contact, counts));
            return true;
        }
        let mut contacts: Vec<(usize, UserId)> =
            contacts.iter().map(|contact| (self.contacts(contact).len(), contact)).collect();
        contacts.sort_unstable();
        let mut paths = 0;
        for (length, contact) in contacts.into_iter().take(BLOCK - 1) {
            paths += length;
            if paths > PATHS_MAX {
                break;
            }
            self.count_contacts(contact, counts);
        }
        false
    }

    fn count_contacts(&self, contact: UserId, counts: &mut [[u16; BLOCK]]) {
        for Block { upper, lowers, .. } in self.contacts(contact).blocks() {
            let counts = &mut counts[usize::from(upper)];
            lowers.for_each(|lower| counts[usize::from(lower)] += 1);
        }
    }

    /// Sets to zero who must not be suggested, but for those who are not active.
    fn leave_out(&self, user: UserId, counts: &mut [[u16; BLOCK]]) {
        let mut leave_out = |user: UserId| counts[user.0 as usize / BLOCK][user.0 as usize % BLOCK] = 0;
        leave_out(user);
        self.contacts(user).iter().for_each(&mut leave_out);
        self.ties.get(&user).into_iter().flat_map(Ties::kept_from).for_each(leave_out);
    }

    /// Offers everyone with a count or with evidence.
    fn rank(
        &self,
        user: UserId,
        evidence: &BTreeMap<UserId, Evidence>,
        counts: &mut [[u16; BLOCK]],
        best: &mut Best,
    ) {
        for (other, evidence) in evidence {
            let Some(counts) = counts.get_mut(other.0 as usize / BLOCK) else {
                continue;
            };
            let common = std::mem::take(&mut counts[other.0 as usize % BLOCK]);
            let score = evidence.weight().saturating_add(u32::from(common));
            if score > 0 && !self.is_kept_from(user, *other) {
                best.offer(Rank { score, user: *other });
            }
        }
        for (upper, counts) in counts.iter().enumerate() {
            for (lane, counts) in counts.chunks_exact(LANES).enumerate() {
                // Few are better than the best so far: most lanes are passed by without a branch for each.
                let most = counts.iter().fold(0, |most, count| (*count).max(most));
                if u32::from(most) >= best.floor() {
                    self.rank_lane(upper * BLOCK + lane * LANES, counts, best);
                }
            }
        }
    }

    fn rank_lane(&self, first: usize, counts: &[u16], best: &mut Best) {
        for (at, count) in counts.iter().enumerate() {
            let (score, user) = (u32::from(*count), UserId((first + at) as u32));
            if score >= best.floor() && self.state(user) == Some(PersonState::Active) {
                best.offer(Rank { score, user });
            }
        }
    }

    fn counted_in_full(
        &self,
        user: UserId,
        evidence: &BTreeMap<UserId, Evidence>,
        rough: Best,
        query: &SuggestionQuery,
    ) -> Best {
        let mut best = Best { heap: BinaryHeap::new(), max: query.max, after: query.after };
        for Rank { user: other, .. } in rough.heap {
            let weight = evidence.get(&other).map_or(0, Evidence::weight);
            let common = self.contacts(user).common_count(self.contacts(other)) as u32;
            best.offer(Rank { score: weight.saturating_add(common), user: other });
        }
        best
    }

    fn explained(&self, user: UserId, rank: Rank, evidence: Option<&Evidence>) -> Suggestion {
        let (mut through, mut common) = (Vec::new(), 0);
        self.contacts(user).common(self.contacts(rank.user), |contact| {
            common += 1;
            if through.len() < SHOWN_CONTACTS_MAX {
                through.push(contact);
            }
        });
        Suggestion { rank, common, through, evidence: evidence.copied().unwrap_or_default() }
    }
}
