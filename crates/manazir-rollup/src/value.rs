//! Values of findings and of reference tables.

use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use manazir_model::Timestamp;

use crate::spec::{Field, Kind};

/// What stands in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any text.
    Text(Arc<str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A time.
    Time(Timestamp),
}

impl Value {
    /// Reads what is written in a field; the error says what is wrong with it.
    pub(crate) fn read(field: &Field, text: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("`{}` is {}, which is no {what}", field.name, shown(text)));
        match field.kind {
            Kind::Text => Ok(Self::Text(text.into())),
            // KP-W6: `29abc` is no 29.
            Kind::Integer => {
                text.parse().map_or_else(|_| wrong("whole number"), |number| Ok(Self::Integer(number)))
            }
            Kind::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Self::Number(number)),
                _ => wrong("number"),
            },
            Kind::Time => match read_time(field.format.as_deref(), text) {
                Some(at) => Ok(Self::Time(at)),
                None => wrong("time as it is to be written"),
            },
        }
    }

    /// Reads a value as [`Display`](fmt::Display) writes it: times as RFC 3339, however the stream has them.
    pub(crate) fn read_sent(field: &Field, text: &str) -> Result<Self, String> {
        Self::read(&Field { format: None, ..field.clone() }, text)
    }

    /// What a row that is made of its key alone has in a column.
    pub(crate) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text("".into()),
            Kind::Integer => Self::Integer(0),
            Kind::Number => Self::Number(0.0),
            Kind::Time => Self::Time(Timestamp(0)),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Time(at) => write!(f, "{at}"),
        }
    }
}

fn read_time(format: Option<&str>, text: &str) -> Option<Timestamp> {
    let at = match format {
        None => text.parse::<jiff::Timestamp>().ok()?,
        Some(format) => {
            let civil = DateTime::strptime(format, text).ok()?;
            TimeZone::UTC.to_ambiguous_timestamp(civil).compatible().ok()?
        }
    };
    Some(Timestamp(at.as_microsecond()))
}

/// A value in a message: cut, for it may be anything.
pub(crate) fn shown(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let cut: String = text.chars().take(CHARACTERS).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}
