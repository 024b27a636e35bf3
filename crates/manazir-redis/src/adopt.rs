//! What was counted anew takes the place of what there is.
//!
//! To compare millions of findings takes time, in which Redis must serve others. So they are compared here, block by
//! block, and the script only looks whether something was counted since. If so, the blocks in which it was are compared,
//! and so on: all that is counted here at the same time must be there too, hence it is soon over, one way or the other.
//! What is left to the script is to rename, one name for each block.

use std::collections::HashSet;

use manazir_rollup::Error;
use redis::Script;

use crate::layout::Layout;
use crate::link::Link;

/// Others that count are faster each time only for as long as they have findings which counted anew before.
const ATTEMPTS_MAX: usize = 100;

/// Blocks that are compared at a time: one MiB and a little more.
const BLOCKS_MAX: usize = 64;

/// Bytes of a content.
const CONTENT: usize = 8;

/// Lets `staged` take the place of `live`; false if it lacks a finding.
pub(crate) async fn adopt(link: &Link, live: &Layout, staged: &Layout) -> Result<bool, Error> {
    let script = Script::new(include_str!("scripts/adopt.lua"));
    let mut compared = 0;
    for _ in 0..ATTEMPTS_MAX {
        let mut ask = redis::pipe();
        ask.get(&live.changes);
        let (changes,): (Option<u64>,) = link.ask(&ask).await?;
        if !has_all_since(link, live, staged, compared).await? {
            return Ok(false);
        }
        compared = changes.unwrap_or_default();
        let mut run = script.key(&live.changes);
        run.key(&live.blocks).key(&staged.changes).key(&staged.blocks).key(live.scratch());
        for (live, staged) in live.taken_over().into_iter().zip(staged.taken_over()) {
            run.key(live).key(staged);
        }
        run.arg(compared).arg(live.prefix()).arg(staged.prefix());
        if link.run::<u64>(&script, &[run]).await? == [1] {
            return Ok(true);
        }
    }
    Err(Error::Away(link.name(), "others count all the time".into()))
}

/// True if each finding of the blocks that changed later than that is one of `staged`.
async fn has_all_since(link: &Link, live: &Layout, staged: &Layout, change: u64) -> Result<bool, Error> {
    let mut ask = redis::pipe();
    ask.cmd("ZRANGEBYSCORE").arg(&live.blocks).arg(format!("({change}")).arg("+inf");
    let (blocks,): (Vec<String>,) = link.ask(&ask).await?;
    for blocks in blocks.chunks(BLOCKS_MAX) {
        let names = |layout: &Layout, kind| -> Vec<String> {
            blocks.iter().map(|block| layout.named(kind, block)).collect()
        };
        let (mut ask_slots, mut ask_others) = (redis::pipe(), redis::pipe());
        for layout in [live, staged] {
            ask_slots.cmd("MGET").arg(names(layout, "seen"));
            for name in names(layout, "more") {
                ask_others.smembers(name);
            }
        }
        let (live, staged): (Slots, Slots) = link.ask(&ask_slots).await?;
        let others: Vec<HashSet<Vec<u8>>> = link.ask(&ask_others).await?;
        let (live_others, staged_others) = others.split_at(blocks.len());
        let live = live.into_iter().map(Option::unwrap_or_default).zip(live_others);
        let staged = staged.into_iter().map(Option::unwrap_or_default).zip(staged_others);
        if !live.zip(staged).all(|(live, staged)| has_all_of(&staged, &live)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The slots of some blocks.
type Slots = Vec<Option<Vec<u8>>>;

/// A block: its slots, and what else was counted there.
type Block<'a> = (Vec<u8>, &'a HashSet<Vec<u8>>);

/// True if each finding of the other is in this one.
fn has_all_of((slots, others): &Block<'_>, (its_slots, its_others): &Block<'_>) -> bool {
    let has = |number: u16, content: &[u8]| {
        let slot = usize::from(number) * CONTENT;
        slots.get(slot..slot + CONTENT) == Some(content)
            || others.contains(&[&number.to_le_bytes(), content].concat())
    };
    let has_slot = |(number, content): (u16, &[u8])| content == [0; CONTENT] || has(number, content);
    let has_other = |member: &Vec<u8>| {
        member.split_first_chunk().is_some_and(|(number, content)| has(u16::from_le_bytes(*number), content))
    };
    (slots == its_slots || (0..).zip(its_slots.chunks(CONTENT)).all(has_slot))
        && its_others.iter().all(has_other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((slots, others): (&[u64], &[u64]), (its_slots, its_others): (&[u64], &[u64]), expected: bool) {
        let bytes =
            |slots: &[u64]| -> Vec<u8> { slots.iter().flat_map(|content| content.to_le_bytes()).collect() };
        // All of them at the place 1.
        let member = |content: &u64| [&1_u16.to_le_bytes()[..], &content.to_le_bytes()].concat();
        let members = |others: &[u64]| -> HashSet<Vec<u8>> { others.iter().map(member).collect() };
        let (others, its_others) = (members(others), members(its_others));
        let (block, other) = ((bytes(slots), &others), (bytes(its_slots), &its_others));
        assert_eq!(has_all_of(&block, &other), expected);
    }

    #[test]
    fn a_finding_is_looked_for_wherever_it_may_stand() {
        check((&[], &[]), (&[], &[]), true);
        check((&[], &[]), (&[5], &[]), false);
        check((&[5, 6], &[]), (&[5], &[]), true);
        check((&[5, 6], &[]), (&[0, 6], &[]), true);
        check((&[5, 6], &[]), (&[6], &[]), false);
        check((&[5, 6], &[7]), (&[0, 7], &[6]), true);
        check((&[5, 6], &[7]), (&[0, 7], &[6, 8]), false);
        check((&[0, 6], &[]), (&[5, 6], &[]), false);
    }
}
