//! The failures of a graded exercise, each explained by itself as `check` does, and the text that is shown if there are
//! none.

use super::verdict::Failure;
use crate::course::{Course, Exercise};
use crate::grading::verdict::ExerciseGrade;
use crate::study::explain::{Explanation, Failure as Explained};
use crate::study::items::item_of;
use crate::study::progress::survey;
use crate::study::record::{Checked, Record};
use crate::study::table::next_step;

/// The failures, the one to look at first in front, and the text that is shown if there are none.
pub(super) fn explained(
    course: &Course,
    exercise: &Exercise,
    graded: &ExerciseGrade,
    checked: Option<&Checked>,
    width: usize,
) -> (Vec<Failure>, String) {
    let explanation = Explanation::of(course, exercise, graded, width);
    if let Some(why) = &explanation.refusal {
        let failure = Failure {
            name: "the code".to_owned(),
            text: why.clone(),
            item: None,
        };
        return (vec![failure], String::new());
    }
    let item = |failure: &Explained| {
        let first = failure.first();
        let test = checked?
            .tests
            .get(&format!("{}::{}", first.kind, first.name))?;
        Some(item_of(exercise, test)?.path.clone())
    };
    let failures = explanation.failures.iter().enumerate();
    let failures = failures.map(|(number, failure)| {
        let mut text = explanation.full(failure);
        if number == 0 && !explanation.diagnosis.is_empty() {
            text = format!("{}\n{text}", explanation.diagnosis.join("\n"));
        }
        Failure {
            name: failure.first().name.clone(),
            item: item(failure),
            text,
        }
    });
    let mut text = explanation.text(false);
    if let Some((_, rest)) = text.split_once("\n\n") {
        // The exercise is named above it.
        text = rest.to_owned();
    }
    if explanation.achievement.is_some() {
        text += &format!("\n{}", next(course));
    }
    (failures.collect(), text)
}

/// The next step in the course; empty if the record cannot be read, which is reported elsewhere.
fn next(course: &Course) -> String {
    let all = Record::open(&course.root).and_then(|record| survey(course, &record));
    all.map_or_else(|_| String::new(), |all| next_step(course, &all))
}
