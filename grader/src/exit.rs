//! Exit codes, and the errors that decide them.

use crate::train::Divergence;
use crate::worker::broken::Broken;
use std::process::{ExitCode, ExitStatus};
use wire::words::NOT_CONFINED;

/// The exit codes. A failing submission is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well: everything asked for was done.
    Success,
    /// A check or a proof failed.
    Failed,
    /// The arguments are wrong. clap uses the same code.
    Arguments,
    /// Something that the grader needs is missing: `cargo grader doctor` says what.
    Setup,
    /// The grader failed; there may be results, but not all.
    Internal,
    /// Everything is graded, and some of it needs a person. Only `grade --strict` ends with it.
    NeedsAPerson,
    /// Stopped by Ctrl-C, SIGTERM or SIGHUP; what was finished is kept.
    Stopped,
    /// A program was not started, since it could not be confined. Only `grader confined` ends with it.
    NotConfined,
    /// There can be no copy of this machine. Only what shows attacks in one ends with it.
    NoCopy,
}

impl Exit {
    const ALL: [Self; 9] = [
        Exit::Success,
        Exit::Failed,
        Exit::Arguments,
        Exit::Setup,
        Exit::Internal,
        Exit::NeedsAPerson,
        Exit::Stopped,
        Exit::NotConfined,
        Exit::NoCopy,
    ];

    /// The exit code where some of the output was lost. A run that failed anyway keeps its own.
    #[must_use]
    pub fn with_lost_output(self) -> Self {
        match self {
            Exit::Success | Exit::Failed | Exit::NeedsAPerson => Exit::Internal,
            failed => failed,
        }
    }

    fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Arguments => 2,
            Exit::Setup => 3,
            Exit::Internal => 4,
            Exit::NeedsAPerson => 5,
            Exit::Stopped => 130,
            Exit::NotConfined => NOT_CONFINED,
            Exit::NoCopy => 126,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl From<ExitStatus> for Exit {
    /// The exit code of another run of this program; one that was killed failed.
    fn from(status: ExitStatus) -> Self {
        let ended_so = |exit: &Exit| status.code() == Some(exit.code().into());
        let exit = Self::ALL.into_iter().find(ended_so);
        exit.unwrap_or(Exit::Internal)
    }
}

/// An error, and the exit code that it ends the program with.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The error, with its causes and hints.
    pub error: anyhow::Error,
}

impl From<anyhow::Error> for Failure {
    /// An error of which nothing else is said is the grader's own. What a function did is a result, and none.
    fn from(error: anyhow::Error) -> Self {
        let exit = match hints::downcast_ref(&error) {
            _ if hints::downcast_ref::<Divergence>(&error).is_some() => Exit::Failed,
            Some(Broken::Stopped) => Exit::Stopped,
            Some(Broken::System(_)) | None => Exit::Internal,
            Some(_) => Exit::Failed,
        };
        Self { exit, error }
    }
}

/// Says whose fault an error is.
pub trait Blame<T> {
    /// The arguments'.
    ///
    /// # Errors
    /// The same error, blamed.
    fn blame_arguments(self) -> Result<T, Failure>;
    /// The set-up's.
    ///
    /// # Errors
    /// The same error, blamed.
    fn blame_setup(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn blame_arguments(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: Exit::Arguments,
            error: error.into(),
        })
    }

    fn blame_setup(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: Exit::Setup,
            error: error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_a_function_did_is_no_failure_of_the_grader_and_neither_is_ctrl_c() {
        let exit = |error: anyhow::Error| Failure::from(error.context("in one file")).exit;
        let late = Broken::Late {
            operation: "cost".to_owned(),
            limit: Duration::from_secs(1),
        };
        assert_eq!(exit(late.into()), Exit::Failed);
        assert_eq!(exit(Broken::Stopped.into()), Exit::Stopped);
        assert_eq!(exit(anyhow::anyhow!("no room")), Exit::Internal);
    }
}
