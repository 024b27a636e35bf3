//! Who a person is to the graph: a number and a state.

use std::fmt;

/// A person's number, given by the relational truth in the order of joining, from 1, and never given again.
///
/// Four dense bytes and no identifier of the outside world: it is what makes a connection cost two to four bytes in
/// memory and keeps rows of the truth short. The way from identifiers that others see is the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

/// Numbers from this on are refused: what is damaged must not make the graph reserve memory for 4 billion people.
pub const USERS_MAX: u32 = 1 << 24;

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a person takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonState {
    /// Takes part.
    Active,
    /// Keeps everything, is listed where already listed; is neither suggested nor found, and gets nothing new.
    Deactivated,
    /// Only the number is left. There is no way back.
    Erased,
}
