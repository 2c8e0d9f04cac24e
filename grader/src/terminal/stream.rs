//! The two output streams, and the first fault of writing to them.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// A stream that a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// The first fault of writing.
static FAULT: Mutex<Option<(Stream, io::Error)>> = Mutex::new(None);

/// Writes text, without its styles unless the stream shows them. An error is kept as a [`fault`].
pub fn write(stream: Stream, text: &str) {
    let written = match stream {
        Stream::Output => anstream::stdout().lock().write_all(text.as_bytes()),
        Stream::Error => anstream::stderr().lock().write_all(text.as_bytes()),
    };
    keep_fault(stream, written);
}

/// Keeps the first fault of writing. That nobody reads on (`| head`) is not one.
pub fn keep_fault(stream: Stream, written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert((stream, error));
        }
        _ => {}
    }
}

/// The error for lost output, if some was lost. Flushes standard output first.
pub fn fault() -> Option<anyhow::Error> {
    keep_fault(Stream::Output, io::stdout().flush());
    let fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner).take();
    fault.map(|(stream, error)| {
        let stream = match stream {
            Stream::Output => "standard output",
            Stream::Error => "standard error",
        };
        anyhow::anyhow!("{stream} cannot be written: {error}")
    })
}
