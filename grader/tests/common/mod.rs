//! Helpers for the tests of several commands.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;

/// Ctrl-C, as a terminal sends it.
pub(crate) fn interrupt(process: u32) -> Result<(), Box<dyn Error>> {
    signal(process, Signal::INT)
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, signal: Signal) -> Result<(), Box<dyn Error>> {
    let process = Pid::from_raw(process.try_into()?).ok_or("a process")?;
    Ok(kill_process(process, signal)?)
}
