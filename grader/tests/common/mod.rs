//! Helpers for the tests of several commands.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;

/// Sends a signal to a process: SIGINT is Ctrl-C, as a terminal sends it.
pub(crate) fn signal(process: u32, signal: Signal) -> Result<(), Box<dyn Error>> {
    let process = Pid::from_raw(process.try_into()?).ok_or("a process")?;
    Ok(kill_process(process, signal)?)
}
