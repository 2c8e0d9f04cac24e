//! Running a program to its end, with a time limit and a limit on the output that is kept.

use crate::watch;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::words::NOT_CONFINED;

/// A program, or one that it was to start, could not be confined or loaded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotStarted(String);

/// The most bytes that are kept of each of a program's two outputs.
const KEPT: usize = 1 << 20;

/// A program that ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// The beginning of its standard output.
    pub stdout: String,
    /// The beginning of its standard error.
    pub stderr: String,
}

/// Runs a command that leads its own process group, as everything confined does; kills the whole group when the time is
/// over, or when `stop` returns true.
///
/// # Errors
/// Returns an error if it cannot be started, confined or waited for.
pub fn run(command: &mut Command, limit: Duration, stop: &dyn Fn() -> bool) -> Result<Finished> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let stdout = child
        .stdout
        .take()
        .map(|pipe| thread::spawn(|| beginning(pipe)));
    let stderr = child
        .stderr
        .take()
        .map(|pipe| thread::spawn(|| beginning(pipe)));
    let (status, timed_out) =
        wait(child, limit, stop).with_context(|| format!("{program} cannot be waited for"))?;
    let text = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
        let bytes = reader
            .and_then(|reader| reader.join().ok())
            .unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    if status.code() == Some(NOT_CONFINED.into()) {
        return Err(NotStarted(stderr.trim().to_owned()).into());
    }
    Ok(Finished {
        status,
        timed_out,
        stdout,
        stderr,
    })
}

fn wait(mut child: Child, limit: Duration, stop: &dyn Fn() -> bool) -> Result<(ExitStatus, bool)> {
    let pid = Pid::from_child(&child);
    let (ended, waiting) = channel();
    let waiter = thread::spawn(move || {
        let status = child.wait();
        let _ = ended.send(());
        status
    });
    let deadline = Instant::now() + limit;
    let mut timed_out = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        timed_out |= left.is_zero();
        if timed_out || stop() {
            end_group(pid);
        }
        watch::look(pid);
        match waiting.recv_timeout(left.clamp(Duration::from_millis(10), watch::EVERY)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Whatever the program left running in its group ends with it.
    end_group(pid);
    let status = waiter
        .join()
        .map_err(|_| anyhow::anyhow!("the waiting thread died"))??;
    Ok((status, timed_out))
}

fn end_group(pid: Pid) {
    // An error means that nothing of the group is left.
    let _ = kill_process_group(pid, Signal::KILL);
}

/// The beginning of what comes through a pipe; the rest is read and dropped.
fn beginning(mut pipe: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 8 << 10];
    while let Ok(count @ 1..) = pipe.read(&mut chunk) {
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..count.min(room)]);
    }
    kept
}
