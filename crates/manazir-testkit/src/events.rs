//! Plain events as a service of some size would send them, the same for the same number.
//!
//! 200 roles, 60 types, 2,000 assets; about 300 bytes each. A role does six things most of the time, to the
//! twenty assets that are its own; one event in fifty is something that another role does.

use std::io::Write;

use manazir_model::{Random, Timestamp};

const ROLES: usize = 200;
const SERVICES: [&str; 10] =
    ["billing", "orders", "catalog", "search", "storage", "identity", "mail", "reports", "backup", "deploy"];
const ACTIONS: [&str; 6] = ["Get", "List", "Put", "Update", "Delete", "Describe"];
const ASSETS: usize = 2_000;

/// Monday, 3 June 2024, 08:00 UTC.
const FIRST: i64 = 1_717_401_600_000_000;
/// Microseconds from one event to the next: a hundred events a second.
const STEP: i64 = 10_000;

/// The identity of the event with this number.
#[must_use]
pub fn id(number: u64) -> String {
    format!("{:08x}-5d71-441e-84c8-{number:012x}", number as u32)
}

/// Appends the event with this number, without an end of line.
pub fn write(number: u64, out: &mut Vec<u8>) {
    let mut random = Random::new(number);
    let role = random.below(ROLES);
    let acts_as = if random.below(50) == 0 { random.below(ROLES) } else { role };
    let kind = (acts_as * 7 + random.below(6) * 11) % (SERVICES.len() * ACTIONS.len());
    let mut asset = || (acts_as * 37 + random.below(20) * random.below(2)) % ASSETS;
    let (first, second) = (asset(), asset());
    let id = id(number);
    let at = Timestamp(FIRST + number as i64 * STEP);
    let (service, action) = (SERVICES[kind / ACTIONS.len()], ACTIONS[kind % ACTIONS.len()]);
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        r#"{{"RequestID":"{id}","EventID":"{id}","RoleID":"service-role-{role:03}","EventType":"{service}:{action}","EventTimestamp":"{at}","AffectedAssets":["arn:aws:s3:::{service}-{first:04}","arn:aws:s3:::{service}-{second:04}"]}}"#
    );
}

/// The events with these numbers, one a line.
#[must_use]
pub fn lines(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in numbers {
        write(number, &mut out);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_six_keys_and_the_size_that_figures_state() {
        let lines = lines(0..1_000);
        let first = lines.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let event: serde_json::Value = serde_json::from_slice(first).expect("JSON");
        assert_eq!(event.as_object().map(serde_json::Map::len), Some(6));
        assert!((250_000..320_000).contains(&lines.len()), "{}", lines.len());
    }
}
