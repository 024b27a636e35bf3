//! Records of a text file: lines, or lines joined by a quote that spans them. Bounded and resynchronising.

use std::io::{self, Read};

/// Read size; also how much the buffer holds beyond the longest record.
const CHUNK: usize = 256 << 10;

/// What stands between two line ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Without its line end. `quoted` if there is a quote in it.
    Text { line: u64, bytes: &'a [u8], quoted: bool },
    /// Longer than the limit: its first bytes.
    TooLong { line: u64, head: &'a [u8] },
    /// Opens a quote that nothing closes within the limit.
    OpenQuote { line: u64, bytes: &'a [u8] },
}

/// Cuts a stream into records, holding one buffer that never exceeds the limit by more than a chunk.
pub(crate) struct Records<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    line: u64,
    limit: usize,
    /// The delimiter whose quoting joins lines; `None` if quotes mean nothing.
    quoting: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    FieldStart,
    Plain,
    Inside,
    MaybeClosed,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R, limit: usize, quoting: Option<u8>) -> Self {
        Self { input, buffer: Vec::new(), start: 0, end: 0, at_end: false, line: 0, limit, quoting }
    }

    /// The next record; `None` at the end. An error ends the stream: nothing sensible follows it.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.line += 1;
        let line = self.line;
        let Some((length, terminated)) = self.line_from(0)? else { return Ok(None) };
        if length > self.limit {
            self.skip_long_line(length, terminated)?;
            let head = &self.buffer[..self.limit.min(256)];
            return Ok(Some(Record::TooLong { line, head }));
        }
        let first = self.start..self.start + length;
        let quoted = self.quoting.is_some() && memchr::memchr(b'"', &self.buffer[first]).is_some();
        if quoted {
            return self.quoted_record(line, length, terminated).map(Some);
        }
        let from = self.take(length, terminated);
        Ok(Some(Record::Text {
            line,
            bytes: trim_line_end(&self.buffer[from..from + length]),
            quoted: false,
        }))
    }

    /// Joins lines until the quotes are even, or gives the first line up.
    fn quoted_record(&mut self, line: u64, first: usize, first_terminated: bool) -> io::Result<Record<'_>> {
        let delimiter = self.quoting.unwrap_or(b',');
        let (mut length, mut terminated, mut lines) = (first, first_terminated, 1);
        let mut state =
            quote_state(&self.buffer[self.start..self.start + length], delimiter, Quote::FieldStart);
        while state == Quote::Inside {
            let next = if terminated { self.line_from(length + 1)? } else { None };
            match next {
                Some((next, ended)) if length + 1 + next <= self.limit => {
                    let text = self.start + length + 1..self.start + length + 1 + next;
                    state = quote_state(&self.buffer[text], delimiter, Quote::Inside);
                    (length, terminated, lines) = (length + 1 + next, ended, lines + 1);
                }
                _ => {
                    let from = self.take(first, first_terminated);
                    return Ok(Record::OpenQuote { line, bytes: &self.buffer[from..from + first] });
                }
            }
        }
        self.line += lines - 1;
        let from = self.take(length, terminated);
        Ok(Record::Text { line, bytes: trim_line_end(&self.buffer[from..from + length]), quoted: true })
    }

    /// Length of the line that begins `offset` bytes into what is buffered, and whether a line end follows
    /// it; `None` if nothing is left. A length above the limit means that no end came within it.
    fn line_from(&mut self, offset: usize) -> io::Result<Option<(usize, bool)>> {
        let mut searched = 0;
        loop {
            let begin = (self.start + offset + searched).min(self.end);
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[begin..self.end]) {
                return Ok(Some((searched + found, true)));
            }
            searched = self.end.saturating_sub(self.start + offset);
            if self.at_end {
                return Ok(if searched == 0 { None } else { Some((searched, false)) });
            }
            if offset + searched > self.limit {
                return Ok(Some((self.limit + 1, false)));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK {
            self.buffer.resize(self.end + CHUNK, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }

    /// Drops an overlong line; its head stays at the front of the buffer.
    fn skip_long_line(&mut self, length: usize, terminated: bool) -> io::Result<()> {
        let head: Vec<u8> = self.buffer[self.start..self.start + self.limit.min(256)].to_vec();
        self.take(length.min(self.end - self.start), terminated);
        let mut ended = terminated;
        while !ended {
            match memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                Some(found) => {
                    self.start += found + 1;
                    ended = true;
                }
                None => {
                    self.start = self.end;
                    if self.at_end {
                        break;
                    }
                    self.fill()?;
                }
            }
        }
        if self.start < head.len() {
            // The head goes before what is left; only a tiny limit leads here.
            let rest = self.buffer[self.start..self.end].to_vec();
            self.buffer.resize((head.len() + rest.len()).max(self.buffer.len()), 0);
            self.buffer[head.len()..head.len() + rest.len()].copy_from_slice(&rest);
            (self.start, self.end) = (head.len(), head.len() + rest.len());
        }
        self.buffer[..head.len()].copy_from_slice(&head);
        Ok(())
    }

    /// Moves past a record and gives its place in the buffer.
    fn take(&mut self, length: usize, terminated: bool) -> usize {
        let from = self.start;
        self.start += length + usize::from(terminated);
        from
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn quote_state(text: &[u8], delimiter: u8, mut state: Quote) -> Quote {
    for &byte in text {
        state = match (state, byte) {
            (Quote::FieldStart | Quote::MaybeClosed, b'"') => Quote::Inside,
            (Quote::Inside, b'"') => Quote::MaybeClosed,
            (Quote::Inside, _) => Quote::Inside,
            (_, byte) if byte == delimiter => Quote::FieldStart,
            _ => Quote::Plain,
        };
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, limit: usize, expected: &[&str]) {
        let mut records = Records::new(text.as_bytes(), limit, Some(b','));
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "/");
            found.push(match record {
                Record::Text { line, bytes, .. } => format!("{line}:{}", word(bytes)),
                Record::TooLong { line, head } => format!("{line} long:{}", word(head)),
                Record::OpenQuote { line, bytes } => format!("{line} open:{}", word(bytes)),
            });
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_and_quotes() {
        check("a,b\r\n1,2\n\n3,4", 100, &["1:a,b", "2:1,2", "3:", "4:3,4"]);
        check("a,\"x\ny\"\nb,2\n", 100, &["1:a,\"x/y\"", "3:b,2"]);
        check("5\" pipe,1\nb,2\n", 100, &["1:5\" pipe,1", "2:b,2"]);
        check("a,\"\"\"q\"\"\"\nb,2\n", 100, &["1:a,\"\"\"q\"\"\"", "2:b,2"]);
        check("a,\"never\nb,2\nc,3", 100, &["1 open:a,\"never", "2:b,2", "3:c,3"]);
    }

    #[test]
    fn a_long_line_is_skipped_and_the_next_one_read() {
        check("0123456789\nab\n", 4, &["1 long:0123", "2:ab"]);
        check("ab\n0123456789", 4, &["1:ab", "2 long:0123"]);
        check("a\n\"bcdefgh\nij\n", 4, &["1:a", "2 long:\"bcd", "3:ij"]);
    }
}
