//! The part of a plan that is about services.

use std::collections::{BTreeMap, BTreeSet};

use super::teams::becomes;
use super::{Outcome, Planning, What};
use crate::teams::source::Becomes;
use crate::teams::text::{DESCRIPTION_MAX, cut};
use crate::teams::{
    LABELS_MAX, OWNERS_MAX, Owner, SERVICES_MAX, Service, ServiceKey, Source, Sourced, ToldOwner, ToldService,
};

/// What is told of one service by one source, the most exact first.
type Sayings<'a> = BTreeMap<Source, Vec<&'a ToldService>>;

impl Planning<'_> {
    pub(super) fn services(&mut self) {
        let import = self.import;
        // The most exact first: what says less of where it is speaks of those, and of all of them.
        let mut told: Vec<(&ServiceKey, Source, &ToldService)> =
            import.told.services.iter().map(|((key, source), service)| (key, *source, service)).collect();
        told.sort_by_key(|(key, ..)| std::cmp::Reverse(exactness(key)));
        let mut by_name: BTreeMap<String, BTreeSet<ServiceKey>> = BTreeMap::new();
        for key in self.holdings.services.keys() {
            by_name.entry(key.name.clone()).or_default().insert(key.clone());
        }
        let mut sayings: BTreeMap<ServiceKey, Sayings<'_>> = BTreeMap::new();
        for (key, source, service) in told {
            let of_name = by_name.entry(key.name.clone()).or_default();
            let mut meant: Vec<ServiceKey> =
                of_name.iter().filter(|one| is_meant(key, one)).cloned().collect();
            if meant.is_empty() {
                of_name.insert(key.clone());
                meant.push(key.clone());
            }
            for one in meant {
                sayings.entry(one).or_default().entry(source).or_default().push(service);
            }
        }
        let mut total = self.holdings.services_total;
        for (key, sayings) in sayings {
            let before = self.holdings.services.get(&key);
            if before.is_none() && total >= SERVICES_MAX {
                let why = format!("there are {SERVICES_MAX} services, and there may be no more");
                self.step(What::Service(key), Outcome::Refused, Vec::new(), vec![why]);
                continue;
            }
            total += usize::from(before.is_none());
            self.service(key, before, &sayings);
        }
    }

    fn service(&mut self, key: ServiceKey, before: Option<&Service>, sayings: &Sayings<'_>) {
        let first = sayings.last_key_value().map_or(Source::Catalogue, |(source, _)| *source);
        let mut after = match before {
            Some(service) => service.clone(),
            None => self.new_service(key.clone(), first),
        };
        let mut notes = Vec::new();
        after.labels.retain(|name, label| {
            let said = sayings.get(&label.source);
            said.is_none_or(|said| said.iter().any(|one| one.labels.contains_key(name)))
        });
        for (source, said) in sayings.iter().rev() {
            let description = said.iter().map(|one| cut(&one.description, DESCRIPTION_MAX));
            let description = description.into_iter().find(|one| !one.is_empty()).unwrap_or_default();
            becomes(&mut after.description, description, *source, "description", &mut notes);
            let owners = said.iter().map(|one| &one.owners).find(|owners| !owners.is_empty());
            let owners = self.owners(owners, &after.owners.value, &mut notes);
            becomes(&mut after.owners, owners, *source, "owners", &mut notes);
            label(&mut after.labels, said, *source, &mut notes);
        }
        notes.dedup();
        let (outcome, fields) = match before {
            None => (Outcome::Made, Vec::new()),
            Some(before) => {
                let fields = changed(before, &after);
                (if fields.is_empty() { Outcome::Same } else { Outcome::Changed }, fields)
            }
        };
        self.step(What::Service(key), outcome, fields, notes);
        if outcome != Outcome::Same {
            after.changed_at = self.import.at;
            self.plan.services.push(after);
        }
    }

    fn new_service(&mut self, key: ServiceKey, source: Source) -> Service {
        let (id, at) = (self.new_id(), self.at());
        Service {
            id,
            key,
            description: Sourced::default(),
            owners: Sourced::default(),
            labels: BTreeMap::new(),
            avatar_seed: id.to_string(),
            source,
            created_at: at,
            changed_at: at,
        }
    }

    /// Those of the told owners that are known. Whoever is deactivated becomes none, and stays one.
    fn owners(
        &self,
        told: Option<&BTreeSet<ToldOwner>>,
        before: &BTreeSet<Owner>,
        notes: &mut Vec<String>,
    ) -> BTreeSet<Owner> {
        let mut owners = BTreeSet::new();
        for owner in told.into_iter().flatten() {
            let known = match owner {
                ToldOwner::Team(slug) => self.teams.get(slug).copied().map(Owner::Team),
                ToldOwner::Person(name) => {
                    let own = self.import.people.get(name).map(|user| Owner::Person(*user));
                    let own = own.filter(|owner| before.contains(owner));
                    own.or_else(|| self.person(name, notes).map(Owner::Person))
                }
            };
            match known {
                Some(owner) if owners.len() < OWNERS_MAX => drop(owners.insert(owner)),
                Some(_) => notes.push(format!("it has {OWNERS_MAX} owners, and gets no more")),
                None => {}
            }
        }
        owners
    }
}

/// Each label by itself.
fn label(
    labels: &mut BTreeMap<String, Sourced<String>>,
    said: &[&ToldService],
    source: Source,
    notes: &mut Vec<String>,
) {
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in said.iter().flat_map(|one| &one.labels) {
        told.entry(name).or_insert(value);
    }
    for (name, value) in told {
        let before = labels.get(name).cloned();
        let has_room = labels.values().filter(|label| !label.is_none()).count() < LABELS_MAX;
        if before.is_none() && !has_room {
            notes.push(format!("it has {LABELS_MAX} labels, and gets no more"));
            break;
        }
        if let Becomes::Changed(changed) = before.unwrap_or_default().told(value.to_owned(), source) {
            labels.insert(name.to_owned(), changed);
        }
    }
}

/// How much a key says of where the service is.
fn exactness(key: &ServiceKey) -> usize {
    usize::from(!key.namespace.is_empty()) + usize::from(!key.environment.is_empty())
}

/// True if what is told of a key is told of this service: what it says nothing of can be anything.
fn is_meant(told: &ServiceKey, service: &ServiceKey) -> bool {
    let fits = |told: &str, own: &str| told.is_empty() || told == own;
    told.name == service.name
        && fits(&told.namespace, &service.namespace)
        && fits(&told.environment, &service.environment)
}

fn changed(before: &Service, after: &Service) -> Vec<&'static str> {
    let fields = [
        ("description", before.description != after.description),
        ("owners", before.owners != after.owners),
        ("labels", before.labels != after.labels),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(field, _)| field).collect()
}
