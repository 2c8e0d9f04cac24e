//! Shows that the grader can tell right from wrong and cannot be cheated: the proofs of the course ([`proof`]), the corpus of
//! attacks ([`attack`]) and the project's own tests ([`suites`]). Makes the students' repository ([`release`]), and shows that it
//! holds no solution. They use the grader's library, and the grader's program
//! confines what they run, as it does for a class.
//!
//! `cargo grader verify`, `attack` and `release` build this program and become it, so that only those who use it compile
//! it. [`cli`] is its command line, [`command`] holds a file for each command.

#[cfg(all(feature = "sandbox", target_os = "linux"))]
pub mod attack;
pub mod cli;
pub mod command;
pub mod proof;
pub mod release;
pub mod suites;
