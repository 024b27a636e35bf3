//! Counts exactly in one place, and shows it in another.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use manazir_rollup::{Destination, Error, Key, Row, Total};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::behind::Behind;
use crate::counters::{Addition, Counters, Standing, lacking};
use crate::failure::Refusal;
use crate::tables::{Id, Tables};

/// Keys that are compared at a time.
const KEYS: usize = 1_000;

/// The exact totals, and where they are shown.
pub(crate) struct Projection<C> {
    /// Where that is, as people are told.
    place: String,
    tables: Arc<Tables>,
    exact: Box<dyn Destination>,
    counters: C,
    /// Held by whoever reads counters and adds to them: two at once would both add what is lacking.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    behind: Behind,
    /// Rows that were counted by calls that failed later.
    untold: u64,
    /// True once all keys were compared.
    begun: bool,
}

impl<C> fmt::Debug for Projection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.tables.shape.name, self.place)
    }
}

impl<C: Counters> Projection<C> {
    pub(crate) fn new(place: String, tables: Arc<Tables>, exact: Box<dyn Destination>, counters: C) -> Self {
        Self { place, tables, exact, counters, state: Mutex::default() }
    }

    /// Makes what is needed, and compares all keys: so a start mends whatever an end left behind.
    pub(crate) async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        let labels = self.tables.labels(keys).map_err(|why| why.of(&self.place))?;
        self.exact.prepare(keys).await?;
        self.counters.make().await?;
        let mut state = self.state.lock().await;
        let totals = self.exact.totals().await?;
        let ids = self.ids(&totals)?;
        let nothing_yet = |total: &Total| total.count == 0 && total.by_category.iter().all(|sum| *sum == 0);
        if totals.iter().all(nothing_yet) {
            self.refuse_what_others_counted(&ids).await?;
        }
        self.counters.write_names(&labels).await?;
        state.behind.counted(ids.iter().cloned());
        if !state.begun {
            state.behind.doubted(ids, Instant::now());
        }
        self.show_all(&mut state.behind).await?;
        state.begun = true;
        Ok(())
    }

    /// Counts, and shows what it counted. What was counted by calls that failed after that is told by the next that
    /// does not.
    pub(crate) async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        let ids = self.tables.ids(rows).map_err(|why| why.of(&self.place))?;
        let counted = self.exact.count(rows).await?;
        let mut state = self.state.lock().await;
        state.untold += counted;
        state.behind.counted(ids);
        self.show_all(&mut state.behind).await?;
        Ok(std::mem::take(&mut state.untold))
    }

    /// All totals, as they are shown.
    pub(crate) async fn totals(&self) -> Result<Vec<Total>, Error> {
        let mut state = self.state.lock().await;
        self.show_all(&mut state.behind).await?;
        let mut totals = self.exact.totals().await?;
        for some in totals.chunks_mut(KEYS) {
            let ids = self.ids(some)?;
            let standings = self.counters.read(&ids).await?;
            let names = self.counters.read_names(&ids).await?;
            for ((total, standing), name) in some.iter_mut().zip(standings).zip(names) {
                total.label = name;
                self.as_shown(total, standing)?;
            }
        }
        Ok(totals)
    }

    /// Compares the keys that are due, and adds what is lacking.
    async fn show_all(&self, behind: &mut Behind) -> Result<(), Error> {
        let due = behind.due(Instant::now());
        for ids in due.chunks(KEYS) {
            let keys: Vec<String> = ids.iter().map(Id::to_string).collect();
            let totals = self.exact.totals_of(&keys).await?;
            let additions = self.lacking(ids, &totals).await?;
            behind.sending(additions.iter().map(|addition| addition.id.clone()));
            self.counters.add(&additions).await?;
            behind.shown(ids);
        }
        Ok(())
    }

    async fn lacking(&self, ids: &[Id], totals: &[Total]) -> Result<Vec<Addition>, Error> {
        let standings = self.counters.read(ids).await?;
        let standings: BTreeMap<&Id, Standing> = ids.iter().zip(standings).collect();
        let mut additions = Vec::new();
        for (id, total) in self.ids(totals)?.iter().zip(totals) {
            if let Some(standing) = standings.get(id) {
                additions.extend(lacking(id, &self.tables.counters_of(total), standing));
            }
        }
        Ok(additions)
    }

    /// Nothing was counted here. Counters that are not 0 are those of somebody else, or of totals that were lost: they
    /// would be set back.
    async fn refuse_what_others_counted(&self, ids: &[Id]) -> Result<(), Error> {
        for some in ids.chunks(KEYS) {
            for (id, standing) in some.iter().zip(self.counters.read(some).await?) {
                if standing.iter().flatten().flatten().any(|counter| *counter != 0) {
                    return Err(Refusal::Foreign(id.to_string()).of(&self.place));
                }
            }
        }
        Ok(())
    }

    fn ids(&self, totals: &[Total]) -> Result<Vec<Id>, Error> {
        let ids = totals.iter().map(|total| self.tables.id(&total.key));
        ids.collect::<Result<_, _>>().map_err(|why| why.of(&self.place))
    }

    /// Puts what is shown in the place of what is exact. Without the second table nobody sees a count.
    fn as_shown(&self, total: &mut Total, standing: Standing) -> Result<(), Error> {
        let mut rows = standing.into_iter().map(Option::unwrap_or_default);
        let mut sums = rows.next().unwrap_or_default();
        sums.resize(self.tables.shape.sums.len(), 0);
        let totals = rows.next().unwrap_or_default();
        let [count, sum] = [0, 1].map(|at| totals.get(at).copied().unwrap_or_default());
        total.count = count.try_into().map_err(|_| Error::Damaged {
            what: format!("what {} holds of {:?}", self.place, total.key),
            why: format!("its count is {count}"),
        })?;
        let added = || sums.iter().fold(0, |all: i64, sum| all.saturating_add(*sum));
        total.sum = if self.tables.shape.totals.is_some() { sum } else { added() };
        total.by_category = sums;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex as Lock;

    use manazir_rollup::contract::{self, key, row, shape, text};
    use manazir_rollup::memory::InMemory;
    use manazir_rollup::{KeyType, Shape};

    use super::*;
    use crate::behind::LATE_MAX;
    use crate::twin::{Fate, Twin};

    fn tables(shape: Shape) -> Arc<Tables> {
        Arc::new(Tables::new("karma", shape).unwrap())
    }

    /// As a process opens it; whoever has the same two opens the same one.
    fn open(exact: &InMemory, twin: &Twin) -> Projection<Twin> {
        let tables = tables(shape("karma", KeyType::Integer));
        Projection::new("the twin".to_owned(), tables, Box::new(exact.clone()), twin.clone())
    }

    fn fresh() -> (InMemory, Twin) {
        let shape = shape("karma", KeyType::Integer);
        (InMemory::new(shape.clone()), Twin::new(tables(shape)))
    }

    /// Numbers below a bound that are the same in each run: Knuth's generator, of which the high bits are mixed best.
    fn random(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        }
    }

    /// What readers see, without anything being mended on the way.
    async fn seen(exact: &InMemory, twin: &Twin) -> String {
        text(&open(exact, twin).totals().await.unwrap())
    }

    #[async_trait::async_trait]
    impl Destination for Projection<Twin> {
        async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
            self.prepare(keys).await
        }

        async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
            self.count(rows).await
        }

        async fn totals(&self) -> Result<Vec<Total>, Error> {
            self.totals().await
        }
    }

    #[tokio::test]
    async fn the_twin_keeps_the_contract() {
        let opened: Lock<HashMap<String, (InMemory, Twin)>> = Lock::default();
        contract::check(async |shape: Shape| {
            let tables = tables(shape.clone());
            let new = || (InMemory::new(shape.clone()), Twin::new(Arc::clone(&tables)));
            let (exact, twin) = opened.lock().unwrap().entry(shape.name.clone()).or_insert_with(new).clone();
            Projection::new("the twin".to_owned(), tables, Box::new(exact), twin)
        })
        .await;
    }

    /// KP-W1: the process ends between the two steps, and another one starts.
    #[tokio::test]
    async fn a_crash_before_anything_is_shown_is_mended_by_the_next_start() {
        let (exact, twin) = fresh();
        open(&exact, &twin).prepare(&[key("1", "one")]).await.unwrap();
        exact.count(&[row(0, "1", 0, 50), row(1, "2", 3, 1_000)]).await.unwrap();
        assert_eq!(seen(&exact, &twin).await, "1 \"one\" 0 0 [0, 0, 0, 0]\n2 \"\" 0 0 [0, 0, 0, 0]\n");
        open(&exact, &twin).prepare(&[key("1", "one")]).await.unwrap();
        let expected = "1 \"one\" 1 50 [50, 0, 0, 0]\n2 \"\" 1 1000 [0, 0, 0, 1000]\n";
        assert_eq!(seen(&exact, &twin).await, expected);
    }

    #[tokio::test]
    async fn an_addition_whose_answer_is_lost_is_made_once() {
        for fate in [Fate::Refused, Fate::AnswerLost, Fate::Half] {
            let (exact, twin) = fresh();
            let projection = open(&exact, &twin);
            projection.prepare(&[]).await.unwrap();
            let rows = [row(0, "1", 0, 50), row(1, "2", 1, 100)];
            twin.fates([fate, fate]);
            assert!(matches!(projection.count(&rows).await, Err(Error::Away(..))), "{fate:?}");
            // What the first call counted is told by the one that ends well.
            let told = loop {
                if let Ok(told) = projection.count(&rows).await {
                    break told;
                }
            };
            assert_eq!(told, 2, "{fate:?}");
            assert_eq!(projection.count(&rows).await.unwrap(), 0, "{fate:?}");
            assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()), "{fate:?}");
        }
    }

    /// Keys of a batch that is never sent again are mended with any later one.
    #[tokio::test]
    async fn what_was_not_shown_is_shown_with_the_next_batch() {
        let (exact, twin) = fresh();
        let projection = open(&exact, &twin);
        projection.prepare(&[]).await.unwrap();
        twin.fates([Fate::Half]);
        projection.count(&[row(0, "1", 0, 50), row(1, "2", 1, 100)]).await.unwrap_err();
        assert_eq!(projection.count(&[row(2, "3", 2, 500)]).await.unwrap(), 3);
        assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_addition_that_arrives_late_is_taken_back() {
        let (exact, twin) = fresh();
        let projection = open(&exact, &twin);
        projection.prepare(&[]).await.unwrap();
        twin.fates([Fate::Late]);
        projection.count(&[row(0, "1", 0, 50)]).await.unwrap_err();
        projection.count(&[row(0, "1", 0, 50)]).await.unwrap();
        twin.arrive();
        assert_eq!(seen(&exact, &twin).await, "1 \"\" 2 100 [100, 0, 0, 0]\n");
        tokio::time::advance(LATE_MAX).await;
        projection.count(&[row(1, "2", 0, 50)]).await.unwrap();
        assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()));
        // And once is enough.
        twin.reads();
        tokio::time::advance(LATE_MAX).await;
        projection.count(&[row(2, "2", 0, 50)]).await.unwrap();
        assert_eq!(twin.reads(), 1);
    }

    /// The process ended with an addition under way, and the next one was quicker than it.
    #[tokio::test(start_paused = true)]
    async fn what_an_earlier_process_left_under_way_is_taken_back() {
        let (exact, twin) = fresh();
        let before = open(&exact, &twin);
        before.prepare(&[]).await.unwrap();
        twin.fates([Fate::Late]);
        before.count(&[row(0, "1", 0, 50)]).await.unwrap_err();
        let after = open(&exact, &twin);
        after.prepare(&[]).await.unwrap();
        twin.arrive();
        tokio::time::advance(LATE_MAX).await;
        after.totals().await.unwrap();
        assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()));
    }

    /// KP-W2: whoever lost the exact totals, or has those of another machine, would set everything back.
    #[tokio::test]
    async fn counters_of_others_are_not_set_back() {
        let (exact, twin) = fresh();
        exact.prepare(&[key("9", "nine")]).await.unwrap();
        twin.set(0, crate::tables::Id::Integer(9), vec![0, 0, 7, 0]);
        let error = open(&exact, &twin).prepare(&[]).await.unwrap_err();
        assert!(matches!(error, Error::Refused(..)) && format!("{error:?}").contains("Foreign"), "{error:?}");
        assert!(seen(&exact, &twin).await.contains("[0, 0, 7, 0]"));
        // Whoever counted already knows better, and is believed.
        exact.count(&[row(0, "9", 0, 50)]).await.unwrap();
        open(&exact, &twin).prepare(&[]).await.unwrap();
        assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()).replace("nine", ""));
    }

    #[tokio::test]
    async fn many_keys_are_compared_in_parts() {
        let (exact, twin) = fresh();
        let projection = open(&exact, &twin);
        projection.prepare(&[]).await.unwrap();
        let people = 2 * KEYS as u64 + 1;
        let rows: Vec<Row> = (0..people).map(|at| row(at, &at.to_string(), 0, 50)).collect();
        // The second part of them fails.
        twin.fates([Fate::Answered, Fate::Half]);
        projection.count(&rows).await.unwrap_err();
        assert_eq!(projection.count(&rows[..1]).await.unwrap(), people);
        assert_eq!(seen(&exact, &twin).await, text(&exact.totals().await.unwrap()));
    }

    #[tokio::test]
    async fn a_count_below_zero_is_damage() {
        let (exact, twin) = fresh();
        exact.prepare(&[key("9", "nine")]).await.unwrap();
        twin.set(1, crate::tables::Id::Integer(9), vec![-1, 0]);
        let error = open(&exact, &twin).totals().await.unwrap_err();
        assert_eq!(error.to_string(), "what the twin holds of \"9\" cannot be read: its count is -1");
    }

    #[tokio::test]
    async fn rows_that_can_be_counted_nowhere_are_refused_before_anything_is() {
        let (exact, twin) = fresh();
        let projection = open(&exact, &twin);
        projection.prepare(&[]).await.unwrap();
        for bad in [row(1, "29abc", 0, 1), row(1, "1", 4, 1)] {
            let error = projection.count(&[row(0, "1", 0, 1), bad]).await.unwrap_err();
            assert!(matches!(error, Error::Refused(..)));
        }
        assert!(matches!(projection.prepare(&[key("two", "")]).await, Err(Error::Refused(..))));
        assert!(exact.totals().await.unwrap().is_empty());
    }

    /// Any fates of any additions, with starts in between: in the end readers see what is exact.
    #[tokio::test(start_paused = true)]
    async fn whatever_is_lost_on_the_way_the_counters_end_exact() {
        for seed in 0..50 {
            let mut random = random(seed);
            let (exact, twin) = fresh();
            let mut projection = open(&exact, &twin);
            projection.prepare(&[key("0", "zero"), key("1", "one")]).await.unwrap();
            for round in 0..60_u64 {
                let fates = [Fate::Answered, Fate::Refused, Fate::AnswerLost, Fate::Half, Fate::Late];
                twin.fates([fates[random(5) as usize]]);
                let mut any = |at: u64| row(round + at, &random(7).to_string(), random(4) as u16, 50);
                let rows: Vec<Row> = (0..4).map(&mut any).collect();
                let _ = projection.count(&rows[..random(5) as usize]).await;
                match random(8) {
                    0 => {
                        projection = open(&exact, &twin);
                        let _ = projection.prepare(&[]).await;
                    }
                    1 => twin.arrive(),
                    2 => {
                        twin.arrive();
                        tokio::time::advance(LATE_MAX / 4).await;
                    }
                    _ => {}
                }
            }
            twin.fates([]);
            twin.arrive();
            projection.totals().await.unwrap();
            tokio::time::advance(LATE_MAX).await;
            projection.totals().await.unwrap();
            let exact_totals = exact.totals().await.unwrap();
            assert!(exact_totals.len() == 7 && exact_totals.iter().all(|total| total.count > 0));
            let unnamed = |text: String| text.replace("zero", "").replace("one", "");
            assert_eq!(unnamed(seen(&exact, &twin).await), unnamed(text(&exact_totals)), "{seed}");
        }
    }
}
