//! Spans and their parents, without those that make no sense.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Broken, Span, length};

/// Spans by their place.
#[derive(Debug)]
pub(super) struct Forest<'a> {
    pub(super) spans: Vec<Span<'a>>,
    /// Of each its parent, if it has one.
    pub(super) parents: Vec<Option<u32>>,
    /// Of each its length without the time in which one of its children ran, in microseconds.
    pub(super) exclusive_us: Vec<i64>,
}

impl<'a> Forest<'a> {
    pub(super) fn grow(all: &[Span<'a>], broken: &mut Broken) -> Self {
        let (spans, by_number) = numbered(all, broken);
        let mut parents: Vec<Option<u32>> = Vec::with_capacity(spans.len());
        for span in &spans {
            let parent = by_number.get(&(span.trace, span.parent)).copied();
            let parent = parent.filter(|_| !span.parent.is_empty());
            broken.unknown_parent += usize::from(parent.is_none() && !span.parent.is_empty());
            parents.push(parent);
        }
        drop(by_number);
        broken.cycle = cut_cycles(&mut parents);
        let exclusive_us = exclusive(&spans, &parents);
        Self { spans, parents, exclusive_us }
    }
}

type ByNumber<'a> = HashMap<(&'a str, &'a str), u32>;

/// Spans that end after they begin, each number once: of two the smaller, whichever came first.
fn numbered<'a>(all: &[Span<'a>], broken: &mut Broken) -> (Vec<Span<'a>>, ByNumber<'a>) {
    let mut spans: Vec<Span<'a>> = Vec::with_capacity(all.len());
    let mut by_number: ByNumber<'a> = HashMap::with_capacity(all.len());
    for span in all {
        if span.end < span.start {
            broken.ends_before_it_begins += 1;
            continue;
        }
        match by_number.entry((span.trace, span.id)) {
            Entry::Occupied(known) => {
                broken.twice += 1;
                let known = &mut spans[*known.get() as usize];
                *known = (*known).min(*span);
            }
            Entry::Vacant(place) => {
                place.insert(spans.len() as u32);
                spans.push(*span);
            }
        }
    }
    (spans, by_number)
}

/// Takes the parent from all that are their own ancestors; how many that were. Each span is visited twice at most.
fn cut_cycles(parents: &mut [Option<u32>]) -> usize {
    const UNSEEN: u32 = u32::MAX;
    let mut seen_from = vec![UNSEEN; parents.len()];
    let mut cut = 0;
    for start in 0..parents.len() as u32 {
        let mut at = start;
        while seen_from[at as usize] == UNSEEN {
            seen_from[at as usize] = start;
            match parents[at as usize] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        // Back where this walk has been: what lies between is a cycle. A root ends here, too, but has no parent.
        if seen_from[at as usize] == start {
            while let Some(parent) = parents[at as usize].take() {
                cut += 1;
                at = parent;
            }
        }
    }
    cut
}

/// The length of each span minus that of the union of its children within it. O(spans) and the sorting of siblings.
fn exclusive(spans: &[Span<'_>], parents: &[Option<u32>]) -> Vec<i64> {
    let mut siblings: Vec<(u32, u32)> = parents
        .iter()
        .zip(0..)
        .filter_map(|(parent, child): (&Option<u32>, u32)| Some(((*parent)?, child)))
        .collect();
    siblings.sort_unstable_by_key(|(parent, child)| (*parent, spans[*child as usize].start));
    let mut exclusive_us: Vec<i64> = spans.iter().map(length).collect();
    for family in siblings.chunk_by(|one, other| one.0 == other.0) {
        let parent = &spans[family[0].0 as usize];
        let mut done = parent.start;
        let mut covered_us = 0_i64;
        for (_, child) in family {
            let child = &spans[*child as usize];
            let (from, until) = (child.start.max(done), child.end.min(parent.end));
            if from < until {
                covered_us = covered_us.saturating_add(until.micros_since(from));
                done = until;
            }
        }
        exclusive_us[family[0].0 as usize] = length(parent).saturating_sub(covered_us).max(0);
    }
    exclusive_us
}
