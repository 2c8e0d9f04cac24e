//! Signals that ask the grader to stop: Ctrl-C (SIGINT), and SIGTERM, as batch systems and service managers send it.
//!
//! SIGHUP is left as it comes: `nohup` has it ignored, and a handler would take that back.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::thread;

/// Does something at each signal from now on that asks this process to stop, in a thread of its own.
///
/// # Errors
/// Returns an error if the signals cannot be caught.
pub fn at_each(mut act: impl FnMut() + Send + 'static) -> Result<()> {
    let says = "Ctrl-C and SIGTERM cannot be caught";
    let mut signals = Signals::new([SIGINT, SIGTERM]).context(says)?;
    let wait = move || signals.forever().for_each(|_| act());
    thread::Builder::new().spawn(wait).context(says)?;
    Ok(())
}
