//! `grader verify`: all tests of the project, and the proofs of the course.

use super::attack;
use crate::proof::{self, Finding};
use crate::suites::Suite;
use grader::cli::{Judging, Verify};
use grader::command::{open_course, prepare, seconds};
use grader::exit::{Blame, Exit, Failure};
use grader::terminal::style::mark;
use grader::{detail, say};
use std::path::Path;
use std::time::Instant;
use wire::printable_lines;

/// Runs the command.
///
/// # Errors
/// Returns an error if something is missing, or cargo cannot be run.
pub(super) fn verify(course: Option<&Path>, arguments: &Verify) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course.select(&arguments.exercise).blame_arguments()?;
    let mut proofs = proof::select(&arguments.proof).blame_arguments()?;
    if arguments.proof.is_empty() && !arguments.exercise.is_empty() {
        proofs.retain(|proof| proof.is_of_an_exercise);
    }
    if arguments.store {
        proof::answers::begin(&course, &exercises)?;
    }
    let grader = prepare(course, exercises, &Judging::default())?;
    if arguments.store {
        for path in proof::answers::store(&grader)? {
            say!("{}", path.display());
        }
        return Ok(Exit::Success);
    }
    let (mut passed, mut failed) = (0, vec![]);
    let suites = Suite::all(&grader.environment.course);
    // Whoever names proofs or exercises wants these alone.
    let with_suites =
        !arguments.proofs_only && arguments.proof.is_empty() && arguments.exercise.is_empty();
    for suite in suites.iter().filter(|_| with_suites) {
        let begin = Instant::now();
        let count = suite.run(&grader.environment.course, &mut |line| say!("{line}"));
        if grader.environment.is_stopped() {
            return Ok(Exit::Stopped);
        }
        let count = count?;
        let name = format!("tests of the {}", suite.name);
        detail!("run: {name} ({})", seconds(begin));
        passed += count.passed;
        let faults = count.faults();
        show(&name, &format!("{} pass", count.passed), &faults);
        failed.extend(faults.into_iter().map(|fault| (name.clone(), fault)));
    }
    if with_suites {
        let attacks = attack::of_the_corpus(&grader);
        if grader.environment.is_stopped() {
            return Ok(Exit::Stopped);
        }
        let name = "hostile submissions";
        match attacks? {
            Some((harmless, Finding { showed, faults })) => {
                passed += harmless;
                show(name, &showed, &faults);
                failed.extend(faults.into_iter().map(|fault| (name.to_owned(), fault)));
            }
            None => say!("· {name}: skipped, there is no sandbox that they could try"),
        }
    }
    for proof in proofs {
        let begin = Instant::now();
        let finding = proof.run(&grader);
        detail!("tried: {} ({})", proof.name, seconds(begin));
        if grader.environment.is_stopped() {
            return Ok(Exit::Stopped);
        }
        let finding = finding.unwrap_or_else(|error| Finding {
            showed: "could not be tried".to_owned(),
            faults: vec![format!("{error:#}")],
        });
        show(proof.name, &finding.showed, &finding.faults);
        if finding.faults.is_empty() {
            passed += 1;
        }
        let faults = finding.faults.into_iter();
        failed.extend(faults.map(|fault| (proof.name.to_owned(), fault)));
    }
    // Once more, where whoever comes back to a long run looks first.
    for (what, fault) in &failed {
        say!("✗ {what}: {}", indented(fault));
    }
    say!("{passed} passed, {} failed", failed.len());
    Ok(if failed.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn show(what: &str, showed: &str, faults: &[String]) {
    let mark = mark(faults.is_empty());
    say!("{mark} {what}: {showed}");
    for fault in faults {
        say!("    {}", indented(fault));
    }
}

/// A fault's lines, those after the first further in.
fn indented(fault: &str) -> String {
    printable_lines(fault).replace('\n', "\n      ")
}
