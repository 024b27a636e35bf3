//! What files and labels tell of teams and services.
//!
//! Each reader adds to a [`Told`]. What cannot be read is a [`Fault`] with file and line, and stops nothing else.

mod backstage;
mod kubernetes;
mod labels;
mod manifest;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{ServiceKey, Source};

pub use labels::tell_labels;
pub use manifest::{FILE_BYTES_MAX, tell_yaml};

/// Teams and services that one import may tell of; what is beyond is counted as left out.
pub const TOLD_MAX: usize = 20_000;
/// Faults that are kept word for word; all are counted.
pub const FAULTS_MAX: usize = 1_000;

/// What is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// By slug and source.
    pub teams: BTreeMap<(String, Source), ToldTeam>,
    /// By key and source.
    pub services: BTreeMap<(ServiceKey, Source), ToldService>,
    /// The first [`FAULTS_MAX`] of what could not be read.
    pub faults: Vec<Fault>,
    /// How much could not be read.
    pub faulty: u64,
    /// How much was read and tells of neither team nor service.
    pub ignored: u64,
    /// How much there was beyond [`TOLD_MAX`].
    pub left_out: u64,
}

/// A team that is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldTeam {
    /// Empty if nothing says so.
    pub name: String,
    /// Empty if nothing says so.
    pub description: String,
    /// Who is in it, by username or address.
    pub members: BTreeSet<String>,
    /// True if the source describes it, and does not only name it as an owner or say that somebody is in it: then what
    /// it does not say is not so.
    pub is_described: bool,
}

/// A service that is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldService {
    /// Empty if nothing says so.
    pub description: String,
    /// Who answers for it.
    pub owners: BTreeSet<ToldOwner>,
    /// What else is said.
    pub labels: BTreeMap<String, String>,
}

/// An owner that is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToldOwner {
    /// The slug of a team.
    Team(String),
    /// The username or address of a person.
    Person(String),
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which file, or what stands for it.
    pub file: String,
    /// On which line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.why)
    }
}

impl Told {
    /// Names of people that are to be looked up.
    pub fn people(&self) -> BTreeSet<&str> {
        let members = self.teams.values().flat_map(|team| &team.members);
        let owners =
            self.services.values().flat_map(|service| &service.owners).filter_map(|owner| match owner {
                ToldOwner::Person(name) => Some(name),
                ToldOwner::Team(_) => None,
            });
        members.chain(owners).map(String::as_str).collect()
    }

    /// Slugs of the teams that are told of.
    pub fn slugs(&self) -> BTreeSet<&str> {
        self.teams.keys().map(|(slug, _)| slug.as_str()).collect()
    }

    /// Names of the services that are told of.
    pub fn names(&self) -> BTreeSet<&str> {
        self.services.keys().map(|(key, _)| key.name.as_str()).collect()
    }

    fn fault(&mut self, file: &str, line: usize, why: impl Into<String>) {
        self.faulty += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { file: file.to_owned(), line, why: why.into() });
        }
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.teams.len() + self.services.len() < TOLD_MAX;
        self.left_out += u64::from(!has_room);
        has_room
    }

    /// A team, as far as it was told of; `None` if there is no room for one more.
    fn team(&mut self, slug: &str, source: Source) -> Option<&mut ToldTeam> {
        let key = (slug.to_owned(), source);
        if !self.teams.contains_key(&key) && !self.has_room() {
            return None;
        }
        Some(self.teams.entry(key).or_default())
    }

    /// The same of a service.
    fn service(&mut self, key: ServiceKey, source: Source) -> Option<&mut ToldService> {
        let key = (key, source);
        if !self.services.contains_key(&key) && !self.has_room() {
            return None;
        }
        Some(self.services.entry(key).or_default())
    }

    /// A service, its owner, and labels; of two values of a label the first holds, of two owners both.
    fn add_service(
        &mut self,
        key: ServiceKey,
        source: Source,
        owner: Option<ToldOwner>,
        labels: impl IntoIterator<Item = (String, String)>,
    ) -> Option<&mut ToldService> {
        if let Some(ToldOwner::Team(slug)) = &owner {
            self.team(slug, source)?;
        }
        let service = self.service(key, source)?;
        service.owners.extend(owner);
        for (name, value) in labels.into_iter().filter(|(_, value)| !value.is_empty()) {
            service.labels.entry(name).or_insert(value);
        }
        Some(service)
    }
}
