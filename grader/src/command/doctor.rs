//! `grader doctor`: what this machine lacks, and how to mend it.

use super::open_course;
use crate::exit::{Exit, Failure};
use crate::machine::doctor::{State, examine};
use crate::terminal::style::mark;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no course.
pub fn doctor(course: Option<&Path>) -> Result<Exit, Failure> {
    let findings = examine(&open_course(course)?.root);
    for finding in &findings {
        let mark = match finding.state {
            State::Good => mark(true),
            State::Note => "·".to_owned(),
            State::Fault => mark(false),
        };
        say!("{mark} {:<14} {}", finding.what, finding.detail);
        if let Some(fix) = &finding.fix {
            say!("  {:<14} → {fix}", "");
        }
    }
    let is_sound = findings.iter().all(|finding| finding.state != State::Fault);
    Ok(if is_sound { Exit::Success } else { Exit::Setup })
}
