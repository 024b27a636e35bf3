//! YAML as a tree of texts with their lines.
//!
//! Scalars stay what was written: `1.10` is no number and `no` no truth value, as both are names here. Aliases are not
//! followed: a few lines of them can stand for gigabytes.

use saphyr_parser::{Event, Parser};

/// Nesting that is followed.
const DEPTH_MAX: usize = 64;

/// A node, and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; of a name that stands twice the first is found.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Value::Map(pairs) = &self.value else { return None };
        pairs.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    pub(super) fn text(&self) -> Option<&str> {
        let Value::Text(text) = &self.value else { return None };
        Some(text)
    }

    /// The text at a path; `None` if there is none or it is empty.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        let node = path.iter().try_fold(self, |node, name| node.get(name))?;
        node.text().map(str::trim).filter(|text| !text.is_empty())
    }

    pub(super) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Text(_) | Value::Map(_) => &[],
        }
    }

    /// The pairs of a map whose values are texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs: &[(String, Self)] = match &self.value {
            Value::Map(pairs) => pairs,
            Value::Text(_) | Value::List(_) => &[],
        };
        pairs.iter().filter_map(|(name, node)| Some((name.as_str(), node.text()?)))
    }
}

/// What is wrong, and on which line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) why: String,
}

/// One that is not closed yet: a list, or a map with the name that waits for its value.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<(String, Node)>, Option<String>),
}

/// One document; `None` if it holds nothing.
pub(super) fn read(text: &str) -> Result<Option<Node>, Broken> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| broken(error.marker().line(), error.info()))?;
        let line = span.start.line();
        let done = match event {
            Event::Scalar(text, ..) => Node { line, value: Value::Text(text.into_owned()) },
            Event::SequenceStart(..) => {
                open.push(Open::List(line, Vec::new()));
                deep_enough(&open, line)?;
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(line, Vec::new(), None));
                deep_enough(&open, line)?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(line, items)) => Node { line, value: Value::List(items) },
                Some(Open::Map(line, pairs, _)) => Node { line, value: Value::Map(pairs) },
                None => return Err(broken(line, "ends what did not begin")),
            },
            Event::Alias(_) => return Err(broken(line, "has an alias, which is not followed")),
            _ => continue,
        };
        match open.last_mut() {
            None => return Ok(Some(done).filter(|node| *node != empty(node.line))),
            Some(Open::List(_, items)) => items.push(done),
            Some(Open::Map(_, pairs, waiting)) => match waiting.take() {
                Some(name) => pairs.push((name, done)),
                None => {
                    let name = done.text().ok_or_else(|| broken(done.line, "has a name that is no text"))?;
                    *waiting = Some(name.to_owned());
                }
            },
        }
    }
    Ok(None)
}

fn empty(line: usize) -> Node {
    Node { line, value: Value::Text(String::new()) }
}

fn deep_enough(open: &[Open], line: usize) -> Result<(), Broken> {
    if open.len() > DEPTH_MAX {
        return Err(broken(line, "is nested more than 64 deep"));
    }
    Ok(())
}

fn broken(line: usize, why: &str) -> Broken {
    Broken { line, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scalars_stay_what_was_written() {
        let node = read("a: 1.10\nb: no\nc: [x, 'y z']\nd:\n  e: |\n    two\n    lines\n").unwrap().unwrap();
        assert_eq!(node.text_at(&["a"]), Some("1.10"));
        assert_eq!(node.text_at(&["b"]), Some("no"));
        let c: Vec<_> = node.get("c").unwrap().list().iter().map(|one| one.text().unwrap()).collect();
        assert_eq!(c, ["x", "y z"]);
        assert_eq!(node.text_at(&["d", "e"]), Some("two\nlines"));
        assert_eq!(node.get("c").unwrap().line, 3);
        assert_eq!((node.text_at(&["d"]), node.text_at(&["x", "y"])), (None, None));
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "# only a comment\n", "\n\n", "---\n"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn what_is_broken_says_where() {
        let deep = "[".repeat(100_000);
        let cases = [
            ("a: 1\nb: [\n", 3),
            ("a: &x [1]\nb: *x\n", 2),
            ("? [1]\n: 2\n", 1),
            ("a: {{ .Values.name }}\n", 1),
            (&deep, 1),
        ];
        for (text, line) in cases {
            assert_eq!(read(text).unwrap_err().line, line, "{}", &text[..text.len().min(20)]);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "[-a: \\[\\]{}&*!|>'\"\n#%@?,\t]{0,200}") {
            let _ = read(&text);
        }
    }
}
