//! Times at which something held: spans with their first instant and the first at which it held no longer.

use manazir_model::{Dependency, Timestamp};

/// The first instant, and the one at which it no longer held. One that does not begin before it ends is empty.
pub type Span = (Timestamp, Timestamp);

/// What all of these spans cover: sorted, none empty, none that touches another.
pub fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|(from, until)| from < until);
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for (from, until) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

/// What is left of these spans if nothing holds from `at` on.
pub fn ended(spans: &[Span], at: Timestamp) -> Vec<Span> {
    let begun = spans.iter().filter(|(from, _)| *from < at);
    begun.map(|&(from, until)| (from, until.min(at))).collect()
}

/// What must be written so that `old` spans become `new` ones, where a span is known by its first instant: a span that
/// is new or ends elsewhere, and an empty one for each that is gone.
pub fn changes(old: &[Span], new: &[Span]) -> Vec<Span> {
    let gone = old.iter().filter(|(from, _)| new.iter().all(|(other, _)| other != from));
    let emptied = gone.map(|&(from, _)| (from, from));
    emptied.chain(new.iter().filter(|span| !old.contains(span)).copied()).collect()
}

/// The span of a dependency.
pub fn span(dependency: &Dependency) -> Span {
    (dependency.from, dependency.until)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(numbers: &[(i64, i64)]) -> Vec<Span> {
        numbers.iter().map(|&(from, until)| (Timestamp(from), Timestamp(until))).collect()
    }

    /// The instants that spans cover, of the few that the properties use.
    fn covered(spans: &[Span]) -> Vec<i64> {
        let holds = |at: &i64| spans.iter().any(|(from, until)| (from.0..until.0).contains(at));
        (-1..25).filter(holds).collect()
    }

    proptest! {
        #[test]
        fn spans_cover_the_same_after_they_are_joined(
            given in proptest::collection::vec((0i64..20, 0i64..20), 0..8),
        ) {
            let given = spans(&given);
            let joined = joined(given.clone());
            prop_assert_eq!(covered(&joined), covered(&given));
            prop_assert!(joined.windows(2).all(|two| two[0].1 < two[1].0), "{:?}", joined);
        }

        #[test]
        fn nothing_holds_after_the_end_and_all_before_it(
            given in proptest::collection::vec((0i64..20, 0i64..20), 0..8), at in 0i64..20,
        ) {
            let given = joined(spans(&given));
            let ended = ended(&given, Timestamp(at));
            let before: Vec<i64> = covered(&given).into_iter().filter(|instant| *instant < at).collect();
            prop_assert_eq!(covered(&ended), before);
            prop_assert_eq!(joined(ended.clone()), ended);
        }

        #[test]
        fn writing_the_changes_makes_the_old_spans_the_new(
            old in proptest::collection::vec((0i64..20, 0i64..20), 0..8),
            new in proptest::collection::vec((0i64..20, 0i64..20), 0..8),
        ) {
            let (old, new) = (joined(spans(&old)), joined(spans(&new)));
            let mut written: std::collections::BTreeMap<_, _> = old.iter().copied().collect();
            written.extend(changes(&old, &new));
            written.retain(|from, until| *from < *until);
            prop_assert_eq!(written.into_iter().collect::<Vec<_>>(), new);
        }
    }

    #[test]
    fn what_stays_is_not_written() {
        let old = spans(&[(1, 3), (5, 7)]);
        assert_eq!(changes(&old, &old), []);
        assert_eq!(changes(&old, &spans(&[(1, 7)])), spans(&[(5, 5), (1, 7)]));
    }
}
