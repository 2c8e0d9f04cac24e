//! Helpers for the tests of several commands.

use std::error::Error;

/// Ctrl-C, as a terminal sends it.
pub(crate) fn interrupt(process: u32) -> Result<(), Box<dyn Error>> {
    let process = rustix::process::Pid::from_raw(process.try_into()?).ok_or("a process")?;
    Ok(rustix::process::kill_process(
        process,
        rustix::process::Signal::INT,
    )?)
}
