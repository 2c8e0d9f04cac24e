//! Self-study: what a learner's progress is, what a graded exercise says, and what is next.
//!
//! [`record`] is the learner's state, a file in the checkout; [`items`] are the functions and types that help is given for;
//! [`hints`] are given one at a time, and [`reset`] puts stubs back. [`explain`] is the text that `check` and `watch` show of a graded exercise.

pub mod explain;
pub mod hints;
pub mod items;
pub mod record;
pub mod reset;
