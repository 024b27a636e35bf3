//! What becomes of each person of a batch: one letter each, so that five thousand are a short text.

use manazir_ingest::jobs::Progress;
use manazir_people::{Refusal, UserId, Written};
use serde::{Deserialize, Serialize};

macro_rules! outcomes {
    ($($outcome:ident = $letter:literal, $status:literal, $reason:expr;)*) => {
        /// What became of one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Outcome { $($outcome,)* }

        impl Outcome {
            /// As it is kept.
            fn letter(self) -> char {
                match self { $(Self::$outcome => $letter,)* }
            }

            fn of_letter(letter: char) -> Option<Self> {
                match letter {
                    $($letter => Some(Self::$outcome),)*
                    _ => None,
                }
            }

            /// The status that a request for this one alone would have got.
            pub(super) fn status(self) -> u16 {
                match self { $(Self::$outcome => $status,)* }
            }

            /// Why it was refused.
            pub(super) fn reason(self) -> Option<&'static str> {
                match self { $(Self::$outcome => $reason,)* }
            }
        }
    };
}

outcomes! {
    Connected = 'c', 201, None;
    Unknown = 'u', 404, Some("there is no such user, or no longer");
    Oneself = 's', 400, Some("a user has no connection with themselves");
    Blocked = 'b', 409, Some("one of the two blocks the other");
    Deactivated = 'd', 409, Some("the other is deactivated");
    Full = 'f', 409, Some("the other has no room for a contact");
    OwnDeactivated = 'D', 409, Some("the user is deactivated: bring them back first");
    OwnFull = 'F', 409, Some("the user has no room for a contact: remove one first");
    Refused = 'r', 409, Some("the rules do not allow it");
}

impl Outcome {
    /// Of what the store says of an act of `user`. Who was connected before is connected.
    pub(super) fn of(done: &Result<Written, Refusal>, user: UserId) -> Self {
        match done {
            Ok(_) | Err(Refusal::AlreadyConnected) => Self::Connected,
            Err(Refusal::UnknownUser(_)) => Self::Unknown,
            Err(Refusal::Oneself) => Self::Oneself,
            Err(Refusal::Blocked) => Self::Blocked,
            Err(Refusal::Deactivated(who)) if *who == user => Self::OwnDeactivated,
            Err(Refusal::Deactivated(_)) => Self::Deactivated,
            Err(Refusal::Full { user: who, .. }) if *who == user => Self::OwnFull,
            Err(Refusal::Full { .. }) => Self::Full,
            Err(_) => Self::Refused,
        }
    }

    /// Its word on the wire.
    pub(super) fn word(self) -> &'static str {
        if self == Self::Connected { "connected" } else { "refused" }
    }
}

/// Outcomes in the order of the request, of those who were seen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Outcomes {
    connected: u64,
    refused: u64,
    /// A letter each.
    outcomes: String,
}

impl Outcomes {
    /// What was written down.
    pub(super) fn of(progress: &Progress) -> Self {
        let written = progress.result.as_deref().and_then(|result| serde_json::from_str(result).ok());
        written.unwrap_or_default()
    }

    pub(super) fn written(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    pub(super) fn push(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome.letter());
        match outcome {
            Outcome::Connected => self.connected += 1,
            _ => self.refused += 1,
        }
    }

    pub(super) fn get(&self, place: usize) -> Option<Outcome> {
        let letter = self.outcomes.as_bytes().get(place)?;
        Outcome::of_letter(char::from(*letter))
    }

    pub(super) fn len(&self) -> usize {
        self.outcomes.len()
    }

    pub(super) fn connected(&self) -> u64 {
        self.connected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_back_as_they_were_written() {
        let all = "cusbdfDFr";
        let mut outcomes = Outcomes::default();
        all.chars().for_each(|letter| outcomes.push(Outcome::of_letter(letter).unwrap()));
        assert_eq!((outcomes.outcomes.as_str(), outcomes.connected, outcomes.refused), (all, 1, 8));
        let progress = Progress { result: outcomes.written(), ..Progress::default() };
        let read = Outcomes::of(&progress);
        assert_eq!((read.get(1), read.get(9), read.len()), (Some(Outcome::Unknown), None, 9));
        assert_eq!(read, outcomes);
    }
}
