//! The room of learners: what compares, explains and remembers.

pub mod diff;
