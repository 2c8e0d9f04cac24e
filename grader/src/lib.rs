//! The grader: from submissions that nobody trusts to grades that everybody can.
//!
//! A submission is taken in ([`intake`]), compiled to a *worker* with the libraries that were built once for the whole class
//! ([`worker`]), tried by a *judge* in another process, counted and explained ([`grading`]). Whatever compiles or runs a
//! submission's code is started in one place ([`sandbox`]).
//!
//! [`course`] is what the exercises' manifests say, [`environment`] what everything that runs takes. Learners call
//! functions, draw [`picture`]s ([`draw`]), [`train`] models on [`data`] sets and count what they [`cost`]; [`weights`]
//! reads the checkpoints that they have. [`study`] is their progress, and what a check tells them. [`machine`] is
//! libtorch and the rest of what a machine must have, [`scaffold`] makes new exercises. [`start`] begins and ends a program,
//! [`command`] holds a file for each command of its command line ([`cli`]), [`exit`] its exit codes, [`terminal`] prints
//! results, notes and errors, and [`hints`] adds remedies to errors.
//!
//! That all this can tell right from wrong and cannot be cheated, another program shows: `grader/proofs`.
//!
//! `grader/ARCHITECTURE.md` follows a submission through these rooms.

#[macro_use]
pub mod terminal;

pub mod cli;
pub mod command;
pub mod cost;
pub mod course;
pub mod data;
pub mod draw;
pub mod environment;
pub mod exit;
pub mod grading;
pub mod limits;
pub mod machine;
pub mod picture;
pub mod scaffold;
pub mod start;
pub mod study;
pub mod train;
pub mod weights;
pub mod worker;
