//! What a rollup is: a TOML file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::aggregate::Aggregate;
use crate::history::By;

/// A continuous aggregate: how a finding is written, what it is joined with, for whom it counts, and where the totals
/// go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The rollup's name: of its exchange and queues, and of what destinations remember of it. Letters, digits, `-` and
    /// `_`.
    pub name: String,
    /// How a finding is written.
    pub source: Source,
    /// Tables that it is joined with, in the order in which they are reached.
    #[serde(default, rename = "reference")]
    pub references: Vec<Reference>,
    /// What it counts for.
    pub rollup: Rollup,
    /// How the totals are laid out.
    pub table: Table,
    /// Series for the detectors of a service that hosts the rollup.
    #[serde(default)]
    pub series: Vec<SeriesSpec>,
    /// Where the totals go.
    #[serde(default, rename = "destination")]
    pub destinations: Vec<DestinationSpec>,
}

/// How a finding is written, one a line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How a line is written.
    pub format: Format,
    /// True if the first line names the columns, and is no finding.
    #[serde(default)]
    pub header: bool,
    /// A field that tells findings apart wherever they stand, if the stream has one: a finding is known by it and by what
    /// the line says. Without it a finding is known by its place in the stream.
    pub id: Option<String>,
    /// What stands in it: of CSV all columns in their order, of JSON those that are used, by their names.
    pub fields: Vec<Field>,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Values with commas between (RFC 4180), without line breaks in them.
    Csv,
    /// An object.
    Json,
}

/// A column, or a key of an object.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in expressions.
    pub name: String,
    /// What it holds; a text if it is not said.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// Of a time: how it is written, in the words of `strptime`, taken as UTC; RFC 3339 if it is not said.
    pub format: Option<String>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    #[default]
    Text,
    /// A whole number of 64 bits; nothing else may stand beside its digits.
    Integer,
    /// A number.
    Number,
    /// A time.
    Time,
}

/// A table that findings are joined with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its name in expressions.
    pub name: String,
    /// A CSV file, from the folder of the specification on, or in the folder given by `--references`.
    pub file: String,
    /// True if the first line names the columns.
    #[serde(default)]
    pub header: bool,
    /// Its columns, in their order.
    pub columns: Vec<Field>,
    /// The column by which a row is found; no two rows have the same.
    pub key: String,
    /// What it is compared with: a field of the finding, or `table.column` of a table above.
    pub on: String,
    /// What becomes of a finding whose row is not there.
    #[serde(default)]
    pub unknown: Unknown,
}

/// What becomes of a finding whose reference is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It waits, and counts as soon as the row is there.
    #[default]
    Wait,
    /// It is put aside among the dead letters.
    Reject,
    /// It counts for a row that is made of its key; other columns are empty, or 0.
    Create,
}

/// What a finding counts for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollup {
    /// For whom: a field, or `table.column`.
    pub key: String,
    /// What people call the key: `table.column` of the table whose key it is. All rows of that table have totals from
    /// the start.
    pub label: Option<String>,
    /// When: a field that is a time.
    pub at: String,
    /// Under which category: a field, or `table.column`.
    pub category: String,
    /// The categories that there are, in the order of their columns.
    pub categories: Vec<String>,
    /// How much: an expression of CEL that gives a number, as `severity.points * 2`.
    pub value: String,
    /// Of what different things are counted, if they are: a field, or `table.column`.
    pub distinct: Option<String>,
    /// Decimals of the value: amounts are whole numbers of the last of them, as prices are in cents.
    #[serde(default)]
    pub decimals: u8,
    /// How far a finding may lie in the future, in seconds.
    #[serde(default = "ten_minutes")]
    pub ahead_seconds: u32,
}

fn ten_minutes() -> u32 {
    600
}

/// How the totals are laid out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The table's name, and in Redis that of the hash.
    pub name: String,
    /// The column of the keys.
    pub key: String,
    /// The column of what people call them.
    pub label: Option<String>,
    /// The column of a category's sum, with `{category}` for its name.
    pub sum: String,
    /// A second table: how many findings each key has, their sum and their mean.
    pub totals: Option<Totals>,
}

/// The table of counts, sums and means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// The table's name.
    pub name: String,
    /// The column of the count.
    #[serde(default = "named::<0>")]
    pub count: String,
    /// The column of the sum.
    #[serde(default = "named::<1>")]
    pub sum: String,
    /// The column of the mean.
    #[serde(default = "named::<2>")]
    pub mean: String,
    /// More columns, and what stands in each: `karma_max = "max"`, `karma_median = "p50"`, `vulnerabilities = "distinct"`.
    #[serde(default)]
    pub more: BTreeMap<String, Aggregate>,
}

fn named<const COLUMN: usize>() -> String {
    ["count", "sum", "mean"][COLUMN].to_owned()
}

/// A series: what findings come to in each span of time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesSpec {
    /// The metric's name.
    pub metric: String,
    /// How long a span is: a minute or more.
    pub every_seconds: u32,
    /// What there is a series for each of.
    #[serde(default)]
    pub by: By,
    /// What is told of a span.
    pub aggregate: Aggregate,
}

/// Where the totals go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationSpec {
    /// Its name: of its queue, and on the command line.
    pub name: String,
    /// Its address: `sqlite://`, `postgres://`, `mysql://`, `redis://`, `cassandra://`. `${NAME}` stands for a
    /// variable of the environment, so that no secret has to stand in the file.
    pub url: String,
    /// Names that differ from those of the table, for readers of this destination: its name as `table`, columns by
    /// theirs.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
}

/// The JSON Schema of a specification.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Spec).to_value()
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_the_schema_of_specifications() {
        let text = format!("{:#}\n", super::schema());
        expect_test::expect_file!["../../../docs/reference/rollup.schema.json"].assert_eq(&text);
    }
}
