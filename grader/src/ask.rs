//! Asking a worker: started, asked once or often, ended.

use crate::confine::Confinement;
use crate::watch;
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use rustix::process::Pid;
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
/// Where it cannot be started, or [`Asked::ask`] fails.
pub fn ask(workshop: &Workshop, worker: &Path, scratch: &Path, request: Request) -> Result<Answer> {
    Asked::start(workshop, worker, scratch)?.ask(request)
}

/// A worker that answers one request after the other. It is ended when this is dropped.
#[derive(Debug)]
pub struct Asked {
    child: Child,
    requests: Sender<Request>,
    answers: Receiver<Result<Answer, WireError>>,
}

impl Asked {
    /// Starts a worker.
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

    /// Asks for an operation. Once a worker has ended or was late, it answers no more.
    ///
    /// # Errors
    /// Where what it sends is no answer, or it takes longer than [`LIMIT`].
    pub fn ask(&mut self, request: Request) -> Result<Answer> {
        // An error means that the channel broke before, which is what waiting for the answer finds.
        let _ = self.requests.send(request);
        let deadline = Instant::now() + LIMIT;
        let answer = loop {
            watch::look(Pid::from_child(&self.child));
            match self.answers.recv_timeout(watch::EVERY) {
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                answer => break answer,
            }
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(WireError::Closed | WireError::Io(_))) | Err(RecvTimeoutError::Disconnected) => {
                let status = self.end()?;
                Ok(Err(Fault {
                    kind: FaultKind::Panicked,
                    message: format!("the function ended the process ({status})"),
                    place: None,
                }))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {} s", LIMIT.as_secs()),
        }
    }

    fn end(&mut self) -> Result<ExitStatus> {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        self.child.wait().context("the worker cannot be waited for")
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.end();
    }
}
