//! What a server must let us do, and what it may lose.

use std::collections::HashMap;

use manazir_rollup::Error;
use redis::Script;

use crate::layout::Layout;
use crate::link::Link;

/// Refused now if counting would be refused later.
pub(crate) async fn may_count(link: &Link, layout: &Layout) -> Result<(), Error> {
    let script = Script::new(include_str!("scripts/try.lua"));
    link.run::<u64>(&script, &[script.key(layout.scratch())]).await.map(drop)
}

/// Says so if the server may lose what it acknowledged. Some servers tell nobody: then nothing is said.
pub(crate) async fn warn_of_losses(link: &Link) -> Result<(), Error> {
    let mut look = redis::pipe();
    look.cmd("CONFIG").arg("GET").arg("append*").cmd("CONFIG").arg("GET").arg("maxmemory*");
    let (mut settings, memory): (HashMap<String, String>, HashMap<String, String>) =
        match link.ask(&look).await {
            Err(Error::Refused(..)) => return Ok(()),
            answer => answer?,
        };
    settings.extend(memory);
    if let Some(loss) = loss(&settings) {
        let server = link.name();
        tracing::warn!(server, "{server} may lose what was counted: {loss}");
    }
    Ok(())
}

fn loss(settings: &HashMap<String, String>) -> Option<&'static str> {
    let get = |name: &str| settings.get(name).map(String::as_str);
    let is = |name: &str, safe: &str| get(name).is_none_or(|value| value == safe);
    let evicts = get("maxmemory-policy").is_some_and(|policy| policy.starts_with("allkeys-"));
    let losses = [
        (!is("appendonly", "yes"), "with its process, for appendonly is no"),
        (!is("appendfsync", "always"), "of the last seconds with its machine, for appendfsync is not always"),
        (evicts && !is("maxmemory", "0"), "when its memory is full, for maxmemory-policy lets any key go"),
    ];
    losses.into_iter().find(|(lost, _)| *lost).map(|(_, how)| how)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &str, expected: Option<&str>) {
        let pairs = settings.split_whitespace().filter_map(|pair| pair.split_once('='));
        let settings = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let loss = loss(&settings);
        match expected {
            Some(expected) => assert!(loss.is_some_and(|loss| loss.contains(expected)), "{loss:?}"),
            None => assert_eq!(loss, None),
        }
    }

    #[test]
    fn a_server_that_may_lose_something_is_known() {
        check("", None);
        check("appendonly=yes appendfsync=always maxmemory=0 maxmemory-policy=allkeys-lru", None);
        check("appendonly=yes appendfsync=always maxmemory=9 maxmemory-policy=volatile-lru", None);
        check("appendonly=no appendfsync=always", Some("appendonly"));
        check("appendonly=yes appendfsync=everysec", Some("appendfsync"));
        check("maxmemory=9 maxmemory-policy=allkeys-lfu", Some("maxmemory-policy"));
    }
}
