//! The channel to a worker: one request, one answer.

use std::process::{ChildStdin, ChildStdout};
use wire::{Answer, Frame, FrameLimits, WireError, read_frame, write_frame};

/// The channel to a worker.
#[derive(Debug)]
pub struct Channel {
    pub(crate) requests: ChildStdin,
    pub(crate) answers: ChildStdout,
}

/// A request that got no answer.
#[derive(Debug)]
pub struct ExchangeError {
    /// The reason.
    pub error: WireError,
    /// Whether the whole request was written.
    pub is_sent: bool,
}

impl Channel {
    /// Sends a request, and reads the answer, of at most `most` bytes.
    ///
    /// # Errors
    /// Returns an error if the request cannot be written, or what is read is no answer.
    pub fn exchange(&mut self, request: &Frame, most: usize) -> Result<Answer, ExchangeError> {
        let limits = FrameLimits::default();
        write_frame(&mut self.requests, request, &limits).map_err(|error| ExchangeError {
            error,
            is_sent: false,
        })?;
        let limits = FrameLimits {
            frame: most,
            ..limits
        };
        let answer = read_frame(&mut self.answers, &limits).and_then(Frame::into_answer);
        answer.map_err(|error| ExchangeError {
            error,
            is_sent: true,
        })
    }

    /// Returns whether bytes wait that were not read: an answer that nobody asked for, if the last one was read.
    pub fn holds_answers(&self) -> bool {
        rustix::io::ioctl_fionread(&self.answers).is_ok_and(|bytes| bytes > 0)
    }

    /// Returns whether the worker has read all that it was sent, as far as the system tells.
    pub fn is_drained(&self) -> bool {
        rustix::io::ioctl_fionread(&self.requests).is_ok_and(|bytes| bytes == 0)
    }
}
