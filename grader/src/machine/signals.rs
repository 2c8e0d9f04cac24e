//! Signals that ask the grader to stop: Ctrl-C (SIGINT), SIGTERM, as batch systems and service managers send it, and
//! SIGHUP, as a terminal that is closed does; and the one that would end it where a file may not grow.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Signals that follow one another so closely are one request: `timeout` sends its signal to the program and then to the
/// group that the program is in, a shell whose terminal is closed sends SIGHUP after the terminal did.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Does something at each request from now on that this process stop, in a thread of its own. SIGHUP is left as it is where
/// it is ignored, as `nohup` has it.
///
/// # Errors
/// Returns an error if the signals cannot be caught.
pub fn at_each(mut act: impl FnMut() + Send + 'static) -> Result<()> {
    let says = "Ctrl-C, SIGTERM and SIGHUP cannot be caught";
    let caught = [SIGINT, SIGTERM].into_iter();
    let caught = caught.chain((!is_ignored(SIGHUP)).then_some(SIGHUP));
    let mut signals = Signals::new(caught).context(says)?;
    let wait = move || {
        let mut last: Option<Instant> = None;
        for _ in signals.forever() {
            if last.is_none_or(|last| last.elapsed() >= AT_ONCE) {
                last = Some(Instant::now());
                act();
            }
        }
    };
    thread::Builder::new().spawn(wait).context(says)?;
    Ok(())
}

/// Returns whether this process ignores a signal. Where the system does not say, it is taken to unless it writes its errors to
/// a terminal, as nothing does that `nohup` started: a handler would take back what that did.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    match mask {
        Some(mask) => mask & (1 << (signal - 1)) != 0,
        None => !io::stderr().is_terminal(),
    }
}

/// Has a write beyond the limit on a file's size (`ulimit -f`) be an error as on a full disk, and not the end of this
/// process.
///
/// # Errors
/// Returns an error if the signal cannot be caught.
pub fn outlive_large_files() -> Result<()> {
    // Child processes get the signal as before: a handler does not outlast exec.
    flag::register(SIGXFSZ, Arc::default()).context("SIGXFSZ cannot be caught")?;
    Ok(())
}
