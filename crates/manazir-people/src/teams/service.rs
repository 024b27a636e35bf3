//! Services: what teams and people answer for.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use uuid::Uuid;

use super::text::{self, invalid};
use super::{Source, Sourced, TeamRefusal};
use crate::UserId;

/// Services that there may be.
pub const SERVICES_MAX: usize = 50_000;
/// Teams and people that own one service.
pub const OWNERS_MAX: usize = 20;
/// Labels of one service.
pub const LABELS_MAX: usize = 64;
/// Characters of a label's name: a prefix of 253, a slash and 63 more, as Kubernetes has it.
pub(super) const LABEL_NAME_MAX: usize = 317;
/// Characters of a label's value.
pub(super) const LABEL_VALUE_MAX: usize = 253;
/// Characters of the name of a service, of a namespace and of an environment.
pub(super) const KEY_MAX: usize = 128;

/// What a service is found by, whoever speaks of it. Two of one name are two if they are somewhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// What it is called.
    pub name: String,
    /// In which namespace; empty if nobody said so.
    pub namespace: String,
    /// In which environment, such as `production`; empty if nobody said so.
    pub environment: String,
}

impl ServiceKey {
    /// With a name alone.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// True if it says nothing of where the service is.
    pub fn is_placeless(&self) -> bool {
        self.namespace.is_empty() && self.environment.is_empty()
    }

    /// Refuses what cannot be kept.
    pub fn sound(&self) -> Result<Self, TeamRefusal> {
        let part = |field, text: &str| {
            if text.chars().count() > KEY_MAX {
                return Err(invalid(field, "has at most 128 characters"));
            }
            text::one_line(field, text)
        };
        let name = part("name", self.name.trim())?;
        if name.is_empty() {
            return Err(invalid("name", "has 1 to 128 characters"));
        }
        let namespace = part("namespace", self.namespace.trim())?;
        Ok(Self { name, namespace, environment: part("environment", self.environment.trim())? })
    }
}

/// Who answers for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A team.
    Team(Uuid),
    /// A person.
    Person(UserId),
}

/// Something that runs, and that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What others know it by.
    pub id: Uuid,
    /// Unique, and never changes: imports find it by that.
    pub key: ServiceKey,
    /// What it does; may be empty.
    pub description: Sourced<String>,
    /// Who answers for it. Teams that are deleted and people who are erased are not among them any more; the
    /// deactivated are.
    pub owners: Sourced<BTreeSet<Owner>>,
    /// What else is said of it. An empty value is none: people took away what an import had brought.
    pub labels: BTreeMap<String, Sourced<String>>,
    /// What its avatar is made from.
    pub avatar_seed: String,
    /// Who told of it first.
    pub source: Source,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Service {
    /// Labels that it has, without those that were taken away.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let there = self.labels.iter().filter(|(_, label)| !label.is_none());
        there.map(|(name, label)| (name.as_str(), label.value.as_str()))
    }
}

/// A service that somebody makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewService {
    /// Made by the caller, who has randomness.
    pub id: Uuid,
    /// See [`Service::key`].
    pub key: ServiceKey,
    /// See [`Service::description`].
    pub description: String,
    /// See [`Service::owners`].
    pub owners: BTreeSet<Owner>,
    /// See [`Service::labels`].
    pub labels: BTreeMap<String, String>,
    /// See [`Service::avatar_seed`]; its identifier, if `None`.
    pub avatar_seed: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl NewService {
    /// As it is kept.
    pub fn sound(&self) -> Result<Service, TeamRefusal> {
        Ok(Service {
            id: self.id,
            key: self.key.sound()?,
            description: Sourced::by_hand(text::description(&self.description)?),
            owners: Sourced::by_hand(few_owners(&self.owners)?),
            labels: by_hand(&self.labels, &BTreeMap::new())?,
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

/// What changes of a service; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePatch {
    /// See [`Service::description`].
    pub description: Option<String>,
    /// See [`Service::owners`].
    pub owners: Option<BTreeSet<Owner>>,
    /// See [`Service::labels`].
    pub labels: Option<BTreeMap<String, String>>,
    /// See [`Service::avatar_seed`].
    pub avatar_seed: Option<String>,
}

impl ServicePatch {
    /// The service as it is afterwards; the very same if nothing of it changes.
    pub(super) fn applied(&self, to: &Service, at: Timestamp) -> Result<Service, TeamRefusal> {
        let mut after = to.clone();
        if let Some(description) = &self.description {
            after.description = Sourced::by_hand(text::description(description)?);
        }
        if let Some(owners) = &self.owners {
            after.owners = Sourced::by_hand(few_owners(owners)?);
        }
        if let Some(labels) = &self.labels {
            after.labels = by_hand(labels, &to.labels)?;
        }
        if let Some(seed) = &self.avatar_seed {
            after.avatar_seed = text::seed(seed)?;
        }
        if after != *to {
            after.changed_at = at;
        }
        Ok(after)
    }
}

fn few_owners(owners: &BTreeSet<Owner>) -> Result<BTreeSet<Owner>, TeamRefusal> {
    if owners.len() > OWNERS_MAX {
        return Err(TeamRefusal::TooMany { what: "owners of the service", max: OWNERS_MAX });
    }
    Ok(owners.clone())
}

/// Labels that people give, as they are kept: those of before that they leave out are marked as taken away, unless people
/// had entered them.
fn by_hand(
    labels: &BTreeMap<String, String>,
    before: &BTreeMap<String, Sourced<String>>,
) -> Result<BTreeMap<String, Sourced<String>>, TeamRefusal> {
    if labels.len() > LABELS_MAX {
        return Err(TeamRefusal::TooMany { what: "labels of the service", max: LABELS_MAX });
    }
    if labels.iter().any(|(name, value)| value.is_empty() || !is_label(name, value)) {
        let why = "have names of 1 to 317 and values of 1 to 253 characters, none of them a control one";
        return Err(invalid("labels", why));
    }
    let is_gone = |label: &Sourced<String>| label.source != Source::Hand || label.is_none();
    let gone = before.iter().filter(|(name, label)| !labels.contains_key(*name) && is_gone(label));
    let gone = gone.take(LABELS_MAX).map(|(name, _)| (name.clone(), Sourced::by_hand(String::new())));
    let given = labels.iter().map(|(name, value)| {
        let same = before.get(name).filter(|label| label.value == *value);
        (name.clone(), same.cloned().unwrap_or_else(|| Sourced::by_hand(value.clone())))
    });
    Ok(given.chain(gone).collect())
}

/// True if a label can be kept.
pub(super) fn is_label(name: &str, value: &str) -> bool {
    let fits = |text: &str, max: usize| text.chars().count() <= max && !text.chars().any(char::is_control);
    !name.trim().is_empty() && fits(name, LABEL_NAME_MAX) && fits(value, LABEL_VALUE_MAX)
}
