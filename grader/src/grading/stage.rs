//! The stages of grading, for whoever shows progress.

/// The stage that a submission is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Its files are taken in.
    Reading,
    /// An exercise is compiled.
    Compiling(&'a str),
    /// An exercise's tests run.
    Judging(&'a str),
    /// An exercise's model is trained.
    Training(&'a str),
    /// Its misconceptions are compiled, which is done once and kept.
    Gathering(&'a str),
    /// Failed calls are compared with the exercise's misconceptions.
    Naming(&'a str),
}
