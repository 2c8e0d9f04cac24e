//! A running worker, as those see it who ask it: the judge, whose tests do, and the grader, which calls functions and trains
//! models.
//!
//! It is a process of a stranger's code. So its answers are read within limits, its output is read to the end and kept in
//! part, and how it ended is told in the same words everywhere. How long an answer may take is its asker's to decide.

mod channel;
mod end;
mod process;

pub use channel::{Channel, ExchangeError};
pub use end::End;
pub use process::{Process, start};
