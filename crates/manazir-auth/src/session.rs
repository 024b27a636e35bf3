//! Sessions: what a person opens by signing in, one a device, and the refresh tokens that keep it open.

mod family;
mod refresh;

use std::net::IpAddr;

use manazir_model::Timestamp;

pub use family::{Ended, EndedBy, Family, Presented, Replaced, SUCCESSIONS_MAX, SessionRules};
pub use refresh::{RefreshToken, Sealed, Successor};

use crate::hex::in_digits;

/// Most characters of a device's name.
const DEVICE_CHARACTERS_MAX: usize = 200;

/// A session's identity, which is also its family of refresh tokens: 16 random bytes, written as 32 hexadecimal digits.
/// It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

in_digits!(SessionId);

/// On what a session was opened or last used, so that its owner knows it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What it says of itself, as in `User-Agent`. Anybody may say anything.
    pub name: String,
    /// Where it is.
    pub address: Option<IpAddr>,
}

impl Device {
    /// A device; its name is cut to what a list can show, without control characters.
    pub fn new(name: &str, address: Option<IpAddr>) -> Self {
        let seen = name.chars().filter(|character| !character.is_control());
        Self { name: seen.take(DEVICE_CHARACTERS_MAX).collect(), address }
    }
}

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identity, by which it is ended.
    pub id: SessionId,
    /// On what it was last used.
    pub device: Device,
    /// When its owner signed in.
    pub opened_at: Timestamp,
    /// When it was last used, to a quarter of an hour: access tokens in between are not counted.
    pub used_at: Timestamp,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_of_itself_is_bounded_and_one_line() {
        let device = Device::new(&format!("Fire\r\nfox {}", "ü".repeat(900)), None);
        assert!(device.name.starts_with("Firefox ü") && device.name.chars().count() == 200);
    }
}
