//! Who depends on whom, written as a table: `caller,callee`, a pair a line.

use std::collections::BTreeSet;

use thiserror::Error;

/// Pairs that one table may have.
pub const PAIRS_MAX: usize = 200_000;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 256;

/// A line that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct TextError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Reads a table. A first line `caller,callee` or `from,to` is its heading; `#` begins a comment; further columns are left
/// alone. Pairs are sorted, each once.
///
/// # Errors
///
/// At the first line that names no two entities, or the same one twice, and above [`PAIRS_MAX`] pairs.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, TextError> {
    let mut pairs = BTreeSet::new();
    for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || (pairs.is_empty() && is_heading(line)) {
            continue;
        }
        let wrong = |reason: String| TextError { line: number, reason };
        let mut names = line.split(',').map(|name| name.trim().trim_matches('"').trim());
        let (caller, callee) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        if caller.is_empty() || callee.is_empty() {
            return Err(wrong("it names no two entities; write `caller,callee`".to_owned()));
        }
        if caller == callee {
            return Err(wrong(format!("`{caller}` cannot depend on itself")));
        }
        if caller.len().max(callee.len()) > NAME_BYTES_MAX {
            return Err(wrong(format!("a name has at most {NAME_BYTES_MAX} bytes")));
        }
        pairs.insert((caller.to_owned(), callee.to_owned()));
        if pairs.len() > PAIRS_MAX {
            return Err(wrong(format!("more than {PAIRS_MAX} pairs")));
        }
    }
    Ok(pairs.into_iter().collect())
}

fn is_heading(line: &str) -> bool {
    let names: Vec<String> = line.split(',').take(2).map(|name| name.trim().to_lowercase()).collect();
    [["caller", "callee"], ["from", "to"], ["source", "target"]].iter().any(|heading| names == *heading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_its_faults_told_by_line() {
        let read =
            pairs("caller,callee,since\n web , api ,2024\n\"api\",db # the main one\n\nweb,api\n").unwrap();
        assert_eq!(read, [("api".into(), "db".into()), ("web".into(), "api".into())]);
        let wrong = |text: &str| pairs(text).unwrap_err().to_string();
        assert_eq!(wrong("a,b\nc\n"), "line 2: it names no two entities; write `caller,callee`");
        assert_eq!(wrong("a,a"), "line 1: `a` cannot depend on itself");
        assert_eq!(pairs("").unwrap(), []);
    }
}
