//! The ways in which asking a worker can fail.

use client::End;
use std::time::Duration;
use wire::{Fault, printable, printable_lines};

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The operation failed, with its message.
    #[error("{}", of_fault(.0))]
    Fault(Fault),
    /// The worker is gone.
    #[error("{operation}: {}", .end.told(printable_lines))]
    Ended {
        /// The requested operation.
        operation: String,
        /// Its end.
        end: End,
    },
    /// It took too long.
    #[error("{operation}: no answer within {} s: the worker was stopped", .limit.as_secs())]
    Late {
        /// The requested operation.
        operation: String,
        /// The time that it had.
        limit: Duration,
    },
    /// The answer is invalid.
    #[error("{operation}: the answer is forged: {why}")]
    Forged {
        /// The requested operation.
        operation: String,
        /// The fault of the answer.
        why: String,
    },
    /// It ended itself at an operator that it was asked to write.
    #[error("it is not accepted: {0}")]
    NotAccepted(String),
    /// The run was interrupted, and the worker no longer answered.
    #[error("stopped")]
    Stopped,
    /// The system failed.
    #[error("the worker cannot be waited for: {0}")]
    System(#[from] std::io::Error),
}

fn of_fault(fault: &Fault) -> String {
    let place = fault.place.as_ref();
    let place = place.map(|place| format!(" at {}", printable(place)));
    let message = printable_lines(&fault.message);
    format!("{}{}: {message}", fault.kind, place.unwrap_or_default())
}

impl Broken {
    /// An answer to `operation` that is not what it must be.
    pub fn forged(operation: &str, why: impl std::fmt::Display) -> Self {
        Self::Forged {
            operation: operation.to_owned(),
            why: printable(&why.to_string()),
        }
    }
}
