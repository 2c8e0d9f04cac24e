//! Asking a worker: started when it is first asked, asked again and again, ended when nobody asks any more.

use crate::confine::Confinement;
use crate::watch;
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Answer, Fault, FaultKind, Frame, Limits, Request, WireError, read_frame, write_frame};

/// What a call may take. An instructor's own big model takes longer than a test does.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Starts a worker for one request.
///
/// # Errors
/// As [`Respondent::ask`].
pub fn ask(workshop: &Workshop, worker: &Path, scratch: &Path, request: Request) -> Result<Answer> {
    Respondent::new(workshop, worker, scratch).ask(request)
}

/// Reads a file of tensors.
///
/// # Errors
/// Where it cannot be read, is larger than a frame may be, or is no safetensors file of the types that travel.
pub fn read_tensors(file: &Path) -> Result<Frame> {
    let limits = Limits::default();
    let mut blob = vec![];
    File::open(file)
        .and_then(|file| file.take(limits.frame as u64 + 1).read_to_end(&mut blob))
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Frame::decode(&blob, &limits).with_context(|| {
        format!(
            "{} is not a safetensors file of f32, f64, i64 and u8",
            file.display()
        )
    })
}

/// A worker that is asked many things. Where it ends in one of them, the next one gets a new process.
#[derive(Debug)]
pub struct Respondent<'a> {
    workshop: &'a Workshop,
    worker: PathBuf,
    scratch: PathBuf,
    running: Option<Running>,
}

impl<'a> Respondent<'a> {
    /// The worker at the path `worker`, which may write to nothing, and see no more of `scratch` than itself.
    pub fn new(workshop: &'a Workshop, worker: &Path, scratch: &Path) -> Self {
        Self {
            workshop,
            worker: worker.to_owned(),
            scratch: scratch.to_owned(),
            running: None,
        }
    }

    /// Asks one thing. That the function ended its process is an answer too.
    ///
    /// # Errors
    /// Where the worker cannot be started, answers with something else than a frame, or takes longer than [`LIMIT`].
    pub fn ask(&mut self, request: Request) -> Result<Answer> {
        self.ask_within(request, LIMIT)
    }

    /// As [`ask`](Self::ask), within a time of one's own.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_within(&mut self, request: Request, limit: Duration) -> Result<Answer> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        match running.exchange(request, limit) {
            Some(Ok(answer)) => {
                self.running = Some(running);
                Ok(answer)
            }
            Some(Err(WireError::Closed | WireError::Io(_))) => {
                let status = running.end()?;
                Ok(Err(Fault {
                    kind: FaultKind::Panicked,
                    message: format!("the function ended the process ({status})"),
                    place: None,
                }))
            }
            Some(Err(error)) => Err(error.into()),
            None => bail!("no answer within {} s", limit.as_secs()),
        }
    }

    fn start(&self) -> Result<Running> {
        let mut child = Confinement::of_worker(self.workshop, &self.worker, &self.scratch)
            .command(&self.worker)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the worker cannot be started")?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let mut running = Running {
            child,
            channel: None,
        };
        let (Some(requests), Some(answers)) = (requests, answers) else {
            bail!("the worker has no channel");
        };
        running.channel = Some((requests, answers));
        Ok(running)
    }
}

/// A worker's process. It ends with this.
#[derive(Debug)]
struct Running {
    child: Child,
    /// Where requests go, and where answers come from.
    channel: Option<(ChildStdin, ChildStdout)>,
}

impl Running {
    /// Sends a request and waits for what comes back; nothing where it takes too long.
    fn exchange(&mut self, request: Request, limit: Duration) -> Option<Result<Answer, WireError>> {
        let Some((mut requests, mut answers)) = self.channel.take() else {
            return Some(Err(WireError::Closed));
        };
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let limits = Limits::default();
            let answer = write_frame(&mut requests, &Frame::from(request), &limits)
                .and_then(|()| read_frame(&mut answers, &limits))
                .and_then(Frame::into_answer);
            let _ = sender.send((answer, (requests, answers)));
        });
        let deadline = Instant::now() + limit;
        loop {
            watch::look(Pid::from_child(&self.child));
            match receiver.recv_timeout(watch::EVERY) {
                Ok((answer, channel)) => {
                    self.channel = Some(channel);
                    return Some(answer);
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => return None,
            }
        }
    }

    fn end(&mut self) -> Result<ExitStatus> {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let status = self.child.wait();
        status.context("the worker cannot be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
