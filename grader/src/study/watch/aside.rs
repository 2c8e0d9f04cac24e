//! Other commands of this program, run beside the watcher, and what they print.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The most bytes of output that are kept.
const KEPT: usize = 1 << 20;

/// A command that runs. It is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Aside {
    child: Arc<Mutex<Child>>,
    group: Pid,
}

impl Aside {
    /// Starts `program`, which is this one, with other arguments on a course, and gives all that it prints to `ended` when it ends.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub(super) fn start(
        program: &Path,
        course: &Path,
        arguments: &[&str],
        is_colored: bool,
        width: usize,
        ended: impl FnOnce(String) + Send + 'static,
    ) -> Result<Self> {
        let (mut said, says) = std::io::pipe().context("cannot create a pipe")?;
        let errors = says.try_clone().context("cannot create a pipe")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--quiet")
            .arg(if is_colored {
                "--color=always"
            } else {
                "--color=never"
            })
            .arg("--course")
            .arg(course)
            .env("COLUMNS", width.to_string())
            .stdin(Stdio::null())
            .stdout(says)
            .stderr(errors)
            .process_group(0);
        let child = command.spawn().context("cannot start the command")?;
        // The pipe ends when the last process that writes to it does.
        drop(command);
        let group = Pid::from_child(&child);
        let child = Arc::new(Mutex::new(child));
        let waited = Arc::clone(&child);
        thread::Builder::new().spawn(move || {
            let mut text = vec![];
            let mut chunk = [0; 8 << 10];
            while let Ok(count @ 1..) = said.read(&mut chunk) {
                let room = KEPT.saturating_sub(text.len());
                text.extend_from_slice(&chunk[..count.min(room)]);
            }
            let _ = waited.lock().unwrap_or_else(PoisonError::into_inner).wait();
            ended(String::from_utf8_lossy(&text).into_owned());
        })?;
        Ok(Self { child, group })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // One that is being waited for closed its output and ends by itself. One that has ended has no group any more,
        // and its number may be another's.
        if let Ok(mut child) = self.child.try_lock()
            && matches!(child.try_wait(), Ok(None))
        {
            let _ = kill_process_group(self.group, Signal::TERM);
        }
    }
}
