//! Requests to a worker, which is started for the first one, kept for the next, and ended when it is dropped.

use crate::environment::Environment;
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::Result;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::{Answer, Fault, FaultKind, Request, Tensors, printable_lines};

/// Starts a worker for one request.
///
/// # Errors
/// As [`Respondent::ask`].
pub fn ask(environment: &Environment, worker: &Path, request: Request) -> Result<Answer> {
    Respondent::new(environment, worker).ask(request)
}

/// A worker that is asked many things. Where it ends in one of them, the next one gets a new process.
#[derive(Debug)]
pub struct Respondent<'a> {
    environment: &'a Environment,
    worker: PathBuf,
    running: Option<Session>,
    /// The end of what the last one printed that was stopped.
    printed: String,
}

impl<'a> Respondent<'a> {
    /// The worker at the path `worker`, which may write to nothing.
    pub fn new(environment: &'a Environment, worker: &Path) -> Self {
        Self {
            environment,
            worker: worker.to_owned(),
            running: None,
            printed: String::new(),
        }
    }

    /// Asks a worker from now on that runs already.
    pub fn go_on(&mut self, running: Option<Session>) {
        self.running = running;
    }

    /// The worker that runs, if one does.
    pub fn into_session(self) -> Option<Session> {
        self.running
    }

    /// Sends one request. If the function ends the worker's process, that is an answer too.
    ///
    /// # Errors
    /// Returns an error if the worker cannot be started, sends something else than a frame or takes too long, or the
    /// run is interrupted.
    pub fn ask(&mut self, request: Request) -> Result<Answer> {
        self.ask_by(|session| session.ask(request))
    }

    /// As [`ask`](Self::ask), with a time limit of the caller's.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_within(&mut self, request: Request, limit: Duration) -> Result<Answer> {
        self.ask_by(|session| session.ask_within(request, limit))
    }

    fn ask_by(
        &mut self,
        ask: impl FnOnce(&mut Session) -> Result<Tensors, Broken>,
    ) -> Result<Answer> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => Session::of_worker(self.environment, &self.worker)?,
        };
        let answer = match ask(&mut running) {
            Ok(tensors) => Ok(tensors),
            Err(Broken::Fault(fault)) => Err(fault),
            Err(Broken::Ended { end, .. }) => {
                return Ok(Err(Fault {
                    kind: FaultKind::Panicked,
                    message: end.told(printable_lines),
                    place: None,
                }));
            }
            Err(broken) => {
                self.printed = running.end();
                return Err(broken.into());
            }
        };
        self.running = Some(running);
        Ok(answer)
    }

    /// Ends the worker, and returns the end of its output, unless an answer already quoted it.
    pub fn end(&mut self) -> String {
        match self.running.take() {
            Some(running) => running.end(),
            None => mem::take(&mut self.printed),
        }
    }
}
