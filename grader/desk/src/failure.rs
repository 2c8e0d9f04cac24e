//! Errors, and the exit codes that they end the program with.

use std::process::ExitCode;

/// The exit codes; they mean the same as the grader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// `check` found a fault.
    Failed = 1,
    /// The arguments are wrong, or the files that they name: roster, policy, results.
    Arguments = 2,
    /// There is no desk yet.
    Setup = 3,
    /// The program failed, or output could not be written.
    Internal = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        (exit as u8).into()
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

impl<E: Into<anyhow::Error>> From<E> for Failure {
    /// An error that is not attributed to the arguments is the program's own.
    fn from(error: E) -> Self {
        Self {
            exit: Exit::Internal,
            error: error.into(),
        }
    }
}

/// Attributes errors to the user's input.
pub trait Blame<T> {
    /// Attributes an error to the arguments or an input file.
    ///
    /// # Errors
    /// Returns the same error, with [`Exit::Arguments`].
    fn blame_arguments(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn blame_arguments(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: Exit::Arguments,
            error: error.into(),
        })
    }
}
