//! Events.

use manazir_model::{GraphEvent, Timestamp};

use super::{all_events, between, event, texts};
use crate::{EventGraphStore, EventQuery};

pub(super) async fn check<S: EventGraphStore>(open: &impl AsyncFn() -> S) {
    come_back_as_they_were(&open().await).await;
    what_is_not_sound_is_made_so(&open().await).await;
    the_same_identity_is_the_same_event(&open().await).await;
    a_window_shows_what_touches_it(&open().await).await;
    what_had_not_arrived_is_not_shown(&open().await).await;
    the_latest_are_kept_of_too_many(&open().await).await;
    thousands_are_added_at_once(&open().await).await;
    old_ones_are_forgotten(&open().await).await;
}

fn ids(events: &[GraphEvent]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

async fn come_back_as_they_were(store: &impl EventGraphStore) {
    let texts = texts();
    let odd: Vec<GraphEvent> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| GraphEvent {
            id: format!("{text}#"),
            entity: text.clone(),
            event_type: text.clone(),
            target: Some(text.clone()).filter(|_| index % 3 > 0),
            dims: vec![("zone".to_owned(), text.clone()), (format!("zone{text}"), "x".to_owned())]
                .into_iter()
                .skip(index % 2)
                .collect(),
            source: text.clone(),
            sentence: format!("{text} {text}"),
            severity: index as f32 / texts.len() as f32,
            ..event("", index as i64, 100)
        })
        .map(|event| crate::sound(&event))
        .collect();
    store.add_events(&odd).await.unwrap();
    assert_eq!(store.events(&between(0, 1_000)).await.unwrap(), odd);
    let extreme = GraphEvent {
        from: Timestamp(i64::MIN + 1),
        until: Timestamp(i64::MAX),
        received_at: Timestamp(i64::MAX),
        ..event("extreme", 0, 0)
    };
    store.add_events(std::slice::from_ref(&extreme)).await.unwrap();
    assert_eq!(store.events(&between(-1_000, -999)).await.unwrap(), [extreme]);
    store.add_events(&[]).await.unwrap();
    assert_eq!(all_events(store).await.len(), odd.len() + 1);
}

async fn what_is_not_sound_is_made_so(store: &impl EventGraphStore) {
    let name = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let sound = event("e", 10, 10);
    let unsound = GraphEvent {
        until: Timestamp(3),
        severity: f32::NAN,
        dims: vec![name("zone", "1"), name("country", "x"), name("zone", "2")],
        ..sound.clone()
    };
    let grave = GraphEvent { id: "f".to_owned(), severity: f32::INFINITY, ..sound.clone() };
    store.add_events(&[unsound, grave.clone()]).await.unwrap();
    let dims = vec![name("country", "x"), name("zone", "1")];
    let kept = [GraphEvent { severity: 0.0, dims, ..sound }, GraphEvent { severity: 1.0, ..grave }];
    assert_eq!(all_events(store).await, kept);
}

async fn the_same_identity_is_the_same_event(store: &impl EventGraphStore) {
    let first = event("e", 10, 20);
    let other = GraphEvent {
        entity: "other".to_owned(),
        event_type: "other".to_owned(),
        received_at: Timestamp(1),
        target: Some("other".to_owned()),
        dims: vec![("zone".to_owned(), "b".to_owned())],
        source: "other".to_owned(),
        ..first.clone()
    };
    let seen = |until: i64, severity: f32, sentence: &str| GraphEvent {
        from: Timestamp::from_seconds(15),
        until: Timestamp::from_seconds(until),
        severity,
        sentence: sentence.to_owned(),
        ..other.clone()
    };
    let now = |until: i64, severity: f32, sentence: &str| GraphEvent {
        until: Timestamp::from_seconds(until),
        severity,
        sentence: sentence.to_owned(),
        ..first.clone()
    };
    store.add_events(std::slice::from_ref(&first)).await.unwrap();
    // Earlier: it changes nothing. The same again: as well.
    store.add_events(&[seen(19, 0.25, "earlier"), first.clone()]).await.unwrap();
    assert_eq!(all_events(store).await, std::slice::from_ref(&first));
    // As late, then later, then earlier than that: in one call, and each of them alone.
    store.add_events(&[seen(20, 0.5, "as late")]).await.unwrap();
    assert_eq!(all_events(store).await, [now(20, 0.5, "as late")]);
    store.add_events(&[seen(30, 0.75, "later"), seen(25, 0.25, "earlier")]).await.unwrap();
    assert_eq!(all_events(store).await, [now(30, 0.75, "later")]);
    // New, and several times in the call that brings it.
    let new = GraphEvent { id: "new".to_owned(), ..first.clone() };
    let later = GraphEvent { id: "new".to_owned(), ..seen(40, 1.0, "last") };
    let back = GraphEvent { id: "new".to_owned(), ..seen(39, 0.0, "before") };
    store.add_events(&[new, later, back]).await.unwrap();
    let last = GraphEvent { id: "new".to_owned(), ..now(40, 1.0, "last") };
    assert_eq!(all_events(store).await, [now(30, 0.75, "later"), last]);
}

async fn a_window_shows_what_touches_it(store: &impl EventGraphStore) {
    // From an instant to years, each length around the window 1000..2000.
    let lengths = [0, 1, 59, 60, 61, 3_599, 3_601, 90_000, 40 * 86_400, 4_000 * 86_400];
    let mut events = Vec::new();
    for length in lengths {
        for until in [999, 1_000, 1_001, 1_999 + length, 2_000 + length, 2_001 + length] {
            events.push(event(&format!("{length} until {until}"), until - length, until));
        }
    }
    store.add_events(&events).await.unwrap();
    let instant = Timestamp(1_000_000_000);
    let almost = GraphEvent { from: Timestamp(0), until: Timestamp(999_999_999), ..event("almost", 0, 0) };
    let just = GraphEvent { from: instant, until: instant, ..event("just", 0, 0) };
    store.add_events(&[almost.clone(), just.clone()]).await.unwrap();
    events.extend([almost, just]);
    let query = between(1_000, 2_000);
    events.retain(|event| event.until >= query.from && event.from < query.until);
    events.sort_by(|one, other| (one.from, &one.id).cmp(&(other.from, &other.id)));
    events.dedup();
    assert_eq!(ids(&store.events(&query).await.unwrap()), ids(&events));
    assert_eq!(store.events(&EventQuery { max: 0, ..query }).await.unwrap(), []);
    let nothing = EventQuery { from: query.until, until: query.from, ..query };
    let long: Vec<&GraphEvent> =
        events.iter().filter(|event| event.until >= query.until && event.from < query.from).collect();
    assert_eq!(store.events(&nothing).await.unwrap().iter().collect::<Vec<_>>(), long);
}

async fn what_had_not_arrived_is_not_shown(store: &impl EventGraphStore) {
    let arrived = |id: &str, at: i64| GraphEvent { received_at: Timestamp(at), ..event(id, 10, 20) };
    store.add_events(&[arrived("a", 5), arrived("b", 6), arrived("c", 7)]).await.unwrap();
    // Seen again after that, which is no new arrival.
    store.add_events(&[GraphEvent { received_at: Timestamp(99), ..event("a", 10, 30) }]).await.unwrap();
    for (as_of, expected) in [(4, &[][..]), (5, &["a"]), (6, &["a", "b"]), (7, &["a", "b", "c"])] {
        let query = EventQuery { as_of: Some(Timestamp(as_of)), ..between(0, 100) };
        let found = store.events(&query).await.unwrap();
        assert_eq!(ids(&found), expected, "as of {as_of}");
        assert!(found.iter().all(|event| event.until >= Timestamp::from_seconds(20)));
    }
}

async fn the_latest_are_kept_of_too_many(store: &impl EventGraphStore) {
    // Of all lengths, so that no part of the answer is complete by itself.
    let length = |index: i64| [0, 50, 3_000, 80_000, 30 * 86_400, 400 * 86_400][index as usize % 6];
    let events: Vec<GraphEvent> =
        (0..60).map(|index| event(&format!("{index:02}"), index, index + 100 + length(index))).collect();
    let mixed: Vec<GraphEvent> = (0..60).map(|index| events[index * 7 % 60].clone()).collect();
    store.add_events(&mixed).await.unwrap();
    for max in [1, 7, 59, 60, 61] {
        let found = store.events(&EventQuery { max, ..between(0, 1_000) }).await.unwrap();
        assert_eq!(ids(&found), ids(&events[60 - max.min(60)..]), "{max}");
    }
}

async fn thousands_are_added_at_once(store: &impl EventGraphStore) {
    let many: Vec<GraphEvent> = (0..5_000).map(|n| event(&format!("{n:05}"), n, n)).collect();
    store.add_events(&many).await.unwrap();
    assert_eq!(all_events(store).await, many);
    let again: Vec<GraphEvent> = (2_500..7_500).map(|n| event(&format!("{n:05}"), n, n + 1)).collect();
    store.add_events(&again).await.unwrap();
    let expected = many[..2_500].iter().chain(&again);
    assert_eq!(all_events(store).await.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

async fn old_ones_are_forgotten(store: &impl EventGraphStore) {
    let events: Vec<GraphEvent> = (0..10).map(|n| event(&n.to_string(), n, n + 100)).collect();
    store.add_events(&events).await.unwrap();
    let before = Timestamp::from_seconds(105);
    assert_eq!(store.forget(before, 0).await.unwrap(), 0);
    let mut gone = 0;
    loop {
        let some = store.forget(before, 3).await.unwrap();
        assert!(some <= 6, "about three: {some}");
        if some == 0 {
            break;
        }
        gone += some;
    }
    assert_eq!(gone, 5);
    assert_eq!(all_events(store).await, events[5..]);
    // What is forgotten and comes again is new.
    let again = GraphEvent { source: "again".to_owned(), ..event("0", 1, 2) };
    store.add_events(std::slice::from_ref(&again)).await.unwrap();
    assert_eq!(ids(&all_events(store).await), ["0", "5", "6", "7", "8", "9"]);
    assert_eq!(all_events(store).await[0], again);
}
