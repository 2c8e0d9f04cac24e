//! Running a program to its end, with a time limit and a limit on the output that is kept.

use crate::watch;
use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
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
pub struct CompletedProcess {
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
pub fn run(
    command: &mut Command,
    limit: Duration,
    stop: &dyn Fn() -> bool,
) -> Result<CompletedProcess> {
    Running::start(command.stdin(Stdio::null()))?.finish(limit, stop)
}

/// A program that runs, and leads its own process group. The whole group is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    program: String,
    pid: Pid,
    /// Its standard input, if that is a pipe.
    input: Option<ChildStdin>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    waiter: Option<JoinHandle<io::Result<ExitStatus>>>,
    ended: Receiver<()>,
}

impl Running {
    /// Starts a command, with whatever standard input it was given. The kernel ends what is confined with the thread that
    /// called this.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.with_context(|| format!("{program} cannot be started"))?;
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let (ended, waiting) = channel();
        Ok(Self {
            program,
            pid: Pid::from_child(&child),
            input: child.stdin.take(),
            stdout: stdout.map(|pipe| thread::spawn(|| beginning(pipe))),
            stderr: stderr.map(|pipe| thread::spawn(|| beginning(pipe))),
            waiter: Some(thread::spawn(move || wait(child, ended))),
            ended: waiting,
        })
    }

    /// Waits for its end, with its standard input closed; kills the whole group when the time is over, or when `stop` returns
    /// true.
    ///
    /// # Errors
    /// Returns an error if it cannot be confined or waited for.
    pub fn finish(mut self, limit: Duration, stop: &dyn Fn() -> bool) -> Result<CompletedProcess> {
        self.input = None;
        let deadline = Instant::now() + limit;
        let mut timed_out = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            timed_out |= left.is_zero();
            if timed_out || stop() {
                end_group(self.pid);
            }
            watch::look(self.pid);
            let pause = left.clamp(Duration::from_millis(10), watch::EVERY);
            match self.ended.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = self
            .end()
            .with_context(|| format!("{} cannot be waited for", self.program))?;
        let text = |reader: Option<JoinHandle<Vec<u8>>>| {
            let bytes = reader
                .and_then(|reader| reader.join().ok())
                .unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        if status.code() == Some(NOT_CONFINED.into()) {
            return Err(NotStarted(stderr.trim().to_owned()).into());
        }
        Ok(CompletedProcess {
            status,
            timed_out,
            stdout,
            stderr,
        })
    }

    /// Ends it, and whatever it left running in its group.
    fn end(&mut self) -> Result<ExitStatus> {
        end_group(self.pid);
        let waiter = self.waiter.take().map(JoinHandle::join);
        match waiter {
            Some(Ok(status)) => Ok(status?),
            Some(Err(_)) => Err(anyhow!("the waiting thread died")),
            None => Err(anyhow!("it was waited for before")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.waiter.is_none() {
            return;
        }
        // It leads no group yet where it was started a moment ago.
        while self.ended.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            end_group(self.pid);
        }
        // Nobody asks how it ended.
        let _ = self.end();
    }
}

/// Waits for a child's end, and reports that.
fn wait(mut child: Child, ended: Sender<()>) -> io::Result<ExitStatus> {
    let status = child.wait();
    // Nobody hears it where it was killed.
    let _ = ended.send(());
    status
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process_group;
    use std::os::unix::process::CommandExt;

    /// A shell's script, in a process group of its own.
    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).process_group(0);
        command
    }

    #[test]
    fn a_program_that_waits_goes_on_once_its_input_is_closed() -> Result<()> {
        let waiting = Running::start(shell("cat; echo done").stdin(Stdio::piped()))?;
        let ended = waiting.ended.recv_timeout(Duration::from_millis(200));
        assert_eq!(ended, Err(RecvTimeoutError::Timeout));
        let finished = waiting.finish(Duration::from_secs(60), &|| false)?;
        assert_eq!(finished.stdout, "done\n");
        assert!(finished.status.success() && !finished.timed_out);
        Ok(())
    }

    #[test]
    fn a_program_that_is_dropped_is_ended_with_its_group() -> Result<()> {
        let start = Instant::now();
        let waiting = Running::start(shell("sleep 60 & cat").stdin(Stdio::piped()))?;
        let pid = waiting.pid;
        test_kill_process_group(pid)?;
        drop(waiting);
        assert!(start.elapsed() < Duration::from_secs(30));
        // A killed process stays in its group until init has taken note of its end.
        while test_kill_process_group(pid).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}
