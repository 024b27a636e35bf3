//! Texts of teams and services: bounded, of one line, without spaces around them.

use super::TeamRefusal;

/// Characters of a name that people give.
pub(super) const NAME_MAX: usize = 200;
/// Characters of a description.
pub(super) const DESCRIPTION_MAX: usize = 2_000;
/// Characters of what an avatar is made from.
const SEED_MAX: usize = 64;

/// A name: something, of one line.
pub(super) fn name(text: &str) -> Result<String, TeamRefusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NAME_MAX {
        return Err(invalid("name", "has 1 to 200 characters"));
    }
    one_line("name", text)
}

/// A description: perhaps nothing, perhaps of several lines.
pub(super) fn description(text: &str) -> Result<String, TeamRefusal> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_MAX {
        return Err(invalid("description", "has at most 2,000 characters"));
    }
    if text.chars().any(|one| one.is_control() && !matches!(one, '\n' | '\t')) {
        return Err(invalid("description", "has no control characters but line ends and tabs"));
    }
    Ok(text.to_owned())
}

/// What an avatar is made from.
pub(super) fn seed(text: &str) -> Result<String, TeamRefusal> {
    if text.is_empty() || text.chars().count() > SEED_MAX {
        return Err(invalid("avatar_seed", "has 1 to 64 characters"));
    }
    one_line("avatar_seed", text)
}

pub(super) fn one_line(field: &'static str, text: &str) -> Result<String, TeamRefusal> {
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "has no control characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn invalid(field: &'static str, why: &'static str) -> TeamRefusal {
    TeamRefusal::Invalid { field, why }
}

/// The beginning of a text that is imported, as long as it may be and without what it may not have: too much of a
/// description is no reason to know nothing of a service.
pub(super) fn cut(text: &str, characters_max: usize) -> String {
    let sound = text.trim().chars().filter(|one| !one.is_control() || matches!(one, '\n' | '\t'));
    sound.take(characters_max).collect::<String>().trim().to_owned()
}
