//! Five hundred callers at once, one broken event among them: each must get the answer that is its own.

use std::sync::Barrier;
use std::time::Instant;

use manazir_testkit::events;

use crate::setup::Setup;
use crate::table::Table;

const CALLERS: u64 = 500;
const BROKEN: u64 = 250;

pub(crate) fn at_once(setup: &Setup, table: &mut Table) {
    let ready = Barrier::new(CALLERS as usize);
    let mut millis: Vec<f64> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| {
                let ready = &ready;
                scope.spawn(move || {
                    let mut client = setup.client();
                    let mut body = Vec::new();
                    events::write(number, &mut body);
                    if number == BROKEN {
                        body = String::from_utf8(body).unwrap().replace("RoleID", "Role").into_bytes();
                    }
                    ready.wait();
                    let began = Instant::now();
                    let answer = client.post("/ingest", &body).unwrap();
                    let took = began.elapsed().as_secs_f64() * 1e3;
                    if number == BROKEN {
                        assert_eq!(answer.status, 400, "{}", answer.text());
                        assert!(answer.text().contains("RoleID is missing"), "{}", answer.text());
                    } else {
                        assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.text());
                        assert_eq!(answer.json()["id"], events::id(number));
                    }
                    took
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    millis.sort_unstable_by(f64::total_cmp);
    let last = millis.len() - 1;
    table.row(
        format!("{CALLERS} callers at once, one event broken"),
        setup.stands.as_str(),
        format!(
            "each its own answer, 400 for the broken one; p50 {:.0} ms, p99 {:.0} ms, last {:.0} ms",
            millis[last / 2],
            millis[last * 99 / 100],
            millis[last]
        ),
    );
}
