//! Pages of lists that are sorted by user.

use manazir_model::Timestamp;

use crate::{Refusal, UserId};

/// Most that a page holds.
pub const PAGE_MAX: usize = 100;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After this user. Whatever joins or leaves the list before it, nobody behind it is missed or seen twice.
    After(UserId),
    /// After so many. Changes before it move the page.
    Offset(usize),
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    start: Start,
    max: usize,
}

impl Page {
    /// Refuses a page of nothing (CM-W4) and one of more than [`PAGE_MAX`].
    pub fn new(start: Start, max: usize) -> Result<Self, Refusal> {
        if (1..=PAGE_MAX).contains(&max) {
            return Ok(Self { start, max });
        }
        Err(Refusal::Invalid { field: "limit".to_owned(), why: "is a number from 1 to 100" })
    }

    /// Where it begins.
    pub fn start(&self) -> Start {
        self.start
    }

    /// How many at most.
    pub fn max(&self) -> usize {
        self.max
    }
}

impl Default for Page {
    /// The first 50.
    fn default() -> Self {
        Self { start: Start::Offset(0), max: 50 }
    }
}

/// One of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub user: UserId,
    /// Since when; not kept of contacts.
    pub at: Option<Timestamp>,
}

impl From<UserId> for Listed {
    fn from(user: UserId) -> Self {
        Self { user, at: None }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted by user.
    pub items: Vec<Listed>,
    /// How many the whole list holds.
    pub total: usize,
    /// What the next page comes after; `None` if this is the last one (CM-W3).
    pub next: Option<UserId>,
}

impl Listing {
    /// The page of a sorted list that is entered by `from` after so many, of which `rank` are not greater than a user.
    pub fn of<I: Iterator<Item = Listed>>(
        page: &Page,
        total: usize,
        rank: impl FnOnce(UserId) -> usize,
        from: impl FnOnce(usize) -> I,
    ) -> Self {
        let before = match page.start {
            Start::After(user) => rank(user),
            Start::Offset(offset) => offset,
        };
        let items: Vec<Listed> = from(before).take(page.max).collect();
        let has_more = before.saturating_add(items.len()) < total;
        let next = items.last().filter(|_| has_more).map(|last| last.user);
        Self { items, total, next }
    }
}
