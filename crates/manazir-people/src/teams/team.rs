//! Teams and who is in them.

use std::collections::BTreeMap;
use std::str::FromStr;

use manazir_model::Timestamp;
use uuid::Uuid;

use super::text::{self, invalid};
use super::{Source, Sourced, TeamRefusal};
use crate::UserId;

/// Teams that there may be.
pub const TEAMS_MAX: usize = 10_000;
/// People of one team, the deactivated among them.
pub const MEMBERS_MAX: usize = 1_000;
/// Teams that one person may be in.
pub const TEAMS_OF_PERSON_MAX: usize = 100;
/// Characters of a slug (a DNS label, RFC 1035, 2.3.4).
const SLUG_MAX: usize = 63;

/// People who answer for something together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// What others know it by.
    pub id: Uuid,
    /// A readable name that is unique and never changes: imports find it by that.
    pub slug: String,
    /// What people call it.
    pub name: Sourced<String>,
    /// What it is for; may be empty.
    pub description: Sourced<String>,
    /// What its avatar is made from.
    pub avatar_seed: String,
    /// Who told of it first.
    pub source: Source,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or its members last changed.
    pub changed_at: Timestamp,
}

/// What someone is to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Changes the team.
    Owner,
    /// Is in it.
    Member,
}

impl Part {
    /// Its word on the wire and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = [Self::Owner, Self::Member].into_iter().find(|part| part.word() == word);
        known.ok_or_else(|| format!("`{word}` is no part in a team; there are owner and member"))
    }
}

/// What is kept of someone and a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In it.
    In(Part),
    /// Was taken out by people, or left: no import brings them back.
    Out,
}

/// Someone in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What they are to the team.
    pub part: Part,
    /// Who said so.
    pub source: Source,
    /// Since when they are in it.
    pub since: Timestamp,
}

/// What a team holds of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// In or out.
    pub standing: Standing,
    /// Who said so.
    pub source: Source,
    /// Since when.
    pub since: Timestamp,
    /// False for the deactivated: they are kept, are not shown, and count for nothing.
    pub is_active: bool,
}

/// A team with everyone it keeps: what the rules look at, and what is left after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The team.
    pub team: Team,
    /// Everyone in it, the deactivated among them, and whoever went.
    pub people: BTreeMap<UserId, Kept>,
}

impl Held {
    /// Whoever is in it and takes part.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.people.iter().filter(|(_, kept)| kept.is_active).filter_map(|(user, kept)| {
            let Standing::In(part) = kept.standing else { return None };
            Some(Member { user: *user, part, source: kept.source, since: kept.since })
        })
    }

    /// True if the person takes part and owns the team.
    pub fn is_owner(&self, user: UserId) -> bool {
        let kept = self.people.get(&user);
        kept.is_some_and(|kept| kept.is_active && kept.standing == Standing::In(Part::Owner))
    }

    /// True if someone who takes part owns it.
    pub fn has_owner(&self) -> bool {
        self.members().any(|member| member.part == Part::Owner)
    }

    /// How many it keeps as members, the deactivated among them.
    pub(super) fn size(&self) -> usize {
        self.people.values().filter(|kept| kept.standing != Standing::Out).count()
    }

    /// How many it remembers to be out.
    pub(super) fn out(&self) -> usize {
        self.people.len() - self.size()
    }
}

/// A team that somebody makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTeam {
    /// Made by the caller, who has randomness.
    pub id: Uuid,
    /// See [`Team::slug`].
    pub slug: String,
    /// See [`Team::name`].
    pub name: String,
    /// See [`Team::description`].
    pub description: String,
    /// See [`Team::avatar_seed`]; its identifier, if `None`.
    pub avatar_seed: Option<String>,
    /// Its first owners; a person who makes it is one anyway.
    pub owners: Vec<UserId>,
    /// When.
    pub at: Timestamp,
}

impl NewTeam {
    /// As it is kept, without anyone.
    pub fn sound(&self) -> Result<Team, TeamRefusal> {
        if !is_slug(&self.slug) {
            let why =
                "has 1 to 63 small letters, digits and hyphens, and neither begins nor ends with a hyphen";
            return Err(invalid("slug", why));
        }
        Ok(Team {
            id: self.id,
            slug: self.slug.clone(),
            name: Sourced::by_hand(text::name(&self.name)?),
            description: Sourced::by_hand(text::description(&self.description)?),
            avatar_seed: match &self.avatar_seed {
                Some(seed) => text::seed(seed)?,
                None => self.id.to_string(),
            },
            source: Source::Hand,
            created_at: self.at,
            changed_at: self.at,
        })
    }
}

/// What changes of a team; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamPatch {
    /// See [`Team::name`].
    pub name: Option<String>,
    /// See [`Team::description`].
    pub description: Option<String>,
    /// See [`Team::avatar_seed`].
    pub avatar_seed: Option<String>,
}

impl TeamPatch {
    /// The team as it is afterwards.
    pub(super) fn apply(&self, team: &mut Team) -> Result<(), TeamRefusal> {
        if let Some(name) = &self.name {
            team.name = Sourced::by_hand(text::name(name)?);
        }
        if let Some(description) = &self.description {
            team.description = Sourced::by_hand(text::description(description)?);
        }
        if let Some(seed) = &self.avatar_seed {
            team.avatar_seed = text::seed(seed)?;
        }
        Ok(())
    }
}

/// `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, at most 63 long.
pub(super) fn is_slug(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    plain && (1..=SLUG_MAX).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

/// The slug of what others call a team: small letters, everything but letters and digits of ASCII one hyphen. `None` if
/// nothing is left.
pub fn slug_of(name: &str) -> Option<String> {
    let mut slug = String::new();
    for character in name.trim().chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == SLUG_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_are_dns_labels() {
        for good in ["a", "0", "team-a", "a--b", &"a".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "é", "a b", &"a".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn names_of_others_become_slugs() {
        let cases = [
            ("Team A", Some("team-a")),
            ("  payments_&_billing! ", Some("payments-billing")),
            ("sre", Some("sre")),
            ("Équipe", Some("quipe")),
            ("--", None),
            ("", None),
        ];
        for (name, slug) in cases {
            assert_eq!(slug_of(name).as_deref(), slug, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_slug_that_is_made_is_one_and_stays(name in ".{0,100}") {
            if let Some(slug) = slug_of(&name) {
                prop_assert!(is_slug(&slug), "{}", slug);
                prop_assert_eq!(slug_of(&slug), Some(slug));
            }
        }
    }
}
