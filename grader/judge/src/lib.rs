//! The judge: the exercises' own test files, compiled against stand-ins.
//!
//! A stand-in has the name and signature of a function that a student writes. It sends its arguments to a
//! worker, another process, and returns what comes back. So the tests decide in a process in which no
//! line of a submission runs, and no expected value is ever in the process in which one does.
//!
//! Each exercise has a judge of its own, a test program whose source the grader makes from the exercise's description: the
//! crate under the exercise's name, the stand-ins, the solution as [reference](Exercise), and the exercise's test files by
//! `#[path]`, unchanged. This is the library that all of them are linked with.

mod ask;
mod call;
mod courier;
mod exchange;
mod exercise;
mod memory;
#[cfg(feature = "tch")]
mod module;
mod notes;
mod oracle;
mod processor;
mod record;
mod subject;
mod text;
mod twin;

pub use call::{Answered, Call, Value};
pub use exercise::Exercise;
#[cfg(feature = "tch")]
pub use module::Module;
