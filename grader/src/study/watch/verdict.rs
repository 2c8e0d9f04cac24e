//! The verdict on an exercise as the watcher shows it: failures one by one, and what changed since the run before.

use crate::grading::verdict::{ExerciseGrade, Outcome};
use std::collections::BTreeMap;

/// A failure that is shown by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The name in one line: the test's, or "it does not compile".
    pub(super) name: String,
    /// The explanation, with the styles of a terminal.
    pub(super) text: String,
    /// The function or type to blame, by the name that `hint` and `diff` take.
    pub(super) item: Option<String>,
}

/// The results of tests by name: true if the test passed and counts.
pub(super) type Results = BTreeMap<String, bool>;

/// The verdict on one state of an exercise's code.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// The result in a few words: `3 of 14 tests pass`.
    pub(super) headline: String,
    /// True if every test passes and counts.
    pub(super) is_done: bool,
    /// The failures, the one to look at first in front.
    pub(super) failures: Vec<Failure>,
    /// The text that is shown if nothing failed.
    pub(super) text: String,
    /// The changes since the tests last ran.
    pub(super) changes: Changes,
    /// Seconds from the save to the verdict.
    pub(super) seconds: f64,
}

/// The tests whose result is another than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Those that failed and pass now.
    pub(super) fixed: Vec<String>,
    /// Those that passed and fail now.
    pub(super) broken: Vec<String>,
}

impl Changes {
    /// The changes from one run of the tests to the next. A test that one of them lacks did not change.
    pub(super) fn between(before: &Results, now: &Results) -> Self {
        let those = |passes: bool| {
            let changed = now
                .iter()
                .filter(|(name, now)| **now == passes && before.get(*name) == Some(&!passes));
            changed.map(|(name, _)| name.clone()).collect()
        };
        Self {
            fixed: those(true),
            broken: those(false),
        }
    }

    /// The changes, a line each.
    pub(super) fn lines(&self) -> Vec<(bool, String)> {
        let line = |is_good, words: &str, names: &[String]| {
            let text = match names {
                [] => return None,
                [one] => format!("{words}: {one}"),
                [one, two] => format!("{words}: {one}, {two}"),
                [one, two, rest @ ..] => {
                    format!("{words}: {one}, {two} and {} more", rest.len())
                }
            };
            Some((is_good, text))
        };
        let fixed = line(true, "fixed", &self.fixed);
        let broken = line(false, "newly broken", &self.broken);
        fixed.into_iter().chain(broken).collect()
    }
}

/// The results of the tests of a grade; none if they did not run.
pub(super) fn results(graded: &ExerciseGrade) -> Option<Results> {
    let tests = graded.tests.iter();
    let results = tests.map(|tested| (tested.test.clone(), tested.counts()));
    (graded.outcome == Outcome::Tested).then(|| results.collect())
}

/// A grade in a few words.
pub(super) fn headline(graded: &ExerciseGrade) -> String {
    match &graded.outcome {
        Outcome::Tested => {
            let passed = graded.tests.iter().filter(|tested| tested.counts());
            format!("{} of {} tests pass", passed.count(), graded.tests.len())
        }
        Outcome::Missing => "there is no code".to_owned(),
        Outcome::DoesNotCompile(_) => "does not compile".to_owned(),
        Outcome::NotAccepted(_) => "is not accepted".to_owned(),
        Outcome::NotGraded(_) => "could not be graded".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(results: &[(&str, bool)]) -> Results {
        let results = results
            .iter()
            .map(|&(name, passed)| (name.to_owned(), passed));
        results.collect()
    }

    #[test]
    fn a_test_is_fixed_or_newly_broken_if_its_result_is_another_than_before() {
        let before = results(&[("a", true), ("b", false), ("c", true), ("gone", true)]);
        let now = results(&[("a", false), ("b", true), ("c", true), ("new", false)]);
        let changes = Changes::between(&before, &now);
        assert_eq!(changes.fixed, ["b"]);
        assert_eq!(changes.broken, ["a"]);
        assert_eq!(Changes::between(&now, &now), Changes::default());
    }

    #[test]
    fn many_changes_are_counted() {
        let fixed = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let changes = Changes {
            fixed,
            broken: vec![],
        };
        assert_eq!(
            changes.lines(),
            [(true, "fixed: a, b and 2 more".to_owned())]
        );
    }
}
