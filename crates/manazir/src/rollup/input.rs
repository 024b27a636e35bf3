//! Standard input, line by line.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, sync_channel};

use manazir_rollup::follow::{LINE_BYTES_MAX, Line, TooLong};

/// Lines that wait.
const LINES_MAX: usize = 10_000;

/// The lines of standard input, which may pause, from a thread that may wait for them.
pub fn lines() -> io::Result<Receiver<Line>> {
    let (send, lines) = sync_channel(LINES_MAX);
    let read = move || {
        let mut input = io::stdin().lock();
        for position in 0.. {
            match read_line(&mut input) {
                Ok(Some(bytes)) => {
                    if send.send(Line { position, bytes }).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read");
                    break;
                }
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(lines)
}

/// The next line without its ending; `None` at the end.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Result<Vec<u8>, TooLong>>> {
    let mut bytes = Vec::new();
    let longest = LINE_BYTES_MAX as u64 + 2;
    if input.by_ref().take(longest).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    } else if bytes.len() as u64 == longest {
        input.skip_until(b'\n')?;
    }
    Ok(Some(if bytes.len() > LINE_BYTES_MAX { Err(TooLong) } else { Ok(bytes) }))
}
