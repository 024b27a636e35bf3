//! Who a person may know or need, and why.

use crate::UserId;

/// Contacts that a suggestion shows.
pub const SHOWN_CONTACTS_MAX: usize = 3;

/// What is known of a person beyond contacts; told by whoever knows teams, services and incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Services that both work on.
    pub services: u32,
    /// Incidents of the last 90 days in which both took part.
    pub incidents: u32,
    /// Knows the affected entity.
    pub knows_entity: bool,
    /// Is on call now.
    pub on_call: bool,
}

impl Evidence {
    /// What it adds to the contacts in common: 2 for a service, 3 for an incident, 4 for knowing the affected entity,
    /// 1 for being on call. The weights say only what outranks what; verdicts of people will set them.
    pub fn weight(&self) -> u32 {
        let counted = self.services.saturating_mul(2).saturating_add(self.incidents.saturating_mul(3));
        counted.saturating_add(4 * u32::from(self.knows_entity) + u32::from(self.on_call))
    }
}

/// The place of one in a ranking: a higher score comes first, of equals whoever joined first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Contacts in common, and what the evidence adds.
    pub score: u32,
    /// Who.
    pub user: UserId,
}

impl Ord for Rank {
    /// What comes first is less.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.score.cmp(&self.score).then(self.user.cmp(&other.user))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Which suggestions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuggestionQuery {
    /// What is known beyond contacts, each person once. They are suggested without a contact in common, too, which is
    /// how someone new gets a first suggestion. Empty: contacts in common alone.
    pub evidence: Vec<(UserId, Evidence)>,
    /// Those after this place.
    pub after: Option<Rank>,
    /// At most so many, of 1 to [`crate::PAGE_MAX`].
    pub max: usize,
}

/// One person who is suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Who, and how high.
    pub rank: Rank,
    /// Contacts in common; always exact.
    pub common: u32,
    /// The first of them, at most [`SHOWN_CONTACTS_MAX`].
    pub through: Vec<UserId>,
    /// What else counted.
    pub evidence: Evidence,
}

/// What is suggested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestions {
    /// By rank.
    pub items: Vec<Suggestion>,
    /// False if there was too much to look through, and someone with a higher score may be missing.
    pub is_complete: bool,
}

impl Suggestion {
    /// Why, as half a sentence: "6 shared contacts (Ada, Grace, Edsger and 3 more), on call now". `name` gives what
    /// people are called.
    pub fn reason(&self, name: impl Fn(UserId) -> String) -> String {
        let Evidence { services, incidents, knows_entity, on_call } = self.evidence;
        let mut parts = Vec::new();
        if self.common > 0 {
            let names: Vec<String> = self.through.iter().map(|user| name(*user)).collect();
            let more = (self.common as usize).saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            parts.push(format!("{} ({}{more})", counted(self.common, "shared contact"), names.join(", ")));
        }
        if services > 0 {
            parts.push(counted(services, "shared service"));
        }
        if incidents > 0 {
            parts.push(counted(incidents, "shared incident"));
        }
        if knows_entity {
            parts.push("knows what is affected".to_owned());
        }
        if on_call {
            parts.push("on call now".to_owned());
        }
        parts.join(", ")
    }
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_says_everything_that_counted() {
        let evidence = Evidence { services: 2, incidents: 1, knows_entity: true, on_call: true };
        let rank = Rank { score: 4 + evidence.weight(), user: UserId(9) };
        let suggestion = Suggestion { rank, common: 4, through: vec![UserId(1), UserId(2)], evidence };
        assert_eq!(rank.score, 16);
        let reason = suggestion.reason(|user| format!("user {user}"));
        let expected = "4 shared contacts (user 1, user 2 and 2 more), 2 shared services, 1 shared incident, \
                        knows what is affected, on call now";
        assert_eq!(reason, expected);
        let alone =
            Suggestion { common: 1, through: vec![UserId(1)], evidence: Evidence::default(), ..suggestion };
        assert_eq!(alone.reason(|_| "Ada".to_owned()), "1 shared contact (Ada)");
    }

    #[test]
    fn a_weight_has_no_overflow() {
        let evidence =
            Evidence { services: u32::MAX, incidents: u32::MAX, knows_entity: true, on_call: true };
        assert_eq!(evidence.weight(), u32::MAX);
    }
}
