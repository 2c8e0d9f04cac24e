//! The corpus of hostile submissions, run against the grader as it is installed here.
//!
//! Each attack is a folder of `grader/testdata/hostile` (`corpus`). It is made into a submission (`submission`) and graded
//! by a grader of its own, followed by an honest submission (`trial`), and what it gained is looked for from outside
//! (`canaries`, `listing`, `running`): never is an attack's own word taken for it, nor is it blamed for what other programs
//! do meanwhile. So it is tried in places that no other program knows (`places`), by a process that tries nothing else
//! (`ground`) and that sees a copy of the machine, where there can be one (`copy`): what is changed there, the attack
//! has changed. Attacks are let through in such a copy alone, to show that they gain something without what stops them.

mod canaries;
mod copy;
mod corpus;
mod ground;
mod listing;
mod places;
mod running;
mod submission;
mod surroundings;
mod trial;

pub use copy::{begin, enter};
pub use corpus::{Attack, corpus};
pub use ground::Ground;
pub use submission::hand_in;
pub use trial::{AttackOutcome, Trial};
