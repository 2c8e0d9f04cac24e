//! For maintainers and authors: the project's tests, the proofs of the course, the corpus of attacks, new exercises.

#[cfg(sandbox)]
pub mod attack;
pub mod proof;
pub mod scaffold;
pub mod suites;
