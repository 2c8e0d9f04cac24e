//! Asking a worker: started, asked one thing or many, ended.

use crate::confine::Confinement;
use crate::watch;
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use std::io;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Answer, Fault, FaultKind, Frame, Limits, Request, WireError, read_frame, write_frame};

/// What a call may take. An instructor's own big model takes longer than a test does.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Starts a worker for one request.
///
/// # Errors
/// Where it cannot be started, ends before it answers, or takes longer than [`LIMIT`].
pub fn ask(workshop: &Workshop, worker: &Path, scratch: &Path, request: Request) -> Result<Answer> {
    let mut session = Session::start(workshop, worker, scratch)?;
    match session.ask(request, LIMIT)? {
        Ok(answer) => Ok(answer),
        Err(WireError::Closed | WireError::Io(_)) => {
            let status = session.end().context("the worker cannot be waited for")?;
            Ok(Err(Fault {
                kind: FaultKind::Panicked,
                message: format!("the function ended the process ({status})"),
                place: None,
            }))
        }
        Err(error) => Err(error.into()),
    }
}

/// A worker that runs and can be asked one thing after the other. It is ended when this is dropped.
#[derive(Debug)]
pub struct Session {
    child: Child,
    requests: Sender<Request>,
    answers: Receiver<Result<Answer, WireError>>,
}

impl Session {
    /// Starts the worker.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(workshop: &Workshop, worker: &Path, scratch: &Path) -> Result<Self> {
        let mut child = Confinement::of_worker(workshop, worker, scratch)
            .command(worker)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the worker cannot be started")?;
        let (Some(mut to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the worker has no channel");
        };
        let (requests, incoming) = channel::<Request>();
        let (outgoing, answers) = channel();
        thread::spawn(move || {
            let limits = Limits::default();
            for request in incoming {
                let answer = write_frame(&mut to, &Frame::from(request), &limits)
                    .and_then(|()| read_frame(&mut from, &limits))
                    .and_then(Frame::into_answer);
                if outgoing.send(answer).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            requests,
            answers,
        })
    }

    /// Asks the worker. A broken channel is for whoever asks to judge: the function may have ended the process.
    ///
    /// # Errors
    /// Where there is no answer within `limit`.
    pub fn ask(&mut self, request: Request, limit: Duration) -> Result<Result<Answer, WireError>> {
        if self.requests.send(request).is_err() {
            return Ok(Err(WireError::Closed));
        }
        let deadline = Instant::now() + limit;
        loop {
            watch::look(Pid::from_child(&self.child));
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(watch::EVERY)) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(WireError::Closed)),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    bail!("no answer within {} s", limit.as_secs())
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Ends the worker, if it has not ended by itself; gives how it ended.
    fn end(&mut self) -> io::Result<ExitStatus> {
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An error means that it has been waited for already.
        let _ = self.end();
    }
}
