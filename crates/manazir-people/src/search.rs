//! How people are found by what is typed.

use crate::{PersonState, Profile, UserId};

/// Characters of a query that are looked at.
pub const QUERY_CHARACTERS_MAX: usize = 64;

/// The place of someone who is found: who begins with what is typed comes first, then in the order of texts, then of
/// joining.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchRank {
    /// False sorts first.
    is_inside: bool,
    text: String,
    user: UserId,
}

/// Where `profile` stands among those whom `query` finds; `None` if it does not.
///
/// Found is who is active and has the query, case ignored, anywhere in the username or the name. Every character means
/// itself (BB-W35). An empty query finds nobody. Stores that look by an index must find the same.
pub fn search_rank(query: &str, profile: &Profile) -> Option<SearchRank> {
    let query = folded_query(query).filter(|_| profile.state == PersonState::Active)?;
    let texts = [&profile.username, &profile.name].map(|text| text.as_deref().map(folded));
    let found = texts.iter().flatten().filter(|text| text.contains(&query));
    let is_inside = !found.map(|text| text.starts_with(&query)).reduce(|one, other| one || other)?;
    let text = texts.into_iter().flatten().next().unwrap_or_default();
    Some(SearchRank { is_inside, text, user: profile.id })
}

/// What of a query is looked for in [`folded`] texts; `None` if that is nothing.
pub fn folded_query(query: &str) -> Option<String> {
    let query: String = folded(query).chars().take(QUERY_CHARACTERS_MAX).collect();
    (!query.is_empty()).then_some(query)
}

/// As texts are compared: without spaces around them, in small letters. What a store keeps to search in.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::NewProfile;

    fn found(query: &str) -> Vec<u32> {
        let people = [
            ("alan", None),
            ("grace", Some("Alma Grace")),
            ("hal9000", Some("50% Hal")),
            ("val", Some("Éa Lin")),
        ];
        let mut ranks: Vec<SearchRank> = people
            .iter()
            .zip(1..)
            .filter_map(|((username, name), number)| {
                let (username, name) = (Some((*username).to_owned()), name.map(str::to_owned));
                let (public_id, at, email) = (Uuid::from_u128(1), Timestamp(1), "a@b".to_owned());
                let new = NewProfile { public_id, username, name, email, affiliation: None, at };
                search_rank(query, &new.joined(UserId(number)))
            })
            .collect();
        ranks.sort();
        ranks.into_iter().map(|rank| rank.user.0).collect()
    }

    #[test]
    fn who_begins_with_it_comes_first() {
        assert_eq!(found("al"), [1, 2, 3, 4]);
        assert_eq!(found("AL"), [1, 2, 3, 4]);
        assert_eq!(found("éa"), [4]);
        assert_eq!(found("a"), [1, 2, 3, 4]);
    }

    #[test]
    fn every_character_means_itself() {
        assert_eq!(found("%"), [3]);
        assert_eq!(found("_"), [0; 0]);
        assert_eq!(found("\\"), [0; 0]);
        assert_eq!(found("a%l"), [0; 0]);
    }

    #[test]
    fn nothing_finds_nobody() {
        assert_eq!(found("  "), [0; 0]);
    }
}
