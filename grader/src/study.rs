//! Self-study: a learner's progress, the explanation of a graded exercise, how code compares with solutions, and what is next.
//!
//! [`record`] is the learner's state, a file in the checkout; [`progress`] is told from it and the sources as they are.
//! [`items`] are the functions and types that help is given for, [`stubs`] their places in the sources. [`hints`] are given
//! one at a time, and [`reset`] puts stubs back. [`explain`] is the text that `check` and `watch` show of a graded exercise,
//! and [`table`] that of all exercises. [`watch`] checks the working copy again at each save. [`diff`] holds code beside the
//! nearest correct solution.

pub mod diff;
pub mod explain;
pub mod hints;
pub mod items;
pub mod progress;
pub mod record;
pub mod reset;
pub mod stubs;
pub mod table;
pub mod watch;
