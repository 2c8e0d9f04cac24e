//! For maintainers and authors: the project's tests, the proofs of the course, the corpus of attacks, new exercises.

pub mod attack;
pub mod proof;
pub mod scaffold;
pub mod suites;
