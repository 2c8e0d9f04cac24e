//! That the solutions pass every graded test, whatever the property tests draw.

use super::{Finding, first_line, total, untested};
use anyhow::{Context, Result};
use grader::course::Kind;
use grader::grading::grade::Grader;
use grader::grading::verdict::SubmissionGrade;
use grader::machine::lanes;
use intake::Candidate;

/// The seeds of property tests: the usual one, and any two others. What a submission can learn by heart is what the
/// first draws; an instructor gives another by `--seed`, and it must not be one that fails right work.
const SEEDS: [Option<u64>; 3] = [None, Some(1), Some(65_537)];

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let candidate = Candidate::new(
        "solutions",
        grader.environment.course.root.join("solutions"),
    );
    let mut graded = vec![];
    for seed in SEEDS {
        let mut grader = grader.clone();
        grader.environment.seed = seed;
        // The other proofs ask under the usual one.
        grader.environment.keeps_answers = seed.is_none();
        if seed.is_some() {
            // Training draws nothing from it, and takes as long as all other tests.
            for exercise in &mut grader.environment.exercises {
                exercise.leave_out(Kind::Training);
            }
        }
        let of_seed = grader
            .grade(&candidate, None, lanes::processors(), &|_| {})
            .context("stopped")?;
        graded.push((seed, of_seed));
    }
    Ok(judged(&graded))
}

/// The name of a seed in messages.
fn called(seed: Option<u64>) -> String {
    seed.map_or("the usual seed".to_owned(), |seed| format!("seed {seed}"))
}

fn judged(graded: &[(Option<u64>, SubmissionGrade)]) -> Finding {
    let (mut passed, mut of) = (0, 0);
    let mut faults = vec![];
    for (seed, graded) in graded {
        of += total(graded);
        let mut of_seed = untested("solution", graded);
        for exercise in &graded.exercises {
            for tested in &exercise.tests {
                if tested.passed {
                    passed += 1;
                    continue;
                }
                let message = tested.message.as_deref().unwrap_or_default();
                of_seed.push(format!(
                    "{} {} fails on the solution: {}",
                    exercise.exercise,
                    tested.test,
                    first_line(message)
                ));
            }
        }
        let of_seed = of_seed.into_iter();
        faults.extend(of_seed.map(|fault| format!("{}: {fault}", called(*seed))));
    }
    let seeds: Vec<_> = graded.iter().map(|(seed, _)| called(*seed)).collect();
    Finding {
        showed: format!("{passed} of {of} graded tests pass ({})", seeds.join(", ")),
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::submissions::testing::{graded, tested};
    use grader::grading::verdict::Outcome;

    #[test]
    fn a_solution_that_passes_everything_is_proven() {
        let passes = || graded(vec![("01-a", Outcome::Tested, vec![tested("x", None)])]);
        let finding = judged(&[(None, passes()), (Some(7), passes())]);
        assert_eq!(finding.faults, [""; 0]);
        assert_eq!(
            finding.showed,
            "2 of 2 graded tests pass (the usual seed, seed 7)"
        );
    }

    #[test]
    fn a_test_that_fails_with_one_seed_is_a_fault_with_that_seed_and_its_first_line() {
        let of_seed = |message| {
            let tests = vec![tested("x", None), tested("y", message)];
            graded(vec![("01-a", Outcome::Tested, tests)])
        };
        let finding = judged(&[
            (None, of_seed(None)),
            (Some(7), of_seed(Some("\npatches\n  off 3"))),
        ]);
        assert_eq!(
            finding.faults,
            ["seed 7: 01-a shape::y fails on the solution: patches"]
        );
        assert_eq!(
            finding.showed,
            "3 of 4 graded tests pass (the usual seed, seed 7)"
        );
    }

    #[test]
    fn a_solution_that_is_missing_or_does_not_compile_is_a_fault() {
        let graded = graded(vec![
            ("01-a", Outcome::Missing, vec![]),
            (
                "02-b",
                Outcome::DoesNotCompile("error: x".to_owned()),
                vec![],
            ),
            ("03-c", Outcome::NotGraded("no judge".to_owned()), vec![]),
        ]);
        let finding = judged(&[(None, graded)]);
        assert_eq!(
            finding.faults,
            [
                "the usual seed: 01-a has no solution",
                "the usual seed: the solution of 02-b does not compile: error: x",
                "the usual seed: the solution of 03-c is not graded: no judge"
            ]
        );
    }
}
