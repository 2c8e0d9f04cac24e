//! That the stubs compile without a warning and fail every graded test, because they are not yet implemented and for
//! no other reason; and that the copies of them which `reset` puts back are the same.

use super::{Finding, first_line, total, untested};
use anyhow::{Context, Result};
use grader::course::{Course, Exercise};
use grader::grading::grade::Grader;
use grader::grading::verdict::SubmissionGrade;
use grader::machine::cargo::cargo;
use grader::machine::lanes;
use grader::machine::tools::Toolchain;
use grader::study::reset;
use grader::terminal::running;
use intake::Candidate;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The beginning of the message of `todo!`.
const NOT_YET: &str = "not yet implemented: ";

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let environment = &grader.environment;
    let mut faults = complaints(&environment.course, &environment.exercises)?;
    for exercise in &environment.exercises {
        if !reset::is_untouched(&environment.course, exercise)? {
            faults.push(format!(
                "exercises/{0}/stubs, which `reset` puts back, is not a copy of src: make one, cp -r exercises/{0}/src/. \
                 exercises/{0}/stubs",
                exercise.folder
            ));
        }
    }
    let candidate = Candidate::new("stubs", environment.course.root.join("exercises"));
    let graded = grader
        .grade(&candidate, None, lanes::processors(), &|_| {})
        .context("stopped")?;
    let mut finding = judged(&graded);
    faults.append(&mut finding.faults);
    Ok(Finding { faults, ..finding })
}

fn judged(graded: &SubmissionGrade) -> Finding {
    let mut faults = untested("stub", graded);
    let mut failed = 0;
    for exercise in &graded.exercises {
        let name = &exercise.exercise;
        for tested in &exercise.tests {
            failed += usize::from(!tested.passed);
            let message = tested.message.as_deref().unwrap_or_default();
            if tested.passed {
                faults.push(format!(
                    "{name} {} passes on the stub: it tests nothing that is to be written, or the stub is solved",
                    tested.test
                ));
            } else if !message.contains(NOT_YET) {
                faults.push(format!(
                    "{name} {} fails on the stub for another reason than `todo!`: {}",
                    tested.test,
                    first_line(message)
                ));
            }
        }
    }
    Finding {
        showed: format!("{failed} of {} graded tests fail", total(graded)),
        faults,
    }
}

/// A line of `cargo build --message-format=json`, as far as it is read.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerMessage {
        target: Target,
        message: Diagnostic,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    rendered: Option<String>,
}

/// The compiler's diagnostics for the stubs, and for their test files as a student compiles them.
fn complaints(course: &Course, exercises: &[Exercise]) -> Result<Vec<String>> {
    // Built, not only checked: `cargo test` then finds all that it needs.
    let mut cargo = cargo(&course.root, &Toolchain::of(&course.root)?);
    cargo.args(["build", "--quiet", "--tests", "--keep-going"]);
    cargo.arg("--message-format=json");
    for exercise in exercises {
        cargo.arg(format!("--package={}", exercise.name));
    }
    running(&cargo);
    let output = cargo.output().context("cargo cannot be started")?;
    let mut faults = complaints_in(
        &String::from_utf8_lossy(&output.stdout),
        &course.root.join("exercises"),
    );
    if !output.status.success() && faults.is_empty() {
        faults.push(format!(
            "cargo cannot build the stubs: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(faults)
}

fn complaints_in(output: &str, exercises: &Path) -> Vec<String> {
    // The library is compiled twice, once with its own unit tests, and complained of twice.
    let mut complaints = BTreeSet::new();
    for line in output.lines() {
        if let Ok(Message::CompilerMessage { target, message }) = serde_json::from_str(line)
            && target.src_path.starts_with(exercises)
            && !message.message.ends_with(" emitted")
        {
            let words = message.rendered.unwrap_or(message.message);
            complaints.insert(words.trim().to_owned());
        }
    }
    complaints.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::submissions::testing::{graded, tested};
    use grader::grading::verdict::Outcome;

    #[test]
    fn a_stub_that_fails_everything_is_proven() {
        let tests = vec![tested("x", Some("not yet implemented: cut the images"))];
        let finding = judged(&graded(vec![("01-a", Outcome::Tested, tests)]));
        assert_eq!(finding.faults, [""; 0]);
        assert_eq!(finding.showed, "1 of 1 graded tests fail");
    }

    #[test]
    fn a_test_that_passes_or_fails_for_another_reason_is_a_fault() {
        let tests = vec![tested("x", None), tested("y", Some("index out of bounds"))];
        let finding = judged(&graded(vec![("01-a", Outcome::Tested, tests)]));
        let [passes, other] = &finding.faults[..] else {
            panic!("{:?}", finding.faults)
        };
        assert!(passes.starts_with("01-a shape::x passes on the stub"));
        assert!(other.ends_with("another reason than `todo!`: index out of bounds"));
        assert_eq!(finding.showed, "1 of 2 graded tests fail");
    }

    #[test]
    fn a_stub_that_is_missing_or_does_not_compile_is_a_fault() {
        let finding = judged(&graded(vec![
            ("01-a", Outcome::Missing, vec![]),
            ("02-b", Outcome::DoesNotCompile("error".to_owned()), vec![]),
        ]));
        assert_eq!(
            finding.faults,
            [
                "01-a has no stub",
                "the stub of 02-b does not compile: error"
            ]
        );
    }

    #[test]
    fn warnings_of_an_exercise_are_faults_once_and_those_of_others_are_not() {
        let line = |place: &str, text: &str| {
            format!(
                r#"{{"reason":"compiler-message","target":{{"src_path":"{place}"}},"message":{{"message":"{text}","rendered":"{text}\n --> x\n"}}}}"#
            )
        };
        let output = [
            line("/c/exercises/01-a/src/lib.rs", "warning: unused"),
            line("/c/exercises/01-a/src/lib.rs", "warning: unused"),
            line("/c/exercises/01-a/src/lib.rs", "1 warning emitted"),
            line("/c/grader/src/lib.rs", "warning: other"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        assert_eq!(
            complaints_in(&output, Path::new("/c/exercises")),
            ["warning: unused\n --> x"]
        );
    }
}
