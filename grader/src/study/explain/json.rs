//! The explanation of a graded exercise for editors and scripts: grader/README.md documents the fields.

use super::failure::{Failure, TestName};
use crate::course::{Course, Exercise, Kind};
use crate::grading::lesson::Lessons;
use crate::grading::verdict::{ExerciseGrade, MatchedMisconception, Outcome, Tested};
use crate::study::items::item_of;
use crate::study::record::TestResult;
use serde::Serialize;

/// A graded exercise.
#[derive(Debug, Serialize)]
pub struct ExerciseJson {
    exercise: String,
    #[serde(rename = "crate")]
    name: String,
    title: String,
    /// The outcome, and the message of one whose tests did not run.
    #[serde(flatten)]
    outcome: Outcome,
    points: f64,
    max_points: f64,
    passed: usize,
    seconds: f64,
    tests: Vec<TestJson>,
    misconceptions: Vec<MatchedMisconception>,
    look_at: Vec<String>,
}

/// A test.
#[derive(Debug, Serialize)]
struct TestJson {
    /// The name as `cargo test -p CRATE --test KIND -- NAME` takes it.
    name: String,
    kind: Kind,
    /// True if it passed and counts.
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_counted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceJson>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stub: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    look_at: Option<String>,
    command: String,
}

/// A place in the learner's code.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct PlaceJson {
    file: String,
    line: usize,
    column: usize,
}

impl PlaceJson {
    fn read(place: &str) -> Option<Self> {
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some(Self {
            file: parts.next()?.to_owned(),
            line,
            column,
        })
    }
}

impl ExerciseJson {
    /// The explanation of a graded exercise.
    pub fn of(course: &Course, exercise: &Exercise, graded: &ExerciseGrade) -> Self {
        let lessons = Lessons::of(course, exercise);
        let tests = graded.tests.iter();
        Self {
            exercise: exercise.folder.clone(),
            name: exercise.name.clone(),
            title: exercise.facts.title.clone(),
            outcome: graded.outcome.clone(),
            points: graded.points,
            max_points: graded.max_points,
            passed: tests.clone().filter(|tested| tested.counts()).count(),
            seconds: graded.seconds,
            tests: tests
                .map(|it| TestJson::of(exercise, &lessons, it))
                .collect(),
            misconceptions: graded.misconceptions.clone(),
            look_at: graded.look_at.clone(),
        }
    }
}

impl TestJson {
    fn of(exercise: &Exercise, lessons: &Lessons, tested: &Tested) -> Self {
        let name = TestName::of(tested);
        let mut json = Self {
            command: name.command(exercise),
            name: name.name,
            kind: tested.kind,
            passed: tested.counts(),
            not_counted: tested.not_counted.clone(),
            message: None,
            place: None,
            stub: false,
            item: None,
            claim: None,
            look_at: None,
        };
        if tested.counts() {
            return json;
        }
        let lesson = lessons.of_test(&tested.test);
        json.claim = lesson.map(|lesson| lesson.claim.clone());
        json.item = item_of(exercise, &TestResult::of(tested)).map(|item| item.path.clone());
        if let Some(message) = &tested.message {
            let failure = Failure::of(tested);
            json.look_at = lesson.and_then(|it| it.advice(message)).map(str::to_owned);
            json.place = failure.place.as_deref().and_then(PlaceJson::read);
            json.stub = failure.is_stub;
            json.message = Some(failure.message);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::PlaceJson;

    #[test]
    fn a_place_is_a_file_a_line_and_a_column() {
        let place = PlaceJson::read("exercises/a b:c/src/lib.rs:41:5");
        let expected = PlaceJson {
            file: "exercises/a b:c/src/lib.rs".to_owned(),
            line: 41,
            column: 5,
        };
        assert_eq!(place, Some(expected));
        assert_eq!(PlaceJson::read("lib.rs"), None);
        assert_eq!(PlaceJson::read("lib.rs:x:1"), None);
    }
}
