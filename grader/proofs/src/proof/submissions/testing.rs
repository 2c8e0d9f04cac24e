//! Helpers for the tests of the proofs: cases and results made on the spot.

use super::case::Case;
use grader::course::Kind;
use grader::grading::verdict::{ExerciseGrade, Outcome, Requests, SubmissionGrade, Tally, Tested};
use std::collections::BTreeMap;

/// A case of which nothing is expected, with these lines on top.
pub(crate) fn case(name: &str, lines: &str) -> Case {
    let text = format!("about = \"about {name}\"\nbase = \"nothing\"\n{lines}");
    Case::read(name, "".as_ref(), &text).expect("a case")
}

/// A test of kind shape that failed with this message, or passed.
pub(crate) fn tested(name: &str, message: Option<&str>) -> Tested {
    Tested {
        test: format!("shape::{name}"),
        kind: Kind::Shape,
        passed: message.is_none(),
        message: message.map(str::to_owned),
        not_counted: None,
        requests: Requests::default(),
    }
}

/// A result of these exercises, a point a test.
pub(crate) fn graded(exercises: Vec<(&str, Outcome, Vec<Tested>)>) -> SubmissionGrade {
    let exercises: Vec<_> = exercises
        .into_iter()
        .map(|(folder, outcome, tests)| {
            let passed = tests.iter().filter(|tested| tested.passed).count();
            let tally = Tally {
                passed,
                not_counted: 0,
                total: tests.len(),
                points: passed as f64,
                max_points: tests.len() as f64,
            };
            ExerciseGrade {
                limits: grader::limits::Limits::default(),
                digest: String::new(),
                exercise: folder.to_owned(),
                outcome,
                points: tally.points,
                max_points: tally.max_points,
                kinds: BTreeMap::from([(Kind::Shape, tally)]),
                tests,
                misconceptions: vec![],
                look_at: vec![],
                seconds: 0.0,
            }
        })
        .collect();
    SubmissionGrade {
        path: String::new(),
        note: None,
        remarks: vec![],
        submission: "ada".to_owned(),
        digest: String::new(),
        sandbox: String::new(),
        refused: None,
        points: exercises.iter().map(|exercise| exercise.points).sum(),
        max_points: exercises.iter().map(|exercise| exercise.max_points).sum(),
        exercises,
        seconds: 0.0,
    }
}
