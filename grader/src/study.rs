//! Self-study: a learner's progress, the explanation of a graded exercise, hints, and the comparison with solutions.
//!
//! [`record`] is the learner's state, a file in the checkout; [`progress`] follows from it and the present sources. [`items`]
//! are the functions and types of an exercise, [`stubs`] their places in the sources. [`hints`] are shown one at a time, and
//! [`reset`] puts stubs back. [`explain`] is the text that `check` and `watch` show of a graded exercise, and [`table`] that of
//! all exercises. [`watch`] checks the working copy again at each save. [`diff`] compares code with the nearest correct
//! solution.

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
