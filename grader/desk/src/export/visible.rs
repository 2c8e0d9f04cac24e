//! The parts of results that students see: what the policy allows, without values that the class's seed drew.

use super::Class;
use crate::grading::{ExerciseGrade, State};
use crate::policy::StudentsSee;
use crate::results::{Graded, Misconception, Test};
use anyhow::Result;
use std::collections::BTreeSet;

/// The last line of messages in which the judge left out all values that a class's seed drew.
const DISCREET: &str = "`cargo grader check` shows the same kind of case with its values";

/// The kinds whose tests ask the same of every class.
const FIXED: [&str; 2] = ["shape", "snapshot"];

/// The part of an exercise's result that a student sees.
#[derive(Clone, Debug)]
pub(super) struct Visible<'a> {
    /// The tests that earned points.
    pub(super) passed: Vec<&'a Test>,
    /// The tests that earned none.
    pub(super) failed: Vec<&'a Test>,
    /// The misconceptions; none where no failed test is shown, of which they would tell.
    pub(super) misconceptions: &'a [Misconception],
    /// The kinds of which single tests are not shown.
    pub(super) hidden: BTreeSet<&'a str>,
    /// Those of them that are shown after the due date.
    pub(super) later: BTreeSet<&'a str>,
}

impl<'a> Visible<'a> {
    pub(super) fn of(class: &Class<'_>, grade: &ExerciseGrade, graded: &'a Graded) -> Self {
        let see = |kind: &str| class.policy.students_see_of(kind);
        let kinds = graded.kinds.keys().map(String::as_str);
        let all: BTreeSet<_> = kinds
            .chain(graded.tests.iter().map(|it| it.kind.as_str()))
            .collect();
        let is_hidden = |kind: &&str| !see(kind).shows_tests(grade.due, class.at);
        let hidden: BTreeSet<_> = all.into_iter().filter(is_hidden).collect();
        let is_later = |kind: &&str| see(kind) == StudentsSee::UntilDue;
        let shown = graded.tests.iter();
        let shown = shown.filter(|it| !hidden.contains(it.kind.as_str()));
        let (passed, failed): (Vec<_>, Vec<_>) = shown.partition(|it| it.counts());
        Self {
            misconceptions: match failed.is_empty() {
                true => &[],
                false => &graded.misconceptions,
            },
            later: hidden.iter().copied().filter(is_later).collect(),
            passed,
            failed,
            hidden,
        }
    }

    /// The sentence on tests that are not shown; none if all are.
    pub(super) fn hint(&self) -> Option<String> {
        let sentence = match self.later.len() {
            _ if self.hidden.is_empty() => return None,
            0 => "Single tests are not shown",
            later if later == self.hidden.len() => "Single tests are shown after the due date",
            _ => "Single tests are not shown, or only after the due date",
        };
        let kinds: Vec<_> = self.hidden.iter().copied().collect();
        Some(match self.passed.is_empty() && self.failed.is_empty() {
            true => format!("{sentence}."),
            false => format!("{sentence}: {}.", kinds.join(", ")),
        })
    }
}

/// The message of a test that earned nothing. Values that the class's seed drew are left out.
pub(super) fn message(test: &Test) -> &str {
    match (&test.not_counted, &test.message) {
        (Some(why), _) => why,
        (None, Some(message)) if FIXED.contains(&test.kind.as_str()) || is_discreet(message) => {
            message
        }
        (None, _) => "the results are not the expected ones",
    }
}

fn is_discreet(message: &str) -> bool {
    message.lines().next_back() == Some(DISCREET)
}

/// The result that an exercise's grade comes from; none if it is excused, or there is none.
pub(super) fn counting(class: &Class<'_>, grade: &ExerciseGrade) -> Result<Option<Graded>> {
    let result = grade.result.filter(|_| grade.state != State::Excused);
    let origin = result.map(|it| class.store.provenance(it)).transpose()?;
    Ok(origin.map(|it| it.graded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_discreet_messages_is_the_judges() {
        let judge = include_str!("../../../src/grading/judge/discretion.rs");
        assert!(judge.contains(&format!("\"{DISCREET}\"")));
    }

    #[test]
    fn drawn_values_are_left_out_and_fixed_ones_shown() {
        let shown = |kind: &str, said: &str| {
            let test = Test {
                test: "t".to_owned(),
                kind: kind.to_owned(),
                passed: false,
                message: Some(said.to_owned()),
                not_counted: None,
            };
            message(&test).to_owned()
        };
        let values = "expected 0.8125, got 0.5";
        let discreet = format!("the function panicked\nwith side = 5\n{DISCREET}");
        for kind in ["drawn", "property", "gradient", "training"] {
            assert_eq!(
                shown(kind, values),
                "the results are not the expected ones",
                "{kind}"
            );
            assert_eq!(shown(kind, &discreet), discreet, "{kind}");
        }
        for kind in FIXED {
            assert_eq!(shown(kind, values), values, "{kind}");
        }
    }
}
