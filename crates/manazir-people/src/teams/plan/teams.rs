//! The part of a plan that is about teams.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Outcome, Planning, What};
use crate::teams::rules::has_room;
use crate::teams::source::Becomes;
use crate::teams::team::Kept;
use crate::teams::text::{DESCRIPTION_MAX, NAME_MAX, cut};
use crate::teams::{Held, Part, PersonFacts, Source, Sourced, Standing, TEAMS_MAX, Team, ToldTeam};
use crate::{PersonState, UserId};

impl Planning<'_> {
    pub(super) fn teams(&mut self) {
        let mut told: BTreeMap<&str, Vec<(Source, &ToldTeam)>> = BTreeMap::new();
        for ((slug, source), team) in self.import.told.teams.iter().rev() {
            told.entry(slug).or_default().push((*source, team));
        }
        let mut total = self.holdings.teams_total;
        for (slug, told) in told {
            let before = self.holdings.teams.get(slug);
            if before.is_none() && total >= TEAMS_MAX {
                let why = format!("there are {TEAMS_MAX} teams, and there may be no more");
                self.step(What::Team(slug.to_owned()), Outcome::Refused, Vec::new(), vec![why]);
                continue;
            }
            total += usize::from(before.is_none());
            self.team(slug, before, &told);
        }
    }

    /// `told`: by source, the one that is believed before the others first.
    fn team(&mut self, slug: &str, before: Option<&Held>, told: &[(Source, &ToldTeam)]) {
        let first = told.first().map_or(Source::Catalogue, |(source, _)| *source);
        let mut after = match before {
            Some(held) => held.clone(),
            None => self.new_team(slug, first),
        };
        let mut notes = Vec::new();
        for (source, told) in told {
            self.describe(&mut after.team, told, *source, &mut notes);
            self.members(&mut after, told, *source, &mut notes);
        }
        self.teams.insert(slug.to_owned(), after.team.id);
        let (outcome, fields) = match before {
            None => (Outcome::Made, Vec::new()),
            Some(before) => {
                let fields = changed(before, &after);
                (if fields.is_empty() { Outcome::Same } else { Outcome::Changed }, fields)
            }
        };
        self.step(What::Team(slug.to_owned()), outcome, fields, notes);
        if outcome != Outcome::Same {
            after.team.changed_at = self.import.at;
            self.plan.teams.push(after);
        }
    }

    fn new_team(&mut self, slug: &str, source: Source) -> Held {
        let id: Uuid = self.new_id();
        let at = self.at();
        let team = Team {
            id,
            slug: slug.to_owned(),
            name: Sourced::new(slug.to_owned(), Source::Catalogue),
            description: Sourced::default(),
            avatar_seed: id.to_string(),
            source,
            created_at: at,
            changed_at: at,
        };
        Held { team, people: BTreeMap::new() }
    }

    fn describe(&self, team: &mut Team, told: &ToldTeam, source: Source, notes: &mut Vec<String>) {
        if !told.is_described {
            return;
        }
        let name = cut(&told.name, NAME_MAX).replace(['\n', '\t'], " ");
        if !name.is_empty() {
            becomes(&mut team.name, name, source, "name", notes);
        }
        let description = cut(&told.description, DESCRIPTION_MAX);
        becomes(&mut team.description, description, source, "description", notes);
    }

    /// Imports bring members and no owners: who owns a team is said by people.
    fn members(&mut self, held: &mut Held, told: &ToldTeam, source: Source, notes: &mut Vec<String>) {
        // The deactivated are named, too, and stay what they are until they come back.
        let named: BTreeSet<UserId> =
            told.members.iter().filter_map(|name| self.import.people.get(name)).copied().collect();
        if told.is_described {
            held.people.retain(|user, kept| {
                kept.source != source || kept.standing == Standing::Out || named.contains(user)
            });
        }
        for name in &told.members {
            if let Some(user) = self.person(name, notes) {
                self.member(held, (name, user), source, notes);
            }
        }
    }

    /// Someone is told to be in a team.
    fn member(
        &mut self,
        held: &mut Held,
        (name, user): (&str, UserId),
        source: Source,
        notes: &mut Vec<String>,
    ) {
        match held.people.get_mut(&user) {
            Some(kept) if kept.standing == Standing::Out => {
                notes.push(format!("{name} left or was taken out, and is not brought back"));
            }
            Some(kept) => kept.source = kept.source.max(source),
            None => {
                let teams = self.teams_of.entry(user).or_default();
                let facts = PersonFacts { state: PersonState::Active, teams: *teams };
                if let Err(refusal) = has_room(held, facts) {
                    notes.push(format!("{name} does not become a member: {refusal}"));
                    return;
                }
                *teams += 1;
                let standing = Standing::In(Part::Member);
                let kept = Kept { standing, source, since: self.import.at, is_active: true };
                held.people.insert(user, kept);
            }
        }
    }
}

/// A source says this of a field; a note if what people said stays.
pub(super) fn becomes<T: Default + PartialEq>(
    field: &mut Sourced<T>,
    value: T,
    source: Source,
    name: &'static str,
    notes: &mut Vec<String>,
) {
    match field.told(value, source) {
        Becomes::Changed(changed) => *field = changed,
        Becomes::Kept(Source::Hand) => notes.push(format!("{name} was entered by people, and stays")),
        Becomes::Kept(_) | Becomes::Same => {}
    }
}

fn changed(before: &Held, after: &Held) -> Vec<&'static str> {
    let fields = [
        ("name", before.team.name != after.team.name),
        ("description", before.team.description != after.team.description),
        ("members", before.people != after.people),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(field, _)| field).collect()
}
