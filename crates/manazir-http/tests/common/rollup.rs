//! A rollup over the twin in memory, with an intake that counts line by line.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_rollup::history::{Aside, AsideState, Resolution, Status};
use manazir_rollup::hosted::{Hosted, Intake, IntakeError, NotCounted, Taken, Tried};
use manazir_rollup::memory::InMemory;
use manazir_rollup::reference::Reference;
use manazir_rollup::{Compiled, Destination, History, Outcome, Plan, Raw};

/// When findings are taken in.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const SPEC: &str = r#"
name = "karma"
[source]
format = "csv"
fields = [{ name = "at", type = "time" }, { name = "who", type = "integer" }, { name = "kind" },
    { name = "points", type = "number" }]
[[reference]]
name = "person"
file = "person.csv"
columns = [{ name = "id", type = "integer" }, { name = "name" }]
key = "id"
on = "who"
[rollup]
key = "person.id"
label = "person.name"
at = "at"
category = "kind"
categories = ["minor", "high"]
value = "points"
decimals = 2
[table]
name = "karma"
key = "person_id"
label = "person_name"
sum = "{category}_sum"
[table.totals]
name = "karma_totals"
more = { largest = "max" }
"#;

/// People that are known.
const PEOPLE: &str = "2,Bo\n9,Cy\n10,Di\n";

/// Counts at once.
pub(crate) struct Counter {
    compiled: Arc<Compiled>,
    plan: Mutex<Plan>,
    destination: InMemory,
}

/// Points of people, in two decimals, without findings.
pub(crate) async fn karma() -> Hosted {
    let compiled = Arc::new(Compiled::read(SPEC).unwrap());
    let (people, broken) = Reference::read(&compiled.spec.references[0], PEOPLE.as_bytes());
    assert!(broken.is_empty());
    let plan = Plan::new(Arc::clone(&compiled), vec![people]);
    let shape = compiled.shape("karma");
    let destination = InMemory::new(shape.clone());
    destination.prepare(&plan.keys()).await.unwrap();
    destination.name(&plan.keys(), Timestamp(0)).await.unwrap();
    let counter = Counter { compiled, plan: plan.into(), destination: destination.clone() };
    Hosted {
        name: "karma".to_owned(),
        shape,
        decimals: 2,
        destination: Arc::new(destination),
        intake: Arc::new(counter),
    }
}

impl Counter {
    /// What a line comes to; it is not counted.
    fn outcome(&self, source: &Arc<str>, position: u64, line: &[u8]) -> (u64, Outcome) {
        let content = manazir_rollup::decode::content_of(line);
        let outcome = match self.compiled.spec.source.decode(line) {
            Ok(values) => {
                let identity = self.compiled.identity(source, position, line, &values);
                self.plan.lock().unwrap().resolve(identity, &values, NOW)
            }
            Err(why) => Outcome::Rejected(why),
        };
        (content, outcome)
    }
}

#[async_trait]
impl Intake for Counter {
    async fn take(&self, source: &str, lines: Vec<Vec<u8>>) -> Result<Taken, IntakeError> {
        let source: Arc<str> = source.into();
        let mut taken = Taken { findings: lines.len() as u64, not_counted: Vec::new() };
        for (line, position) in lines.into_iter().zip(0..) {
            let (content, outcome) = self.outcome(&source, position, &line);
            let (state, reason) = match outcome {
                Outcome::Counts(row) => {
                    self.destination.count(&[row]).await.unwrap();
                    continue;
                }
                Outcome::Waits(reason) => (AsideState::Waiting, reason),
                Outcome::Rejected(reason) => (AsideState::Rejected, reason),
            };
            let waits = state == AsideState::Waiting;
            taken.not_counted.push(NotCounted { line: position, reason: reason.clone(), waits });
            let (source, raw) = (Arc::clone(&source), Raw::Line(line.into()));
            let aside = Aside { number: 0, source, position, content, known_at: NOW, raw, reason, state };
            self.destination.set_aside(&[aside]).await.unwrap();
        }
        Ok(taken)
    }

    async fn retry(&self, aside: Aside, line: Option<Vec<u8>>) -> Result<Tried, IntakeError> {
        let Raw::Line(came) = &aside.raw else { panic!("only lines come here") };
        let line = line.unwrap_or_else(|| came.to_vec());
        match self.outcome(&aside.source, aside.position, &line).1 {
            Outcome::Counts(row) => {
                self.destination.count(&[row]).await.unwrap();
                let (number, reason) = (aside.number, String::new());
                let resolution = Resolution { number, state: AsideState::Counted, reason };
                self.destination.resolve(&[resolution]).await.unwrap();
                Ok(Tried::Counts)
            }
            Outcome::Waits(reason) => Ok(Tried::Waits(reason)),
            Outcome::Rejected(reason) => Ok(Tried::Rejected(reason)),
        }
    }

    async fn status(&self) -> Result<Status, IntakeError> {
        Ok(History::status(&self.destination).await.unwrap())
    }
}
