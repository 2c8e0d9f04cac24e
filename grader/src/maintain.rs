//! The maintainers' checks: the project's tests, the proofs of the course, the corpus of attacks.

pub mod attack;
pub mod proof;
pub mod suites;
