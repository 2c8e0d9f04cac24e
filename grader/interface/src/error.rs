//! Errors in a description, with their place.

use proc_macro2::Span;
use std::fmt;

/// A fault of a description: the file, the line, what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    file: String,
    line: Option<usize>,
    message: String,
}

impl Error {
    /// A fault of a whole file.
    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            message: message.into(),
        }
    }

    /// A fault at a place in a file.
    pub(crate) fn at(file: &str, span: Span, message: impl Into<String>) -> Self {
        Self {
            line: Some(span.start().line),
            ..Self::of_file(file, message)
        }
    }

    /// A file that does not parse.
    pub(crate) fn of_syntax(file: &str, error: &syn::Error) -> Self {
        Self::at(file, error.span(), error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for Error {}
