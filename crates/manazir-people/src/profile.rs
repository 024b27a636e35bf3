//! What is known of a person: profiles, what they may hold, and how they change.

use manazir_model::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{PersonState, Refusal, UserId};

/// Characters of a name and of an affiliation.
const TEXT_MAX: usize = 200;
/// Characters of an address (RFC 5321, 4.5.3.1, less the angle brackets).
const EMAIL_MAX: usize = 254;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What the graph and the truth know them by.
    pub id: UserId,
    /// What others know them by.
    pub public_id: Uuid,
    /// A readable name that is unique whatever its case; never changes.
    pub username: Option<String>,
    /// What people call them.
    pub name: Option<String>,
    /// Unique, in lower case; `None` once erased.
    pub email: Option<String>,
    /// Team, company or college.
    pub affiliation: Option<String>,
    /// How they take part.
    pub state: PersonState,
    /// When they joined.
    pub joined_at: Timestamp,
    /// When the profile last changed.
    pub changed_at: Timestamp,
}

impl Profile {
    /// What is left of someone who is erased: nothing that says who it was.
    pub fn erased(&self, at: Timestamp) -> Self {
        Self {
            id: self.id,
            public_id: self.public_id,
            username: None,
            name: None,
            email: None,
            affiliation: None,
            state: PersonState::Erased,
            joined_at: self.joined_at,
            changed_at: at,
        }
    }
}

/// Someone who joins. Only an address is needed (CM-W8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProfile {
    /// Made by the caller, who has randomness.
    pub public_id: Uuid,
    /// See [`Profile::username`].
    pub username: Option<String>,
    /// See [`Profile::name`].
    pub name: Option<String>,
    /// See [`Profile::email`].
    pub email: String,
    /// See [`Profile::affiliation`].
    pub affiliation: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl NewProfile {
    /// As it is kept: without spaces around texts, the address in lower case.
    pub fn sound(&self) -> Result<Self, Refusal> {
        let email = self.email.trim().to_lowercase();
        if !is_address(&email) {
            return Err(invalid("email", "is not an address such as ada@example.com"));
        }
        if self.username.as_deref().is_some_and(|username| !is_username(username)) {
            let why = "has 2 to 32 letters and digits, with single - _ . between them";
            return Err(invalid("username", why));
        }
        Ok(Self {
            public_id: self.public_id,
            username: self.username.clone(),
            name: text("name", self.name.as_deref())?,
            email,
            affiliation: text("affiliation", self.affiliation.as_deref())?,
            at: self.at,
        })
    }

    /// The profile of whoever gets this number. It is [`sound`](Self::sound).
    pub fn joined(self, id: UserId) -> Profile {
        let Self { public_id, username, name, email, affiliation, at } = self;
        let (state, email) = (PersonState::Active, Some(email));
        Profile { id, public_id, username, name, email, affiliation, state, joined_at: at, changed_at: at }
    }
}

/// What changes of a profile: outside `None` leaves it, inside `None` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// See [`Profile::name`].
    pub name: Option<Option<String>>,
    /// See [`Profile::affiliation`].
    pub affiliation: Option<Option<String>>,
}

impl ProfilePatch {
    /// From a JSON merge patch (RFC 7396) whose members bear these names. One that cannot be changed is refused by name:
    /// the original passes it by in silence.
    pub fn from_merge_patch(patch: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        for (field, value) in patch {
            let place = match field.as_str() {
                "name" => &mut changes.name,
                "affiliation" => &mut changes.affiliation,
                _ => return Err(invalid(field, "is not a field that can be changed")),
            };
            *place = Some(match value {
                Value::Null => None,
                Value::String(value) => text(field, Some(value))?,
                _ => return Err(invalid(field, "is a text or null")),
            });
        }
        Ok(changes)
    }

    /// The profile as it is afterwards; the very same if nothing of it changes.
    pub fn applied(&self, to: &Profile, at: Timestamp) -> Result<Profile, Refusal> {
        let mut changed = to.clone();
        if let Some(name) = &self.name {
            changed.name = text("name", name.as_deref())?;
        }
        if let Some(affiliation) = &self.affiliation {
            changed.affiliation = text("affiliation", affiliation.as_deref())?;
        }
        if changed != *to {
            changed.changed_at = at;
        }
        Ok(changed)
    }
}

/// Without spaces around it; an empty one is none.
fn text(field: &str, value: Option<&str>) -> Result<Option<String>, Refusal> {
    let value = value.unwrap_or_default().trim();
    if value.chars().count() > TEXT_MAX {
        return Err(invalid(field, "has at most 200 characters"));
    }
    if value.chars().any(char::is_control) {
        return Err(invalid(field, "has no control characters"));
    }
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// Whether mail could go there is found out by sending some; this only finds what was mistyped.
fn is_address(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    let both = parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    both && email.len() <= EMAIL_MAX && !email.chars().any(|one| one.is_whitespace() || one.is_control())
}

/// 2 to 32 letters and digits, with single separators between them. Letters may be of any script, and a few of them are
/// written with marks: accounts, which take the names that people choose, look at those closely.
fn is_username(username: &str) -> bool {
    let is_letter = |character: char| match character.is_ascii() {
        true => character.is_ascii_alphanumeric(),
        false => !character.is_whitespace() && !character.is_control(),
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(is_letter);
    (2..=32).contains(&username.chars().count()) && username.split(['-', '_', '.']).all(is_word)
}

fn invalid(field: &str, why: &'static str) -> Refusal {
    Refusal::Invalid { field: field.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new(email: &str, username: Option<&str>, name: Option<&str>) -> NewProfile {
        let (username, name) = (username.map(str::to_owned), name.map(str::to_owned));
        let email = email.to_owned();
        NewProfile {
            public_id: Uuid::from_u128(1),
            username,
            name,
            email,
            affiliation: None,
            at: Timestamp(5),
        }
    }

    #[track_caller]
    fn patch(json: Value) -> Result<ProfilePatch, Refusal> {
        ProfilePatch::from_merge_patch(json.as_object().unwrap())
    }

    #[test]
    fn an_address_is_enough_to_join() {
        let profile = new(" Ada@Example.COM ", None, None).sound().unwrap().joined(UserId(3));
        assert_eq!(profile.email.as_deref(), Some("ada@example.com"));
        assert_eq!((profile.id, profile.name, profile.state), (UserId(3), None, PersonState::Active));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(EMAIL_MAX));
        for email in ["", "ada", "@example.com", "ada@", "a da@example.com", "a\n@b.c", &long] {
            assert!(matches!(new(email, None, None).sound(), Err(Refusal::Invalid { .. })), "{email}");
        }
    }

    #[test]
    fn usernames_are_those_of_the_originals() {
        for good in ["ad", "patrick46", "a-b_c.d", "жан", "नमस्ते", &"ä".repeat(32)] {
            assert!(new("a@b", Some(good), None).sound().is_ok(), "{good}");
        }
        for bad in ["a", "-ab", "ab-", "a--b", "a\u{a0}b", "a b", "a%", &"a".repeat(33)] {
            assert!(new("a@b", Some(bad), None).sound().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_trimmed_bounded_and_of_one_line() {
        assert_eq!(new("a@b", None, Some("  Ada ")).sound().unwrap().name.as_deref(), Some("Ada"));
        assert_eq!(new("a@b", None, Some(" ")).sound().unwrap().name, None);
        assert!(new("a@b", None, Some(&"ä".repeat(200))).sound().is_ok());
        for bad in ["a\u{0}b", "a\nb", &"a".repeat(201)] {
            assert!(new("a@b", None, Some(bad)).sound().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_merge_patch_sets_empties_and_leaves() {
        let before = new("a@b", None, Some("Ada")).sound().unwrap().joined(UserId(1));
        let both = patch(json!({"name": null, "affiliation": "Team A"})).unwrap();
        let after = both.applied(&before, Timestamp(9)).unwrap();
        assert_eq!((after.name.as_deref(), after.affiliation.as_deref()), (None, Some("Team A")));
        assert_eq!((after.changed_at, after.email.as_deref()), (Timestamp(9), Some("a@b")));
        let same = patch(json!({"name": "Ada"})).unwrap().applied(&before, Timestamp(9)).unwrap();
        assert_eq!(same, before);
        assert_eq!(patch(json!({})).unwrap(), ProfilePatch::default());
    }

    #[test]
    fn a_merge_patch_changes_nothing_else() {
        for bad in [json!({"email": "b@c"}), json!({"id": 7}), json!({"name": 7}), json!({"name": {"a": 1}})]
        {
            assert!(matches!(patch(bad.clone()), Err(Refusal::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn nothing_says_who_an_erased_person_was() {
        let before = new("a@b", Some("ada"), Some("Ada")).sound().unwrap().joined(UserId(1));
        let erased = format!("{:?}", before.erased(Timestamp(9)));
        assert!(!erased.contains("a@b") && !erased.to_lowercase().contains("ada"), "{erased}");
    }
}
