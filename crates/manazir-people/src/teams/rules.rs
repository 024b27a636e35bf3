//! What becomes of a team that somebody changes, or why nothing does.

use manazir_model::Timestamp;

use super::team::Kept;
use super::{
    Held, MEMBERS_MAX, NewTeam, Part, Source, Standing, TEAMS_OF_PERSON_MAX, TeamPatch, TeamRefusal,
};
use crate::{PersonState, UserId};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Someone, for themselves.
    Person(UserId),
    /// Whoever may do everything.
    Administrator,
}

/// One thing that is done to a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamAct {
    /// Changes what it is called and shown by.
    Change(TeamPatch),
    /// Someone gets this part: joins, becomes an owner, or is one no longer.
    Put(UserId, Part),
    /// Someone is in it no longer.
    Remove(UserId),
    /// The team is no more.
    Delete,
}

/// What the rules look at of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonFacts {
    /// How they take part.
    pub state: PersonState,
    /// Teams that they are in.
    pub teams: usize,
}

const OWNERS: &str = "an owner of the team or an administrator";

/// The team with its first owners.
pub fn founded(
    caller: Caller,
    new: &NewTeam,
    person: impl Fn(UserId) -> PersonFacts,
) -> Result<Held, TeamRefusal> {
    let mut held = Held { team: new.sound()?, people: Default::default() };
    let itself = match caller {
        Caller::Person(user) => Some(user),
        Caller::Administrator => None,
    };
    for user in itself.into_iter().chain(new.owners.iter().copied()) {
        put(&mut held, user, Part::Owner, person(user), new.at)?;
    }
    Ok(held)
}

/// What is left of a team after these acts, all or none; `None` if it is deleted. The very same if nothing changes.
///
/// An owner does all of it, members take themselves out, administrators may everything. A team that has members has an
/// owner, whoever asks; that is looked at after the last act, so that naming another and leaving can be
/// one wish. A team that has lost its owners another way (they were erased, or are deactivated) is given one by an
/// administrator. `person` tells of those who are named by [`TeamAct::Put`].
pub fn decide(
    caller: Caller,
    acts: &[TeamAct],
    held: &Held,
    person: impl Fn(UserId) -> PersonFacts,
    at: Timestamp,
) -> Result<Option<Held>, TeamRefusal> {
    let may_all = match caller {
        Caller::Administrator => true,
        Caller::Person(user) => held.is_owner(user),
    };
    let mut after = held.clone();
    for act in acts {
        let is_own = matches!(act, TeamAct::Remove(user) if caller == Caller::Person(*user));
        if !may_all && !is_own {
            return Err(TeamRefusal::NotAllowed { who: OWNERS });
        }
        match act {
            TeamAct::Change(patch) => patch.apply(&mut after.team)?,
            TeamAct::Put(user, part) => put(&mut after, *user, *part, person(*user), at)?,
            TeamAct::Remove(user) => remove(&mut after, *user, at)?,
            TeamAct::Delete => return Ok(None),
        }
    }
    // One that is without an owner already is not repaired by refusing everything else.
    let was_sound = held.has_owner() || held.members().next().is_none();
    if was_sound && !after.has_owner() && after.members().next().is_some() {
        return Err(TeamRefusal::LastOwner);
    }
    if after != *held {
        after.team.changed_at = at;
    }
    Ok(Some(after))
}

fn put(
    held: &mut Held,
    user: UserId,
    part: Part,
    facts: PersonFacts,
    at: Timestamp,
) -> Result<(), TeamRefusal> {
    if facts.state != PersonState::Active {
        return Err(TeamRefusal::Inactive(user));
    }
    // Whom an import brought and people confirm is theirs from then on.
    let before = held.people.get(&user).copied().filter(|kept| kept.standing != Standing::Out);
    if before.is_none() {
        has_room(held, facts)?;
    }
    let since = before.map_or(at, |kept| kept.since);
    let kept = Kept { standing: Standing::In(part), source: Source::Hand, since, is_active: true };
    held.people.insert(user, kept);
    Ok(())
}

/// Refuses one more member.
pub(super) fn has_room(held: &Held, facts: PersonFacts) -> Result<(), TeamRefusal> {
    if held.size() >= MEMBERS_MAX {
        return Err(TeamRefusal::TooMany { what: "members of the team", max: MEMBERS_MAX });
    }
    if facts.teams >= TEAMS_OF_PERSON_MAX {
        return Err(TeamRefusal::TooMany { what: "teams of the person", max: TEAMS_OF_PERSON_MAX });
    }
    Ok(())
}

fn remove(held: &mut Held, user: UserId, at: Timestamp) -> Result<(), TeamRefusal> {
    let kept = held.people.get_mut(&user).filter(|kept| kept.standing != Standing::Out);
    let kept = kept.ok_or(TeamRefusal::NotAMember(user))?;
    (kept.standing, kept.source, kept.since) = (Standing::Out, Source::Hand, at);
    // Of too many who are out, those who went first are forgotten: an import may bring them back.
    if held.out() > MEMBERS_MAX {
        let gone = held.people.iter().filter(|(_, kept)| kept.standing == Standing::Out);
        let first = gone.min_by_key(|(user, kept)| (kept.since, **user)).map(|(user, _)| *user);
        first.map(|user| held.people.remove(&user));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
