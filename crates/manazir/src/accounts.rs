//! The models of a partition: event detectors for each account in it.

use manazir_detect::event::{EventConfig, EventJudge};
use manazir_ingest::worker::Judge;
use manazir_model::{Event, EventVerdict};
use serde::{Deserialize, Serialize};

/// Accounts whose models a partition keeps; of more, the one that was silent longest is forgotten. A judge
/// takes some ten megabytes.
const ACCOUNTS_MAX: usize = 8;

/// One account's detectors.
#[derive(Debug, Serialize, Deserialize)]
struct Account {
    name: String,
    /// Events of the partition up to its last one.
    last: u64,
    judge: EventJudge,
}

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Accounts {
    accounts: Vec<Account>,
    events: u64,
}

impl Accounts {
    fn of(&mut self, name: &str) -> &mut Account {
        if let Some(index) = self.accounts.iter().position(|account| account.name == name) {
            return &mut self.accounts[index];
        }
        if self.accounts.len() == ACCOUNTS_MAX {
            let silent = self.accounts.iter().enumerate().min_by_key(|(_, account)| account.last);
            let silent = silent.map_or(0, |(index, _)| index);
            self.accounts.swap_remove(silent);
        }
        let judge = EventJudge::new(EventConfig::default());
        self.accounts.push(Account { name: name.to_owned(), last: 0, judge });
        let newest = self.accounts.len() - 1;
        &mut self.accounts[newest]
    }
}

impl Judge for Accounts {
    type Setting = ();

    fn fresh() -> Self {
        Self::default()
    }

    fn load(state: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(state).map_err(|error| error.to_string())
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_extend(self, Vec::new()).expect("the models are numbers and texts")
    }

    fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        self.events += 1;
        let now = self.events;
        let account = self.of(&event.account);
        account.last = now;
        account.judge.update(event)
    }
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;

    use super::*;

    fn event(account: usize, second: i64) -> Event<'static> {
        Event {
            account: account.to_string().into(),
            at: Timestamp::from_seconds(second),
            actor: "build".into(),
            action: "s3:GetObject".into(),
            ..Event::default()
        }
    }

    #[test]
    fn accounts_are_judged_apart_kept_and_bounded() {
        let mut both = Accounts::fresh();
        let mut alone = Accounts::fresh();
        for second in 0..200 {
            both.update(&event(1, second));
            assert_eq!(both.update(&event(2, second)), alone.update(&event(2, second)));
        }
        let mut loaded = Accounts::load(&both.save()).unwrap();
        assert_eq!(loaded.update(&event(2, 200)), both.update(&event(2, 200)));
        for account in 3..20 {
            both.update(&event(account, 300));
            both.update(&event(2, 300));
        }
        assert_eq!(both.accounts.len(), ACCOUNTS_MAX);
        assert!(both.accounts.iter().any(|account| account.name == "2"), "who speaks is kept");
        assert!(Accounts::load(b"nothing").is_err());
    }
}
