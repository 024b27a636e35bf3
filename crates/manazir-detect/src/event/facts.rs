//! What detectors look at: the event as numbers, made once and shared by all.

use manazir_model::{Event, Grain};

use super::hash;

/// Resources of one event that are looked at.
pub(super) const RESOURCES_MAX: usize = 4;

/// An event as numbers. Text becomes its hash, an address its block, an agent its family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Facts {
    /// Whole hours since 1970: the step in which habits are counted.
    pub(super) hour: u32,
    /// Hour of the day in UTC, and 24 more on a Saturday or Sunday.
    pub(super) time_of_week: u64,
    pub(super) actor: u64,
    pub(super) session: u64,
    pub(super) peers: u64,
    pub(super) action: u64,
    pub(super) place: u64,
    pub(super) block: u64,
    pub(super) agent: u64,
    /// 0 if there was none.
    pub(super) error: u64,
    pub(super) resources: [u64; RESOURCES_MAX],
    pub(super) n_resources: usize,
    /// 0 for looking, 1 for what may change something, 2 for a sensitive family.
    pub(super) rank: usize,
    /// The action before this one in the session, and the one before that; 0 if there was none.
    pub(super) previous: [u64; 2],
}

impl Facts {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let hours = event.at.micros().div_euclid(Grain::HOUR.micros());
        // 1970 began on a Thursday: days 2 and 3 of each seven are Saturday and Sunday.
        let weekend = matches!(hours.div_euclid(24).rem_euclid(7), 2 | 3);
        let mut resources = [0; RESOURCES_MAX];
        for (slot, resource) in resources.iter_mut().zip(&event.resources) {
            *slot = hash::text(resource);
        }
        let actor = hash::text(&event.actor);
        Self {
            hour: u32::try_from(hours.max(1)).unwrap_or(u32::MAX),
            time_of_week: hours.rem_euclid(24) as u64 + if weekend { 24 } else { 0 },
            actor,
            session: hash::pair(actor, hash::text(&event.session)),
            peers: hash::text(&event.peers),
            action: hash::text(&event.action),
            place: hash::text(&event.place),
            block: hash::text(block(&event.address)),
            agent: agent_family(&event.agent),
            error: if event.error.is_empty() { 0 } else { hash::text(&event.error) },
            resources,
            n_resources: event.resources.len().min(RESOURCES_MAX),
            rank: 0,
            previous: [0; 2],
        }
    }
}

/// The network an address belongs to: the first 24 bits of IPv4, the first 48 of IPv6. Anything else, a
/// service for instance, is its own block.
pub(super) fn block(address: &str) -> &str {
    let is_address = |allowed: fn(u8) -> bool| address.bytes().all(allowed);
    if address.contains(':') && is_address(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')) {
        let end = address.match_indices(':').nth(2).map_or(address.len(), |(at, _)| at);
        return &address[..end];
    }
    if is_address(|byte| byte.is_ascii_digit() || byte == b'.') {
        return address.rsplit_once('.').map_or(address, |(network, _)| network);
    }
    address
}

/// The programs an agent names, without versions and remarks: `aws-cli Python Linux`. The first three tell
/// tools apart; what follows them changes with every update of a library.
fn agent_family(agent: &str) -> u64 {
    products(agent).fold(0, |family, product| hash::pair(family, hash::text(product)))
}

fn products(agent: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    agent
        .split(' ')
        .filter(move |word| {
            let outside = depth == 0 && !word.starts_with('(');
            depth += word.matches('(').count();
            depth = depth.saturating_sub(word.matches(')').count());
            outside
        })
        .map(|word| word.trim_matches(['[', ']', ',']))
        .map(|word| word.split('/').next().unwrap_or(word))
        .filter(|word| !word.is_empty())
        .take(3)
}

/// The agent's family as people read it.
pub(super) fn agent_words(agent: &str) -> String {
    products(agent).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fall_into_blocks() {
        let cases = [
            ("192.0.2.17", "192.0.2"),
            ("2001:db8:1:2:3::7", "2001:db8:1"),
            ("::ffff:192.0.2.17", "::ffff"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            ("AWS Internal", "AWS Internal"),
            ("", ""),
        ];
        for (address, wanted) in cases {
            assert_eq!(block(address), wanted, "{address}");
        }
    }

    #[test]
    fn agents_fall_into_families() {
        let cases = [
            ("aws-cli/2.15.1 Python/3.11.6 Linux/6.1 exe/x86_64", "aws-cli Python Linux"),
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://x y) aws-sdk-go/1.44",
                "APN HashiCorp Terraform",
            ),
            ("[Boto3/1.26 Python/3.10]", "Boto3 Python"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/2010 Firefox/102", "Mozilla Gecko Firefox"),
            ("", ""),
        ];
        for (agent, wanted) in cases {
            assert_eq!(agent_words(agent), wanted, "{agent}");
        }
    }

    #[test]
    fn weekends_are_told_from_working_days() {
        let time_of_week = |seconds: i64| {
            let at = manazir_model::Timestamp::from_seconds(seconds);
            Facts::of(&Event { at, ..Event::default() }).time_of_week
        };
        // Friday, 3 May 2024, one second before midnight, and after it.
        let midnight = 1_714_780_800;
        assert_eq!(time_of_week(midnight - 1), 23);
        assert_eq!(time_of_week(midnight), 24);
        assert_eq!(time_of_week(midnight + 33 * 3_600), 33);
        assert_eq!(time_of_week(midnight + 48 * 3_600), 0);
    }
}
