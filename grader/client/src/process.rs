//! The process of a worker: started, watched by others, ended here.

use crate::channel::Channel;
use crate::end::End;
use rustix::process::Pid;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The most bytes that are kept of a worker's output: the last ones.
const KEPT: usize = 4 << 10;

/// The time in which a worker that has closed its channel may end by itself, and its last output may arrive.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// A running worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: Arc<Mutex<Output>>,
    /// Yields nothing, and is closed once all of the worker's output is read.
    output_end: Receiver<()>,
    most_printed: usize,
}

#[derive(Debug, Default)]
struct Output {
    last: VecDeque<u8>,
    total: usize,
}

/// Starts a worker. It is up to its asker to stop one that prints more than `most_printed` bytes.
///
/// # Errors
/// Returns an error if the program or a thread cannot be started.
pub fn start(command: &mut Command, most_printed: usize) -> io::Result<(Process, Channel)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let output = Arc::default();
    let kept = Arc::clone(&output);
    let (at_the_end, output_end) = channel();
    // From here on, it is killed where this fails.
    let process = Process {
        child,
        output,
        output_end,
        most_printed,
    };
    let (Some(requests), Some(answers), Some(prints)) = pipes else {
        return Err(io::Error::other("it has no channel"));
    };
    thread::Builder::new().spawn(move || {
        keep_the_end(prints, &kept);
        drop::<Sender<()>>(at_the_end);
    })?;
    Ok((process, Channel { requests, answers }))
}

impl Process {
    /// The number of the process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Returns whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns whether it has printed more than it may.
    pub fn has_flooded(&self) -> bool {
        self.output().total > self.most_printed
    }

    /// Kills it. Its end is told by [`stop`](Self::stop) or [`end`](Self::end).
    pub fn kill(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
    }

    /// Ends it at once, whatever it is doing.
    pub fn stop(&mut self) -> End {
        self.kill();
        self.ended(false)
    }

    /// Ends a worker that has closed its channel, or broken it: one that is about to end by itself has a moment for it.
    pub fn end(&mut self) -> End {
        let by_itself = self.ends_by_itself();
        self.kill();
        self.ended(by_itself)
    }

    /// Lets a worker end that is about to, and its last output arrive. Returns whether it has.
    fn ends_by_itself(&mut self) -> bool {
        let deadline = Instant::now() + LAST_BREATH;
        if !self.has_flooded() {
            let _ = self.output_end.recv_timeout(LAST_BREATH);
        }
        loop {
            // One with hundreds of threads has closed all it had long before the last of them is gone.
            let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
            if has_ended || self.has_flooded() || Instant::now() > deadline {
                return has_ended;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The end of a worker that was killed, if it had not ended by itself.
    fn ended(&mut self, by_itself: bool) -> End {
        let status = self.child.wait();
        // All that it wrote before lies in the pipe, unless what it started holds that open.
        let _ = self.output_end.recv_timeout(LAST_BREATH);
        let mut output = self.output();
        let flooded = output.total > self.most_printed;
        End {
            status,
            by_itself,
            flooded: flooded.then_some(self.most_printed),
            printed: String::from_utf8_lossy(output.last.make_contiguous()).into_owned(),
        }
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself, and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what a worker prints, so that it is never stopped by a full pipe, and keeps the end. One that floods is read on: with the
/// pipe closed, its next print would panic, and that would be blamed.
fn keep_the_end(mut prints: impl Read, kept: &Mutex<Output>) {
    let mut chunk = [0; 4 << 10];
    while let Ok(count @ 1..) = prints.read(&mut chunk) {
        let mut output = kept.lock().unwrap_or_else(PoisonError::into_inner);
        output.total = output.total.saturating_add(count);
        output.last.extend(&chunk[..count]);
        let surplus = output.last.len().saturating_sub(KEPT);
        output.last.drain(..surplus);
    }
}
