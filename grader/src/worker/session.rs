//! A running worker: it is sent one request after the other, watched, and stopped. The end of its output is kept.

use crate::environment::Environment;
use crate::grading::rules;
use crate::train::device::Device;
use crate::worker::broken::Broken;
use crate::worker::profiles;
use anyhow::{Context, Result};
use client::Process;
use sandbox::{Confinement, watch};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Answer, Frame, FrameLimits, Request, Tensors, WireError};

/// A running worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Session {
    process: Process,
    requests: Sender<Request>,
    answers: Receiver<Result<Answer, WireError>>,
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
        let confinement = profiles::of_worker(&environment.workshop, worker);
        Self::start(&confinement, worker, Bounds::OF_WORKER, environment.stop)
    }

    /// Starts a worker that trains.
    ///
    /// # Errors
    /// Returns an error if the worker cannot be started.
    pub fn of_trainer(environment: &Environment, worker: &Path, device: Device) -> Result<Self> {
        let confinement = profiles::of_trainer(&environment.workshop, worker, device);
        let bounds = Bounds::of_trainer(device);
        Self::start(&confinement, worker, bounds, environment.stop)
    }

    fn start(
        confinement: &Confinement,
        worker: &Path,
        bounds: Bounds,
        stop: &'static AtomicBool,
    ) -> Result<Self> {
        let (process, mut worker) = client::start(&mut confinement.command(worker)?, usize::MAX)
            .context("the worker cannot be started")?;
        let (requests, incoming) = channel::<Request>();
        let (outgoing, answers) = channel();
        thread::spawn(move || {
            let most = FrameLimits::default().frame;
            for request in incoming {
                let answer = worker.exchange(&Frame::from(request), most);
                if outgoing.send(answer.map_err(|it| it.error)).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            process,
            requests,
            answers,
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
            watch::look_for(self.process.pid(), self.bounds.memory);
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
        self.process.is_running()
    }

    /// Ends the worker, and gives the end of what it printed.
    pub fn end(mut self) -> String {
        self.process.stop().printed().to_owned()
    }

    /// The way the worker ended, with the end of its output.
    fn obituary(&mut self, operation: String) -> Broken {
        // It closed its channel: what it does now is of no use.
        let end = self.process.end();
        match end.forbidden() {
            Some(_) => Broken::NotAccepted(rules::forbidden_operator(end.printed())),
            None => Broken::Ended { operation, end },
        }
    }
}
