//! Findings: what a submission fails, as services for code show it at a file.

use super::visible::{Visible, counting, message};
use super::{Class, percent_encoded};
use crate::grading::{State, Student};
use crate::results::{Outcome, digest};
use anyhow::Result;
use wire::{printable, printable_lines};

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The exercise and, in it, the test, the misconception or the outcome: `03-msa/no-scale`.
    pub(super) rule: String,
    /// The title.
    pub(super) title: String,
    /// The message, which may have several lines.
    pub(super) message: String,
    /// The file, in the course's checkout.
    pub(super) path: String,
    /// True if it is why no test ran.
    pub(super) is_fatal: bool,
}

impl Finding {
    /// Its identity, which stays the same in the next submission.
    pub(super) fn fingerprint(&self) -> String {
        digest(&[&self.rule])
    }
}

/// The findings of a person that the policy lets students see.
pub(super) fn findings(class: &Class<'_>, student: &Student) -> Result<Vec<Finding>> {
    let mut findings = vec![];
    let columns = class.grades.gradebook.exercises.iter();
    for (column, grade) in columns.zip(&student.exercises) {
        let exercise = &column.exercise;
        let mut find = |name: &str, title: String, message: &str, is_fatal| {
            findings.push(Finding {
                rule: format!("{}/{}", printable(exercise), printable(name)),
                title: printable(&title),
                message: printable_lines(message),
                path: format!("exercises/{}/src/lib.rs", percent_encoded(exercise, "-_.~")),
                is_fatal,
            });
        };
        if grade.state != State::Graded {
            continue;
        }
        let Some(graded) = counting(class, grade)? else {
            continue;
        };
        if graded.outcome != Outcome::Tested {
            let title = match graded.outcome {
                Outcome::DoesNotCompile => "does not compile",
                _ => "breaks a rule",
            };
            let why = graded.message.as_deref().unwrap_or(title);
            find(
                graded.outcome.name(),
                format!("{exercise} {title}"),
                why,
                true,
            );
            continue;
        }
        let visible = Visible::of(class, grade, &graded);
        for misconception in visible.misconceptions {
            let says = match misconception.says.as_str() {
                "" => &misconception.title,
                says => says,
            };
            find(&misconception.id, misconception.title.clone(), says, false);
        }
        for test in visible.failed {
            let what = if test.passed {
                "earns nothing"
            } else {
                "failed"
            };
            find(
                &test.test,
                format!("{} {what}", test.test),
                message(test),
                false,
            );
        }
    }
    Ok(findings)
}
