//! A running worker: it is sent one request after the other, watched, and stopped. The end of its output is kept.

use crate::environment::Environment;
use crate::grading::rules;
use crate::sandbox::confine::Confinement;
use crate::sandbox::watch;
use crate::train::device::Device;
use crate::worker::broken::Broken;
use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wire::words::FORBIDDEN;
use wire::{Answer, Frame, FrameLimits, Request, Tensors, WireError, read_frame, write_frame};

/// The most bytes that are kept of a worker's output.
const KEPT: usize = 4 << 10;

/// The time in which a worker that has closed its channel may end by itself, and its output may arrive.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// A running worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Session {
    child: Child,
    requests: Sender<Request>,
    answers: Receiver<Result<Answer, WireError>>,
    printed: Arc<Mutex<VecDeque<u8>>>,
    /// Yields nothing, and is closed once all of the worker's output is read.
    all_printed: Receiver<()>,
    bounds: Bounds,
    stop: &'static AtomicBool,
}

/// The limits of a worker.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The time for one answer.
    answer: Duration,
    /// The time for an answer that is awaited when the run is interrupted.
    once_stopped: Duration,
    /// Bytes of memory.
    memory: u64,
}

impl Bounds {
    /// An instructor's own big model takes longer than a test does. There is nothing to save on an interruption.
    const OF_WORKER: Self = Self {
        answer: Duration::from_secs(120),
        once_stopped: Duration::ZERO,
        memory: watch::MEMORY,
    };

    /// A step of a large model on a slow machine takes long, but not that long; on an interruption, the weights are
    /// saved.
    fn of_trainer(device: Device) -> Self {
        Self {
            answer: Duration::from_secs(300),
            once_stopped: Duration::from_secs(10),
            memory: device.memory(),
        }
    }
}

impl Session {
    /// Starts a worker that computes what it is asked. It writes nowhere.
    ///
    /// # Errors
    /// Returns an error if the worker cannot be started.
    pub fn of_worker(environment: &Environment, worker: &Path) -> Result<Self> {
        let confinement = Confinement::of_worker(&environment.workshop, worker);
        Self::start(&confinement, worker, Bounds::OF_WORKER, environment.stop)
    }

    /// Starts a worker that trains.
    ///
    /// # Errors
    /// Returns an error if the worker cannot be started.
    pub fn of_trainer(environment: &Environment, worker: &Path, device: Device) -> Result<Self> {
        let confinement = Confinement::of_trainer(&environment.workshop, worker, device);
        let bounds = Bounds::of_trainer(device);
        Self::start(&confinement, worker, bounds, environment.stop)
    }

    fn start(
        confinement: &Confinement,
        worker: &Path,
        bounds: Bounds,
        stop: &'static AtomicBool,
    ) -> Result<Self> {
        let mut child = confinement
            .command(worker)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the worker cannot be started")?;
        let (Some(mut to), Some(mut from), Some(prints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("the worker has no channel");
        };
        let (requests, incoming) = channel::<Request>();
        let (outgoing, answers) = channel();
        thread::spawn(move || {
            let limits = FrameLimits::default();
            for request in incoming {
                let answer = write_frame(&mut to, &Frame::from(request), &limits)
                    .and_then(|()| read_frame(&mut from, &limits))
                    .and_then(Frame::into_answer);
                if outgoing.send(answer).is_err() {
                    break;
                }
            }
        });
        let printed = Arc::default();
        let kept = Arc::clone(&printed);
        let (at_the_end, all_printed) = channel();
        thread::spawn(move || {
            keep_the_end(prints, &kept);
            drop::<Sender<()>>(at_the_end);
        });
        Ok(Self {
            child,
            requests,
            answers,
            printed,
            all_printed,
            bounds,
            stop,
        })
    }

    /// Sends a request, and waits for the tensors of its answer.
    ///
    /// # Errors
    /// Returns an error if the worker answers with a fault, breaks down or takes too long.
    pub fn ask(&mut self, request: Request) -> Result<Tensors, Broken> {
        self.ask_within(request, self.bounds.answer)
    }

    /// As [`ask`](Self::ask), with a time limit of the caller's.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_within(&mut self, request: Request, limit: Duration) -> Result<Tensors, Broken> {
        let operation = request.operation.clone();
        // An error means that the worker is gone, which is found out below.
        let _ = self.requests.send(request);
        let mut deadline = Instant::now() + limit;
        let mut is_stopped = false;
        loop {
            watch::look_for(Pid::from_child(&self.child), self.bounds.memory);
            match self.answers.recv_timeout(watch::EVERY) {
                Ok(Ok(Ok(tensors))) => return Ok(tensors),
                Ok(Ok(Err(fault))) => return Err(Broken::Fault(fault)),
                Ok(Err(WireError::Closed | WireError::Io(_)))
                | Err(RecvTimeoutError::Disconnected) => return Err(self.obituary(operation)),
                Ok(Err(error)) => return Err(Broken::forged(&operation, error)),
                Err(RecvTimeoutError::Timeout) => {
                    if !is_stopped && self.stop.load(Ordering::Relaxed) {
                        is_stopped = true;
                        deadline = deadline.min(Instant::now() + self.bounds.once_stopped);
                    }
                    if Instant::now() >= deadline {
                        return Err(if is_stopped {
                            Broken::Stopped
                        } else {
                            Broken::Late { operation, limit }
                        });
                    }
                }
            }
        }
    }

    /// Returns whether the worker has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the worker, and gives the end of what it printed.
    pub fn end(mut self) -> String {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        self.printed()
    }

    /// The way the worker ended, with the end of its output.
    fn obituary(&mut self, operation: String) -> Broken {
        let printed = self.printed();
        // It closed its channel: what it does now is of no use. One that was ending already ends as it was about to.
        let _ = self.child.kill();
        match self.child.wait() {
            Err(error) => error.into(),
            Ok(status) if status.code() == Some(FORBIDDEN.into()) => {
                Broken::NotAccepted(rules::forbidden_operator(&printed))
            }
            Ok(status) => Broken::Ended {
                operation,
                status,
                printed,
            },
        }
    }

    /// The end of what a worker printed that ends about now.
    fn printed(&self) -> String {
        let _ = self.all_printed.recv_timeout(LAST_BREATH);
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(printed.make_contiguous()).into_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what a worker prints, so that it is never stopped by a full pipe, and keeps the end.
fn keep_the_end(mut prints: impl Read, kept: &Mutex<VecDeque<u8>>) {
    let mut chunk = [0; 4 << 10];
    while let Ok(count @ 1..) = prints.read(&mut chunk) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&chunk[..count]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}
