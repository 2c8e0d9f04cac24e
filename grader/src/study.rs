//! Self-study: what a learner's progress is, what a graded exercise says, how code compares with solutions, and what is next.
//!
//! [`record`] is the learner's state, a file in the checkout; [`items`] are the functions and types that help is given for;
//! [`explain`] is the text that `check` and `watch` show of a graded exercise; [`diff`] holds code beside the nearest correct
//! solution.

pub mod diff;
pub mod explain;
pub mod items;
pub mod record;
