//! A population to measure with: as many people and connections, and as uneven, as a service for 100,000 people has.

use manazir_model::Random;
use manazir_model::hash::mixed;

use crate::UserId;

/// What the population is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// How many; numbered from 1.
    pub people: usize,
    /// Contacts that one has on average, about.
    pub mean_contacts: f64,
    /// How many have the most.
    pub hubs: usize,
    /// How many contacts these have.
    pub contacts_max: usize,
    /// The same seed gives the same population.
    pub seed: u64,
}

impl Default for Population {
    /// The size that the originals promise: 100,000 people, about 4.9 million connections, twenty hubs of 5,000.
    fn default() -> Self {
        Self { people: 100_000, mean_contacts: 100.0, hubs: 20, contacts_max: 5_000, seed: 1 }
    }
}

impl Population {
    /// All connections, sorted, each once, the smaller number first.
    ///
    /// Numbers of contacts are log-normal. Half of each person's are drawn inside a community of about 150, half in the
    /// whole population (configuration model; Molloy and Reed 1995), so that there are triangles, and hubs cross
    /// communities.
    pub fn connections(&self) -> Vec<(UserId, UserId)> {
        let mut random = Random::new(self.seed);
        let wanted = self.wanted(&mut random);
        let mut ends = Vec::new();
        for community in self.communities(&mut random) {
            // Of a hub's contacts a hundred are neighbours.
            let local = |person: &u32| (wanted[*person as usize] / 2).min(100);
            let mut inside: Vec<u32> =
                community.iter().flat_map(|person| std::iter::repeat_n(*person, local(person))).collect();
            shuffle(&mut inside, &mut random);
            ends.push(inside);
        }
        let far = |(person, wanted): (usize, &usize)| {
            std::iter::repeat_n(person as u32, wanted - (wanted / 2).min(100))
        };
        let mut outside: Vec<u32> = wanted.iter().enumerate().flat_map(far).collect();
        shuffle(&mut outside, &mut random);
        ends.push(outside);
        self.matched(&ends)
    }

    /// How many contacts each would like to have. Some matches fall away, hence a few more than the mean.
    fn wanted(&self, random: &mut Random) -> Vec<usize> {
        let mut weights: Vec<f64> = (0..self.people).map(|_| random.normal().exp()).collect();
        let mean = weights.iter().sum::<f64>() / self.people.max(1) as f64;
        weights.iter_mut().for_each(|weight| *weight *= self.mean_contacts * 1.08 / mean);
        let most = (self.contacts_max / 2).max(1) as f64;
        let mut wanted: Vec<usize> = weights.iter().map(|weight| weight.clamp(1.0, most) as usize).collect();
        for _ in 0..self.hubs {
            wanted[random.below(self.people)] = self.contacts_max * 28 / 25;
        }
        wanted
    }

    /// Everyone in exactly one.
    fn communities(&self, random: &mut Random) -> Vec<Vec<u32>> {
        let mut people: Vec<u32> = (0..self.people as u32).collect();
        shuffle(&mut people, random);
        let mut communities = Vec::new();
        while !people.is_empty() {
            let size = (4.7 + 0.8 * random.normal()).exp().clamp(20.0, 2_000.0) as usize;
            communities.push(people.split_off(people.len().saturating_sub(size)));
        }
        communities
    }

    /// Neighbours in these lists are connected; nobody with themselves, and nobody with more than the most.
    fn matched(&self, ends: &[Vec<u32>]) -> Vec<(UserId, UserId)> {
        let pairs = ends.iter().flat_map(|ends| ends.chunks_exact(2)).filter(|pair| pair[0] != pair[1]);
        let mut pairs: Vec<(u32, u32)> =
            pairs.map(|pair| (pair[0].min(pair[1]), pair[0].max(pair[1]))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut contacts = vec![0; self.people];
        pairs.retain(|(one, other)| {
            let fits = [one, other].iter().all(|person| contacts[**person as usize] < self.contacts_max);
            if fits {
                contacts[*one as usize] += 1;
                contacts[*other as usize] += 1;
            }
            fits
        });
        pairs.into_iter().map(|(one, other)| (UserId(one + 1), UserId(other + 1))).collect()
    }
}

/// Everyone with the same number of contacts, spread evenly: the largest graph that a limit allows, without a list of it
/// in memory. Sorted as [`Population::connections`] are.
///
/// People stand in a ring, and each is connected with those at half as many distances on either side; a distance is
/// drawn from each of as many equal parts of half the ring. `contacts` is even and at most half of `people`.
pub fn ring(people: u32, contacts: u32) -> impl Iterator<Item = (UserId, UserId)> {
    let step = people / contacts.max(1);
    let distance = |part: u32| part * step + 1 + mixed(u64::from(part)) as u32 % (step - 1).max(1);
    let distances: Vec<u32> = (0..contacts / 2).map(distance).collect();
    (0..people).flat_map(move |one| {
        let ahead = distances.iter().map(|distance| one + distance).filter(|other| *other < people);
        let behind = distances.iter().rev().filter(|distance| **distance > one);
        // Two runs that are sorted, which sorting finds.
        let mut others: Vec<u32> = ahead.chain(behind.map(|distance| one + people - distance)).collect();
        others.sort();
        others.into_iter().map(move |other| (UserId(one + 1), UserId(other + 1)))
    })
}

/// Fisher and Yates.
fn shuffle(people: &mut [u32], random: &mut Random) {
    for last in (1..people.len()).rev() {
        people.swap(last, random.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_population_is_as_asked_for() {
        let population = Population {
            people: 3_000,
            mean_contacts: 40.0,
            hubs: 3,
            contacts_max: 500,
            ..Population::default()
        };
        let connections = population.connections();
        assert!(connections.is_sorted_by(|one, other| one < other));
        assert!(connections.iter().all(|(one, other)| one < other && other.0 <= 3_000));
        let mut contacts = vec![0; 3_001];
        connections.iter().for_each(|(one, other)| {
            contacts[one.0 as usize] += 1;
            contacts[other.0 as usize] += 1;
        });
        let mean = 2.0 * connections.len() as f64 / 3_000.0;
        assert!((36.0..44.0).contains(&mean), "{mean}");
        let most = *contacts.iter().max().unwrap();
        // In so small a population some of a hub's matches are the same.
        assert!((400..=500).contains(&most), "{most}");
        assert_eq!(connections, population.connections());
    }

    #[test]
    fn in_a_ring_all_have_as_many() {
        let mut contacts = [0; 101];
        assert!(ring(100, 8).is_sorted_by(|one, other| one < other));
        for (one, other) in ring(100, 8) {
            assert!(one < other);
            contacts[one.0 as usize] += 1;
            contacts[other.0 as usize] += 1;
        }
        assert!(contacts[1..].iter().all(|count| *count == 8));
    }
}
