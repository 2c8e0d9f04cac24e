//! The corpus of hostile submissions, run against the grader as it is installed here.
//!
//! Each attack is a folder of `grader/testdata/hostile` (`corpus`). It is made into a submission (`submission`),
//! graded by a grader of its own, followed by an honest submission (`trial`), by a process that tries nothing else
//! (`apart`), and what it gained is looked for from outside (`canaries`, `trees`): never is an attack's own word taken for
//! it. That an attack gains without what stops it is shown in a throw-away copy of the machine (`copy`).

mod apart;
mod canaries;
mod copy;
mod corpus;
mod submission;
mod surroundings;
mod trees;
mod trial;

pub use apart::try_here;
pub use copy::{NO_COPY, begin, enter, run as run_in_a_copy};
pub use corpus::{Attack, corpus};
pub use submission::hand_in;
pub use trial::{Ground, Outcome};
