//! What becomes of a service that somebody changes, or why nothing does.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use uuid::Uuid;

use super::{Caller, NewService, Owner, Service, ServicePatch, TeamRefusal};
use crate::{PersonState, UserId};

/// What the rules look at beside the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Teams that whoever asks owns.
    pub led: BTreeSet<Uuid>,
    /// Those of the named teams that there are.
    pub teams: BTreeSet<Uuid>,
    /// How the named people take part.
    pub people: BTreeMap<UserId, PersonState>,
}

const OWNERS: &str = "an owner of the service, an owner of a team that owns it, or an administrator";
const MAKERS: &str = "who owns it, owns a team that does, or is an administrator";

/// The service as it is made. A person makes those that are theirs or of a team that they own.
pub fn decide_new_service(
    caller: Caller,
    new: &NewService,
    facts: &ServiceFacts,
) -> Result<Service, TeamRefusal> {
    let service = new.sound()?;
    there_are(&service.owners.value, &BTreeSet::new(), facts)?;
    if !answers(caller, &service, facts) {
        return Err(TeamRefusal::NotAllowed { who: MAKERS });
    }
    Ok(service)
}

/// The service after a change; the very same if nothing changes. Its owners may, the owners of teams that own it, and
/// administrators; of a service without owners only the last. Owners that are added exist and take part; those that it
/// had stay as they are.
pub fn decide_service(
    caller: Caller,
    patch: &ServicePatch,
    before: &Service,
    facts: &ServiceFacts,
    at: Timestamp,
) -> Result<Service, TeamRefusal> {
    may_delete(caller, before, facts)?;
    let after = patch.applied(before, at)?;
    there_are(&after.owners.value, &before.owners.value, facts)?;
    Ok(after)
}

/// Refuses whoever may not delete it: who may are those who may change it.
pub fn may_delete(caller: Caller, service: &Service, facts: &ServiceFacts) -> Result<(), TeamRefusal> {
    if answers(caller, service, facts) {
        return Ok(());
    }
    Err(TeamRefusal::NotAllowed { who: OWNERS })
}

fn answers(caller: Caller, service: &Service, facts: &ServiceFacts) -> bool {
    let Caller::Person(itself) = caller else { return true };
    service.owners.value.iter().any(|owner| match owner {
        Owner::Person(user) => *user == itself,
        Owner::Team(team) => facts.led.contains(team),
    })
}

fn there_are(
    after: &BTreeSet<Owner>,
    before: &BTreeSet<Owner>,
    facts: &ServiceFacts,
) -> Result<(), TeamRefusal> {
    for owner in after.difference(before) {
        match owner {
            Owner::Team(team) if !facts.teams.contains(team) => return Err(TeamRefusal::UnknownTeam),
            Owner::Person(user) if facts.people.get(user) != Some(&PersonState::Active) => {
                return Err(TeamRefusal::Inactive(*user));
            }
            Owner::Team(_) | Owner::Person(_) => {}
        }
    }
    Ok(())
}
