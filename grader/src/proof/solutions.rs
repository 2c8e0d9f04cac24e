//! That the solutions pass every graded test.

use super::{Finding, first_line, total, untested};
use crate::grade::Grader;
use crate::intake::Candidate;
use crate::verdict::Graded;
use anyhow::{Context, Result};

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let candidate = Candidate {
        name: "solutions".to_owned(),
        path: grader.course.root.join("solutions"),
    };
    let graded = grader.grade(&candidate, &|_| {}).context("stopped")?;
    Ok(judged(&graded))
}

fn judged(graded: &Graded) -> Finding {
    let mut faults = untested("solution", graded);
    let mut passed = 0;
    for exercise in &graded.exercises {
        for tested in &exercise.tests {
            if tested.passed {
                passed += 1;
                continue;
            }
            let message = tested.message.as_deref().unwrap_or_default();
            faults.push(format!(
                "{} {} fails on the solution: {}",
                exercise.exercise,
                tested.test,
                first_line(message)
            ));
        }
    }
    Finding {
        showed: format!("{passed} of {} graded tests pass", total(graded)),
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::testdata::testing::{graded, tested};
    use crate::verdict::Outcome;

    #[test]
    fn a_solution_that_passes_everything_is_proven() {
        let finding = judged(&graded(vec![(
            "01-a",
            Outcome::Tested,
            vec![tested("x", None)],
        )]));
        assert_eq!(finding.faults, [""; 0]);
        assert_eq!(finding.showed, "1 of 1 graded tests pass");
    }

    #[test]
    fn a_failing_test_is_a_fault_with_its_first_line() {
        let tests = vec![tested("x", None), tested("y", Some("\npatches\n  off 3"))];
        let finding = judged(&graded(vec![("01-a", Outcome::Tested, tests)]));
        assert_eq!(
            finding.faults,
            ["01-a shape::y fails on the solution: patches"]
        );
        assert_eq!(finding.showed, "1 of 2 graded tests pass");
    }

    #[test]
    fn a_solution_that_is_missing_or_does_not_compile_is_a_fault() {
        let finding = judged(&graded(vec![
            ("01-a", Outcome::Missing, vec![]),
            (
                "02-b",
                Outcome::DoesNotCompile("error: x".to_owned()),
                vec![],
            ),
            ("03-c", Outcome::NotGraded("no judge".to_owned()), vec![]),
        ]));
        assert_eq!(
            finding.faults,
            [
                "01-a has no solution",
                "the solution of 02-b does not compile: error: x",
                "the solution of 03-c is not graded: no judge"
            ]
        );
    }
}
