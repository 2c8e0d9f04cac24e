//! The expected result of a case, and its comparison with the actual one.

use grader::grading::verdict::{ExerciseGrade, Outcome, SubmissionGrade};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The expected result of a submission.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Expected {
    /// A part of the reason for refusing the whole submission; None if it must not be refused.
    #[serde(default)]
    refused: Option<String>,
    /// A part of a note on the submission; None if there must be no note.
    #[serde(default)]
    note: Option<String>,
    /// The expected results, by exercise. An exercise that is not named must be missing.
    #[serde(flatten)]
    exercises: BTreeMap<String, OfExercise>,
}

/// The expected result of an exercise.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
enum OfExercise {
    /// Its tests run.
    Tested {
        /// The tests that fail.
        fails: Fails,
        /// Parts of messages: each is in the message of a failing test, and each such message has one of them.
        #[serde(default)]
        says: Vec<String>,
    },
    /// It breaks a rule.
    NotAccepted {
        /// Parts of the reason.
        says: Vec<String>,
    },
    /// It does not compile.
    DoesNotCompile {
        /// Parts of the compiler's message.
        says: Vec<String>,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Fails {
    Many(Many),
    These(BTreeSet<String>),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Many {
    All,
    None,
}

impl Expected {
    /// The exercises that are named.
    pub(super) fn exercises(&self) -> impl Iterator<Item = &str> {
        self.exercises.keys().map(String::as_str)
    }

    /// The differences between a result and the expected one.
    pub(super) fn faults_of(&self, graded: &SubmissionGrade) -> Vec<String> {
        let mut faults = vec![];
        match (&self.refused, &graded.refused) {
            (None, None) => {}
            (Some(part), Some(why)) if why.contains(part) => {}
            (Some(part), Some(why)) => {
                faults.push(format!("must be refused for {part:?}, but is for {why:?}"));
            }
            (Some(part), None) => {
                faults.push(format!("must be refused for {part:?}, but is taken"));
            }
            (None, Some(why)) => faults.push(format!("must be taken, but is refused: {why}")),
        }
        let noted = graded.note.as_deref().unwrap_or_default();
        match &self.note {
            None if noted.is_empty() => {}
            None => faults.push(format!("nothing is to be noted of it, but: {noted}")),
            Some(part) if noted.contains(part) => {}
            Some(part) => faults.push(format!("must be noted for {part:?}; noted is: {noted:?}")),
        }
        for exercise in &graded.exercises {
            let of_exercise = match self.exercises.get(&exercise.exercise) {
                Some(expected) => expected.faults_of(exercise),
                None => missing(exercise),
            };
            let named = of_exercise.into_iter();
            faults.extend(named.map(|fault| format!("{} {fault}", exercise.exercise)));
        }
        for name in self.exercises() {
            if !graded.exercises.iter().any(|it| it.exercise == name) {
                faults.push(format!("{name} is not an exercise of the course"));
            }
        }
        faults
    }
}

fn missing(exercise: &ExerciseGrade) -> Vec<String> {
    match &exercise.outcome {
        Outcome::Missing => points(exercise, 0),
        other => vec![format!("must be missing, but {}", in_words(other))],
    }
}

impl OfExercise {
    fn faults_of(&self, exercise: &ExerciseGrade) -> Vec<String> {
        match (self, &exercise.outcome) {
            (Self::Tested { fails, says }, Outcome::Tested) => {
                let mut faults = fails.faults_of(exercise);
                faults.extend(unexplained(says, fails, exercise));
                let counted = exercise.tests.iter().filter(|it| it.counts()).count();
                faults.extend(points(exercise, counted));
                faults
            }
            (Self::NotAccepted { says }, Outcome::NotAccepted(words))
            | (Self::DoesNotCompile { says }, Outcome::DoesNotCompile(words)) => {
                let unsaid = says.iter().filter(|part| !words.contains(*part));
                let mut faults: Vec<_> = unsaid
                    .map(|part| format!("it must be told {part:?}; it is told: {words}"))
                    .collect();
                faults.extend(points(exercise, 0));
                faults
            }
            (Self::Tested { .. }, other) => {
                vec![format!("must be tested, but {}", in_words(other))]
            }
            (Self::NotAccepted { .. }, other) => {
                vec![format!("must not be accepted, but {}", in_words(other))]
            }
            (Self::DoesNotCompile { .. }, other) => {
                vec![format!("must not compile, but {}", in_words(other))]
            }
        }
    }
}

impl Fails {
    fn includes(&self, test: &str) -> bool {
        match self {
            Self::Many(Many::All) => true,
            Self::Many(Many::None) => false,
            Self::These(tests) => tests.contains(test),
        }
    }

    fn faults_of(&self, exercise: &ExerciseGrade) -> Vec<String> {
        let mut faults = vec![];
        if exercise.tests.is_empty() {
            faults.push("ran no test".to_owned());
        }
        for tested in &exercise.tests {
            match (self.includes(&tested.test), &tested.message) {
                (true, _) if tested.passed => {
                    faults.push(format!("{} must fail, but passes", tested.test));
                }
                (false, message) if !tested.passed => faults.push(format!(
                    "{} must pass, but fails: {}",
                    tested.test,
                    brief(message.as_deref().unwrap_or_default())
                )),
                _ => {}
            }
        }
        if let Self::These(tests) = self {
            let unknown = tests
                .iter()
                .filter(|name| !exercise.tests.iter().any(|tested| tested.test == **name));
            faults.extend(unknown.map(|name| format!("has no test {name}")));
        }
        faults
    }
}

/// Expected failures that say none of what they may, and texts that none of them says.
fn unexplained(says: &[String], fails: &Fails, exercise: &ExerciseGrade) -> Vec<String> {
    let failures: Vec<_> = exercise
        .tests
        .iter()
        .filter(|tested| !tested.passed && fails.includes(&tested.test))
        .map(|tested| (&tested.test, tested.message.as_deref().unwrap_or_default()))
        .collect();
    let has_one = |message: &str| says.iter().any(|part| message.contains(part.as_str()));
    let unexplained = failures.iter().filter(|(_, message)| !has_one(message));
    let unsaid = says.iter().filter(|part| {
        !failures
            .iter()
            .any(|(_, said)| said.contains(part.as_str()))
    });
    unexplained
        .map(|(test, message)| format!("{test} says none of {says:?}, but: {}", brief(message)))
        .chain(unsaid.map(|part| format!("no test that fails says {part:?}")))
        .collect()
}

/// The first lines of a message.
fn brief(message: &str) -> String {
    let lines: Vec<_> = message.lines().take(4).collect();
    lines.join("\n")
}

/// All points if all tests count, none if none does, and some if some do.
fn points(exercise: &ExerciseGrade, counted: usize) -> Vec<String> {
    let (points, most) = (exercise.points, exercise.max_points);
    let right = if counted == 0 {
        points == 0.0
    } else if counted == exercise.tests.len() {
        points == most
    } else {
        0.0 < points && points < most
    };
    if right {
        return vec![];
    }
    vec![format!(
        "has {points} of {most} points for {counted} of {} tests",
        exercise.tests.len()
    )]
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Tested => "its tests ran".to_owned(),
        Outcome::Missing => "it is missing".to_owned(),
        Outcome::DoesNotCompile(words) => format!("it does not compile: {words}"),
        Outcome::NotAccepted(why) => format!("it is not accepted: {why}"),
        Outcome::NotGraded(reason) => format!("the grader failed: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, graded, tested};
    use super::*;
    use grader::grading::verdict::Tested;

    const TWO: &str = r#"
        [expect.01-a]
        outcome = "tested"
        fails = ["shape::y"]
        says = ["off 3"]
    "#;

    fn faults(expect: &str, graded: &SubmissionGrade) -> Vec<String> {
        case("x", expect).expected.faults_of(graded)
    }

    fn ran(tests: Vec<Tested>) -> SubmissionGrade {
        graded(vec![("01-a", Outcome::Tested, tests)])
    }

    #[test]
    fn what_is_as_expected_has_no_faults() {
        let result = ran(vec![
            tested("x", None),
            tested("y", Some("patches\n  off 3")),
        ]);
        assert_eq!(faults(TWO, &result), [""; 0]);
    }

    #[test]
    fn a_test_that_ends_the_other_way_is_a_fault() {
        let result = ran(vec![tested("x", Some("off 3")), tested("y", None)]);
        assert_eq!(
            faults(TWO, &result),
            [
                "01-a shape::x must pass, but fails: off 3",
                "01-a shape::y must fail, but passes",
                "01-a no test that fails says \"off 3\"",
            ]
        );
    }

    #[test]
    fn all_and_none_mean_every_test() {
        let all = "[expect.01-a]\noutcome = \"tested\"\nfails = \"all\"\nsays = [\"off\"]";
        let none = "[expect.01-a]\noutcome = \"tested\"\nfails = \"none\"";
        let result = ran(vec![tested("x", None), tested("y", Some("off"))]);
        assert_eq!(
            faults(all, &result),
            ["01-a shape::x must fail, but passes"]
        );
        assert!(faults(none, &result)[0].starts_with("01-a shape::y must pass"));
        for expect in [all, none] {
            assert!(faults(expect, &ran(vec![])).contains(&"01-a ran no test".to_owned()));
        }
    }

    #[test]
    fn a_name_that_is_no_test_or_no_exercise_is_a_fault() {
        let result = ran(vec![tested("x", None)]);
        let got = faults(&TWO.replace("shape::y", "shape::gone"), &result);
        assert!(
            got.contains(&"01-a has no test shape::gone".to_owned()),
            "{got:?}"
        );
        let got = faults(&TWO.replace("01-a", "02-b"), &result);
        assert!(
            got.contains(&"02-b is not an exercise of the course".to_owned()),
            "{got:?}"
        );
    }

    #[test]
    fn a_failure_that_is_not_explained_and_a_text_that_nobody_says_are_faults() {
        let result = ran(vec![tested("x", None), tested("y", Some("killed"))]);
        assert_eq!(
            faults(TWO, &result),
            [
                "01-a shape::y says none of [\"off 3\"], but: killed",
                "01-a no test that fails says \"off 3\""
            ]
        );
    }

    #[test]
    fn another_outcome_is_a_fault() {
        let refused = "[expect.01-a]\noutcome = \"does-not-compile\"\nsays = [\"E0308\"]";
        let words = |words: &str| {
            let outcome = Outcome::DoesNotCompile(words.to_owned());
            graded(vec![("01-a", outcome, vec![])])
        };
        assert_eq!(faults(refused, &words("error[E0308]: x")), [""; 0]);
        assert_eq!(
            faults(refused, &words("error[E0425]: x")),
            ["01-a it must be told \"E0308\"; it is told: error[E0425]: x"]
        );
        assert_eq!(
            faults(refused, &ran(vec![])),
            ["01-a must not compile, but its tests ran"]
        );
        assert_eq!(
            faults(TWO, &words("error")),
            ["01-a must be tested, but it does not compile: error"]
        );
        assert_eq!(
            faults("", &ran(vec![])),
            ["01-a must be missing, but its tests ran"]
        );
        let failed = Outcome::NotGraded("no judge".to_owned());
        assert_eq!(
            faults(TWO, &graded(vec![("01-a", failed, vec![])])),
            ["01-a must be tested, but the grader failed: no judge"]
        );
    }

    #[test]
    fn points_that_the_tests_do_not_give_are_a_fault() {
        let all = "[expect.01-a]\noutcome = \"tested\"\nfails = \"all\"\nsays = [\"off\"]";
        let mut result = ran(vec![tested("x", Some("off")), tested("y", Some("off"))]);
        result.exercises[0].points = 1.0;
        assert_eq!(
            faults(all, &result),
            ["01-a has 1 of 2 points for 0 of 2 tests"]
        );
    }

    #[test]
    fn a_refusal_that_is_missing_not_expected_or_for_another_reason_is_a_fault() {
        let expect = "[expect]\nrefused = \"archive\"";
        let mut result = graded(vec![]);
        assert_eq!(
            faults(expect, &result),
            ["must be refused for \"archive\", but is taken"]
        );
        result.refused = Some("not a readable archive".to_owned());
        assert_eq!(faults(expect, &result), [""; 0]);
        assert_eq!(
            faults("", &result),
            ["must be taken, but is refused: not a readable archive"]
        );
        result.refused = Some("too large".to_owned());
        assert_eq!(
            faults(expect, &result),
            ["must be refused for \"archive\", but is for \"too large\""]
        );
    }
}
