//! Confinement: limits, Landlock, seccomp and namespaces for every process that compiles or runs a submission.

pub mod confine;
pub mod limits;
pub mod process;
pub mod watch;
