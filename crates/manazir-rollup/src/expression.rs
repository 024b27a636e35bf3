//! The expression that says how much a finding counts, in Google's Common Expression Language.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Program};

use crate::row::AMOUNT_MAX;
use crate::value::Value;

/// The parser calls itself for each bracket, and needs much of the stack for each call.
const STACK_BYTES: usize = 32 << 20;

/// An expression, ready to be asked.
pub(crate) struct Expression {
    text: String,
    program: Program,
    decimals: u8,
}

/// A variable: a field of the finding, or a row of a table with the names of its columns.
pub(crate) enum Variable<'v> {
    /// A field.
    Field(&'v str, &'v Value),
    /// A table's name, its columns, and the row.
    Row(&'v str, &'v [Arc<String>], &'v [Value]),
}

impl Variable<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Field(name, _) | Self::Row(name, ..) => name,
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Expression {
    pub(crate) fn new(text: &str, decimals: u8) -> Result<Self, String> {
        let owned = text.to_owned();
        let compile = move || Program::compile(&owned).map_err(|error| error.to_string());
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(compile);
        let compiled = thread.map_err(|error| error.to_string())?.join();
        let program = compiled.map_err(|_| "it is too deep".to_owned())??;
        Ok(Self { text: text.to_owned(), program, decimals })
    }

    /// True if it speaks of this variable.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.program.references().variables().contains(&name)
    }

    /// The variables that it speaks of.
    pub(crate) fn variables(&self) -> Vec<String> {
        self.program.references().variables().into_iter().map(str::to_owned).collect()
    }

    /// What it comes to, as a whole number of the last decimal; the error says why it comes to none.
    pub(crate) fn amount<'v>(&self, variables: impl Iterator<Item = Variable<'v>>) -> Result<i64, String> {
        let mut context = Context::default();
        for variable in variables {
            match variable {
                Variable::Field(name, value) => {
                    context.add_variable_from_value(name.to_owned(), cel_of(value));
                }
                Variable::Row(name, columns, row) => {
                    let columns = columns.iter().zip(row);
                    let map: HashMap<cel::objects::Key, cel::Value> =
                        columns.map(|(column, value)| (Arc::clone(column).into(), cel_of(value))).collect();
                    context.add_variable_from_value(name.to_owned(), map);
                }
            }
        }
        match self.program.execute(&context) {
            Ok(cel::Value::Int(number)) => self.scaled(number),
            Ok(cel::Value::UInt(number)) => self.scaled(i64::try_from(number).unwrap_or(i64::MAX)),
            Ok(cel::Value::Float(number)) => self.rounded(number),
            Ok(other) => Err(format!("`{}` is {other:?}, which is no number", self.text)),
            Err(error) => Err(format!("`{}` cannot be worked out: {error}", self.text)),
        }
    }

    fn scaled(&self, number: i64) -> Result<i64, String> {
        let amount = 10_i64.checked_pow(self.decimals.into()).and_then(|unit| number.checked_mul(unit));
        let amount = amount.filter(|amount| amount.abs() <= AMOUNT_MAX);
        amount.ok_or_else(|| format!("`{}` is {number}, which is too large", self.text))
    }

    fn rounded(&self, number: f64) -> Result<i64, String> {
        let amount = number * 10_f64.powi(self.decimals.into());
        if !amount.is_finite() || amount.abs() > AMOUNT_MAX as f64 {
            return Err(format!("`{}` is {number:e}, which is too large", self.text));
        }
        // A decimal fraction has no exact binary form: what lies beside it by less than anyone can write is it.
        if (amount - amount.round()).abs() > 1e-6 {
            let decimals = self.decimals;
            return Err(format!("`{}` is {number}, which has more than `decimals = {decimals}`", self.text));
        }
        Ok(amount.round() as i64)
    }
}

fn cel_of(value: &Value) -> cel::Value {
    match value {
        Value::Text(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::Integer(number) => cel::Value::Int(*number),
        Value::Number(number) => cel::Value::Float(*number),
        // Seconds since 1970, of which differences can be taken.
        Value::Time(at) => cel::Value::Float(at.micros() as f64 / 1e6),
    }
}
