//! Helpers for the tests of several commands.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::ffi::OsStr;
use std::process::Command;

/// A command that starts a program with the default action of SIGHUP, which programs ignore that `nohup` started.
pub(crate) fn heeding_signals(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(program);
    command
}

/// Sends a signal to a process: SIGINT is Ctrl-C, as a terminal sends it.
pub(crate) fn signal(process: u32, signal: Signal) -> Result<(), Box<dyn Error>> {
    let process = Pid::from_raw(process.try_into()?).ok_or("a process")?;
    Ok(kill_process(process, signal)?)
}
