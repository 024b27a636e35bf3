//! One case of a labelled folder, explained: what a person would be told, beside what is known to be the cause.

use std::path::{Path, PathBuf};

use manazir_model::Timestamp;
use manazir_rca::contributors::Telling;
use manazir_rca::explanation::{Cause, Config, Explanation, explain, explain_cube};
use serde::Serialize;

use crate::petshop::Shop;
use crate::{Error, Result, cubes, events, nezha};

/// The labels name elements of any size: all that the engine finds are told.
const ALL: Telling =
    Telling { elements_max: 40, share_min: 0.0, largest_share_min: 0.0, noise: 0.0, unit: 1.0 };

/// A folder with cases of one of the layouts that [`crate`] scores.
#[derive(Debug)]
pub struct Cases {
    dir: PathBuf,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Petshop(Box<Shop>),
    Nezha(Vec<nezha::Named>),
    Events(Box<events::Suite>),
    Cubes(cubes::Cubes),
}

/// An explanation, and what is known to be true.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Labelled {
    /// The case.
    pub case: String,
    /// The layout: `petshop`, `nezha`, `events` or `cubes`.
    pub layout: &'static str,
    /// What the labels name as the cause.
    pub known_causes: Vec<String>,
    /// True if the first cause is that; of a cube, if exactly its elements were named.
    pub right: bool,
    /// What was said.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// Opens a folder; `None` if it has none of the layouts.
pub fn open(dir: &Path) -> Result<Option<Cases>> {
    let has = |name: &str| dir.join(name).is_file();
    let layout = if has("incidents.jsonl") || has("incidents.jsonl.gz") {
        Layout::Events(Box::new(events::Suite::load(dir)?))
    } else if has("normal.parquet") && has("issues.parquet") {
        Layout::Petshop(Box::new(Shop::read(dir)?))
    } else if has("labels.json") && nezha::is_layout(dir) {
        Layout::Nezha(nezha::named(dir)?)
    } else {
        match cubes::load(dir) {
            Ok(cubes) => Layout::Cubes(cubes),
            Err(Error::Layout { .. }) => return Ok(None),
            Err(other) => return Err(other),
        }
    };
    Ok(Some(Cases { dir: dir.to_owned(), layout }))
}

impl Cases {
    /// `petshop`, `nezha`, `events` or `cubes`.
    pub fn layout(&self) -> &'static str {
        match self.layout {
            Layout::Petshop(_) => "petshop",
            Layout::Nezha(_) => "nezha",
            Layout::Events(_) => "events",
            Layout::Cubes(_) => "cubes",
        }
    }

    /// The names of its cases, in the order of the labels. Of a cube the name of its set stands before: `S/12`.
    pub fn names(&self) -> Vec<String> {
        match &self.layout {
            Layout::Petshop(shop) => shop.cases.iter().map(|case| case.name.clone()).collect(),
            Layout::Nezha(named) => named.iter().map(|case| case.name.clone()).collect(),
            Layout::Events(suite) => suite.names(),
            Layout::Cubes(cubes) => named_cubes(cubes).map(|(name, _)| name).collect(),
        }
    }

    /// Explains a case; `None` if there is none of that name.
    pub fn explain(&self, name: &str, config: &Config) -> Result<Option<Labelled>> {
        let told = match &self.layout {
            Layout::Petshop(shop) => shop.cases.iter().find(|case| case.name == name).map(|case| {
                let explanation = shop.ask(case, |question| explain(question, config));
                (explanation, vec![shop.name(case.cause).to_owned()])
            }),
            Layout::Nezha(named) => {
                let Some(case) = named.iter().find(|case| case.name == name) else { return Ok(None) };
                Some(nezha::ask(&self.dir, case, |question| explain(question, config))?)
            }
            Layout::Events(suite) => suite.ask(name, |question, graph, root| {
                let known = root.and_then(|root| graph.get(root)).map(|event| {
                    let event_type = graph.vocabulary().type_name(event.event_type);
                    format!("{}/{event_type}/{}", graph.topology().name(event.entity), event.from)
                });
                (explain(question, config), known.into_iter().collect())
            })?,
            Layout::Cubes(cubes) => {
                let Some((_, case)) =
                    named_cubes(cubes).find(|(known, case)| known == name || case.name == name)
                else {
                    return Ok(None);
                };
                return explain_a_cube(case, name).map(Some);
            }
        };
        let Some((explanation, known_causes)) = told else { return Ok(None) };
        let explanation = explanation.map_err(|error| Error::layout(&self.dir, error.to_string()))?;
        let first = explanation.causes.first();
        let is_known = |name: &str| known_causes.iter().any(|known| known == name);
        let node = |cause: &Cause| cause.path.last().is_some_and(|step| is_known(&step.node));
        let right = first.is_some_and(|first| node(first) || is_known(&first.entity));
        Ok(Some(Labelled { case: name.to_owned(), layout: self.layout(), known_causes, right, explanation }))
    }
}

fn named_cubes(cubes: &cubes::Cubes) -> impl Iterator<Item = (String, &cubes::Case)> {
    cubes
        .sets
        .iter()
        .flat_map(|set| set.cases.iter().map(move |case| (format!("{}/{}", set.name, case.name), case)))
}

fn explain_a_cube(case: &cubes::Case, name: &str) -> Result<Labelled> {
    let cube = case.read()?.into_cube();
    let cube = cube.map_err(|error| Error::layout(Path::new(&case.name), error.to_string()))?;
    let explanation = explain_cube(&cube, "real", Timestamp::default(), &ALL);
    let named: std::collections::BTreeSet<cubes::Element> = explanation
        .contributors
        .iter()
        .flat_map(|contributors| &contributors.elements)
        .map(|element| element.values.iter().map(|(name, value)| format!("{name}={value}")).collect())
        .collect();
    let words = |element: &cubes::Element| element.iter().cloned().collect::<Vec<_>>().join(" & ");
    Ok(Labelled {
        case: name.to_owned(),
        layout: "cubes",
        known_causes: case.root_causes.iter().map(words).collect(),
        right: named == case.root_causes,
        explanation,
    })
}
