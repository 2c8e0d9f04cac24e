//! The corpus of hostile submissions, run against the grader as it is installed here.
//!
//! Each attack is a folder of `grader/testdata/hostile` (`corpus`). It is made into a submission (`submission`),
//! graded by a grader of its own, followed by an honest submission (`trial`), and what it gained is looked for from
//! outside (`canaries`, `trees`): never is an attack's own word taken for it.

mod canaries;
mod corpus;
mod submission;
mod trees;
mod trial;

pub use corpus::{Attack, corpus};
pub use trial::{Ground, Outcome};
