//! The reference before a batch, as the terminal shows it.

use super::progress::{doing, spinner};
use super::seconds;
use crate::course::Exercise;
use crate::exit::{Blame, Failure};
use crate::grading::grade::Grader;
use crate::grading::reference::{Reference, complaint};
use std::time::Instant;

/// Has the reference graded, unless it had full marks before under the same conditions. `course` is the course's digest.
///
/// # Errors
/// Returns an error if it falls short, which ends with the exit code of an incomplete set-up, or somebody wants to stop.
pub(super) fn grade_reference(grader: &Grader, course: &str) -> Result<(), Failure> {
    // Whatever the reference's messages hold, no submission has said it.
    let mut grader = grader.clone();
    grader.environment.is_discreet = false;
    grader.environment.keeps_answers = true;
    let reference = Reference::of(&grader, course)?;
    if !reference.missing.is_empty() {
        let missing = names(reference.missing.iter().copied());
        note!("reference: skipped, the course holds no solution of {missing}");
    }
    if !reference.known.is_empty() {
        let known = names(reference.known.iter().copied());
        note!("reference: full marks in {known}, kept from an earlier run");
    }
    if reference.open.is_empty() {
        return Ok(());
    }
    let open = names(reference.open.iter().map(|(exercise, _)| *exercise));
    note!("reference: grading {open} first, once for this course and machine");
    let (start, line) = (Instant::now(), spinner());
    let graded = reference.grade(&|stage| line.set_message(doing("the reference", stage)));
    line.finish_and_clear();
    let shortfalls = graded?;
    if !shortfalls.is_empty() {
        return Err(complaint(&shortfalls)).blame_setup();
    }
    note!("reference: full marks ({})", seconds(start));
    Ok(())
}

fn names<'a>(exercises: impl Iterator<Item = &'a Exercise>) -> String {
    let names: Vec<_> = exercises.map(|exercise| exercise.name.as_str()).collect();
    names.join(", ")
}
