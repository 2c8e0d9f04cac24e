//! Hints: remedies for errors. A hint travels with its error and is shown apart from what went wrong.

mod shown;

pub use shown::error;

use std::error::Error;
use std::fmt;

/// An error with a hint. It reads as the error alone, and has the same causes.
#[derive(Debug)]
struct HintedError {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for HintedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for HintedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Adds a hint to an error.
pub fn hinted(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(HintedError {
        error: error.into(),
        hint: hint.into(),
    })
}

/// Adds hints to the errors of results.
pub trait WithHint<T, E> {
    /// Adds a hint.
    ///
    /// # Errors
    /// Returns the same error, with the hint.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;

    /// Adds the hint that the error itself gives, if it gives one.
    ///
    /// # Errors
    /// Returns the same error, with the hint.
    fn with_hint(self, hint: impl FnOnce(&E) -> Option<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> WithHint<T, E> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.with_hint(|_| Some(hint.into()))
    }

    fn with_hint(self, hint: impl FnOnce(&E) -> Option<String>) -> anyhow::Result<T> {
        self.map_err(|error| match hint(&error) {
            Some(hint) => hinted(error, hint),
            None => error.into(),
        })
    }
}

/// The hints of an error and its causes, in the order in which they were added to each.
pub fn hints(error: &anyhow::Error) -> Vec<&str> {
    let mut hints = vec![];
    for mut cause in error.chain() {
        let first = hints.len();
        while let Some(hinted) = cause.downcast_ref::<HintedError>() {
            hints.insert(first, hinted.hint.as_str());
            cause = hinted.error.as_ref();
        }
    }
    hints
}

/// The error or cause of type `E`, also where it has a hint.
pub fn downcast_ref<E: fmt::Debug + fmt::Display + Send + Sync + 'static>(
    error: &anyhow::Error,
) -> Option<&E> {
    let within = || downcast_ref(&error.downcast_ref::<HintedError>()?.error);
    error.downcast_ref().or_else(within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};
    use std::io;

    fn missing() -> anyhow::Result<()> {
        Err(io::Error::from(io::ErrorKind::NotFound)).context("a cannot be read")
    }

    #[test]
    fn a_hint_changes_neither_the_message_nor_its_causes() {
        let plain = missing().expect_err("an error");
        let hinted = missing().hint("look for it").expect_err("an error");
        assert_eq!(format!("{hinted}"), format!("{plain}"));
        assert_eq!(format!("{hinted:#}"), format!("{plain:#}"));
        assert!(hints(&plain).is_empty());
        assert_eq!(hints(&hinted), ["look for it"]);
    }

    #[test]
    fn hints_are_found_below_later_context_and_below_each_other() {
        let error = missing().hint("first").hint("second").context("b");
        let error = error.hint("of b").expect_err("an error");
        assert_eq!(format!("{error:#}").matches("cannot be read").count(), 1);
        assert_eq!(hints(&error), ["of b", "first", "second"]);
    }

    #[test]
    fn an_error_gives_its_own_hint_or_none() {
        let of = |text: &'static str| {
            let error: Result<(), _> = Err(anyhow!(text));
            let error = error.with_hint(|it| (it.to_string() == "x").then(|| "y".to_owned()));
            hints(&error.expect_err("an error")).len()
        };
        assert_eq!((of("x"), of("z")), (1, 0));
    }

    #[test]
    fn an_error_with_a_hint_is_still_found_by_its_type() {
        let error = missing().hint("a").context("b").hint("c").expect_err("it");
        let found = downcast_ref::<io::Error>(&error).map(io::Error::kind);
        assert_eq!(found, Some(io::ErrorKind::NotFound));
        assert!(downcast_ref::<fmt::Error>(&error).is_none());
    }
}
