//! GrootRank: PageRank on effect → cause links, with more of the dangling mass for dangling events.

/// Settings of GrootRank; the defaults are the published ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrootRank {
    /// Part of the mass that follows links.
    pub damping: f64,
    /// Rounds at most.
    pub rounds_max: usize,
    /// It ends when the ranks of a round differ by less than this times their number, in sum.
    pub tolerance: f64,
    /// What an event with a cause gets of the dangling mass, where one without gets 1.
    pub neutralization: f64,
}

impl Default for GrootRank {
    fn default() -> Self {
        Self { damping: 0.85, rounds_max: 100, tolerance: 1e-6, neutralization: 0.5 }
    }
}

/// What an event is in the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Ranked.
    #[default]
    Ordinary,
    /// Of a business domain: its rank is fixed.
    Domain,
    /// Points to another entity only: never a cause.
    Directional,
}

/// What an event of a business domain is ranked.
const DOMAIN: f64 = 0.9;
/// What an event without any link is ranked.
const ALONE: f64 = -1.0;

/// Ranks events by what they explain.
///
/// Weighted PageRank, as for Groot (arXiv 2108.00344): start and teleport are uniform; the mass of dangling events,
/// those without a cause, goes to dangling and other events in the ratio 1 : `neutralization`. The ranks are stretched
/// to 0..=1 and rounded to three digits.
///
/// `roles`: one per event; `links`: (effect, cause, weight > 0), by places in `roles`. Links of an event with itself
/// are left out. Returns shape `(roles.len(),)`: in 0..=1, or −1 for an event without links. O(rounds · links).
pub fn groot_rank(roles: &[Role], links: &[(usize, usize, f64)], settings: &GrootRank) -> Vec<f64> {
    let events = roles.len();
    let links: Vec<_> = links
        .iter()
        .filter(|(effect, cause, weight)| {
            effect != cause && *effect < events && *cause < events && *weight > 0.0
        })
        .collect();
    let (mut out, mut linked) = (vec![0.0; events], vec![false; events]);
    for (effect, cause, weight) in &links {
        out[*effect] += weight;
        linked[*effect] = true;
        linked[*cause] = true;
    }
    let ranks = stationary(&out, &links, settings);
    stretched(&ranks, &linked)
        .into_iter()
        .zip(roles)
        .map(|(rank, role)| match role {
            Role::Ordinary => rank,
            Role::Domain => DOMAIN,
            Role::Directional => 0.0,
        })
        .collect()
}

fn stationary(out: &[f64], links: &[&(usize, usize, f64)], settings: &GrootRank) -> Vec<f64> {
    let events = out.len() as f64;
    let dangling = |event: usize| out[event] == 0.0;
    let shares: Vec<f64> =
        (0..out.len()).map(|event| if dangling(event) { 1.0 } else { settings.neutralization }).collect();
    let all_shares: f64 = shares.iter().sum();
    let mut ranks = vec![1.0 / events; out.len()];
    for _ in 0..settings.rounds_max {
        let hanging: f64 = (0..out.len()).filter(|&event| dangling(event)).map(|event| ranks[event]).sum();
        let mut next: Vec<f64> = shares
            .iter()
            .map(|share| settings.damping * hanging * share / all_shares + (1.0 - settings.damping) / events)
            .collect();
        for (effect, cause, weight) in links {
            next[*cause] += settings.damping * ranks[*effect] * weight / out[*effect];
        }
        let change: f64 = ranks.iter().zip(&next).map(|(before, after)| (before - after).abs()).sum();
        ranks = next;
        if change < events * settings.tolerance {
            break;
        }
    }
    ranks
}

/// To 0..=1 with three digits; events without links are left out.
fn stretched(ranks: &[f64], linked: &[bool]) -> Vec<f64> {
    let of_linked = || ranks.iter().zip(linked).filter(|(_, linked)| **linked).map(|(rank, _)| *rank);
    let (least, most) = (of_linked().fold(f64::INFINITY, f64::min), of_linked().fold(0.0, f64::max));
    let stretch = |rank: f64| if most > least { (rank - least) / (most - least) } else { 1.0 };
    let rounded = |rank: f64| (rank * 1_000.0).round() / 1_000.0;
    ranks
        .iter()
        .zip(linked)
        .map(|(rank, linked)| if *linked { rounded(stretch(*rank)) } else { ALONE })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(events: usize, links: &[(usize, usize, f64)], wanted: &[f64]) {
        assert_eq!(groot_rank(&vec![Role::Ordinary; events], links, &GrootRank::default()), wanted);
    }

    /// Ranks of two events of which one causes the other, by hand: with d = 0.85, x for the effect, y = 1 − x for the
    /// cause, the dangling mass y gives the effect 0.5 / 1.5 = 1/3 of it:
    /// x = d · y / 3 + 0.15 / 2, hence x (1 + d / 3) = d / 3 + 0.075, x = 0.35833 / 1.28333 = 0.27922.
    #[test]
    fn the_dangling_mass_goes_in_the_ratio_of_two_to_one() {
        let links = [&(0, 1, 1.0)];
        let settings = GrootRank { tolerance: 1e-12, ..GrootRank::default() };
        let ranks = stationary(&[1.0, 0.0], &links, &settings);
        assert!((ranks[0] - 0.279_220_78).abs() < 1e-6, "{ranks:?}");
        assert!((ranks[0] + ranks[1] - 1.0).abs() < 1e-9);
        check(2, &[(0, 1, 1.0)], &[0.0, 1.0]);
    }

    /// An effect e with two causes of weights 3 and 1, by hand: shares 0.5 : 1 : 1 of the dangling mass h = 1 − e;
    /// e = d · h · 0.2 + 0.05, hence e (1 + 0.17) = 0.17 + 0.05, e = 0.188034, h = 0.811966;
    /// heavy = d · (0.4 h + 0.75 e) + 0.05 = 0.445940; light = d · (0.4 h + 0.25 e) + 0.05 = 0.366026;
    /// stretched: (0.366026 − 0.188034) / (0.445940 − 0.188034) = 0.690.
    #[test]
    fn links_share_by_their_weights() {
        check(3, &[(0, 1, 3.0), (0, 2, 1.0)], &[0.0, 1.0, 0.69]);
    }

    #[test]
    fn the_end_of_a_chain_is_on_top() {
        let ranks = groot_rank(&[Role::Ordinary; 4], &[(0, 1, 1.0), (1, 2, 1.0)], &GrootRank::default());
        assert!(ranks[2] > ranks[1] && ranks[1] > ranks[0], "{ranks:?}");
        assert_eq!((ranks[2], ranks[3]), (1.0, -1.0), "the last one is alone");
    }

    #[test]
    fn roles_fix_ranks() {
        let roles = [Role::Domain, Role::Directional, Role::Ordinary];
        assert_eq!(groot_rank(&roles, &[(0, 1, 1.0), (1, 2, 1.0)], &GrootRank::default()), [0.9, 0.0, 1.0]);
    }

    #[test]
    fn what_cannot_be_ranked_is_left_alone() {
        check(0, &[], &[]);
        check(2, &[(0, 0, 1.0), (0, 7, 1.0), (0, 1, 0.0)], &[-1.0, -1.0]);
        check(2, &[(0, 1, 1.0), (1, 0, 1.0)], &[1.0, 1.0]);
    }
}
