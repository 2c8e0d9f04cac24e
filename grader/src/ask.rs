//! Asking a worker one thing: started, asked, ended.

use crate::confine::Confinement;
use crate::watch;
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
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
    let mut child = Confinement::of_worker(workshop, worker, scratch)
        .command(worker)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the worker cannot be started")?;
    let (Some(mut requests), Some(mut answers)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("the worker has no channel");
    };
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let limits = Limits::default();
        let answer = write_frame(&mut requests, &Frame::from(request), &limits)
            .and_then(|()| read_frame(&mut answers, &limits))
            .and_then(Frame::into_answer);
        let _ = sender.send(answer);
    });
    let deadline = Instant::now() + LIMIT;
    let answer = loop {
        watch::look(Pid::from_child(&child));
        match receiver.recv_timeout(watch::EVERY) {
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            answer => break answer,
        }
    };
    // Its work is done; an error means that it has ended by itself.
    let _ = child.kill();
    let status = child.wait().context("the worker cannot be waited for")?;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(WireError::Closed | WireError::Io(_))) => Ok(Err(Fault {
            kind: FaultKind::Panicked,
            message: format!("the function ended the process ({status})"),
            place: None,
        })),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => bail!("no answer within {} s", LIMIT.as_secs()),
    }
}
