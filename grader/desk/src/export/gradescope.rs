//! Gradescope: `results.json` for each person, as `docs/specs.md` of gradescope/autograder_samples describes it.

use super::{Class, Export, ExportOutput};
use crate::grading::State;
use crate::policy::StudentsSee;
use crate::results::Outcome;
use crate::terminal::points;
use anyhow::Result;
use serde::Serialize;

/// The export as results of Gradescope.
#[derive(Clone, Copy, Debug)]
pub struct Gradescope;

/// The `results.json` that Gradescope reads. The top-level score is the grade; the scores of the tests show its parts.
#[derive(Serialize)]
struct Results {
    score: f64,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    tests: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    output: String,
    output_format: &'static str,
    visibility: &'static str,
}

impl Export for Gradescope {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        let mut hides_total = false;
        for student in &class.grades.gradebook.students {
            let Some(score) = student.total else {
                exported.skip(
                    &student.person.id,
                    "not graded: Gradescope has no results without a score",
                );
                continue;
            };
            let mut tests = vec![];
            let columns = class
                .grades
                .gradebook
                .exercises
                .iter()
                .zip(&student.exercises);
            for (place, (column, grade)) in (1..).zip(columns) {
                let output = match (grade.state, grade.outcome) {
                    (State::Excused, _) => "excused: does not count".to_owned(),
                    (State::Missing, _) => "not handed in".to_owned(),
                    (_, Some(Outcome::DoesNotCompile)) => "does not compile".to_owned(),
                    (_, Some(Outcome::NotAccepted)) => "not accepted".to_owned(),
                    _ if grade.set.is_some() => "the points were set by the instructor".to_owned(),
                    _ if grade.percent > 0.0 => format!(
                        "{} points, and {} % less for lateness",
                        points(grade.raw.unwrap_or_default()),
                        points(grade.percent)
                    ),
                    _ => String::new(),
                };
                tests.push(Case {
                    name: column.exercise.clone(),
                    number: place.to_string(),
                    score: grade.points,
                    max_score: grade.points.map(|_| grade.max_points),
                    status: None,
                    output,
                    output_format: "text",
                    visibility: "visible",
                });
                let result = grade.result.filter(|_| grade.state == State::Graded);
                let Some(result) = result else { continue };
                let graded = class.store.provenance(result)?.graded;
                for (number, test) in (1..).zip(graded.tests) {
                    // A test that is hidden hides the total, too: with `summary` it is left out.
                    let visibility = match class.policy.students_see_of(&test.kind) {
                        StudentsSee::Full => "visible",
                        StudentsSee::UntilDue => "after_due_date",
                        StudentsSee::Summary => continue,
                    };
                    hides_total |= visibility != "visible";
                    tests.push(Case {
                        name: format!("{} {}", column.exercise, test.test),
                        number: format!("{place}.{number}"),
                        score: None,
                        max_score: None,
                        status: Some(if test.counts() { "passed" } else { "failed" }),
                        output: test.message.or(test.not_counted).unwrap_or_default(),
                        output_format: "text",
                        visibility,
                    });
                }
            }
            let output = format!("{} of {} points", points(score), points(student.max_total));
            let results = Results {
                score,
                output,
                output_format: "text",
                visibility: "visible",
                tests,
            };
            let content = serde_json::to_vec_pretty(&results)?;
            exported.add(&student.person.id, "json", content);
        }
        if hides_total {
            exported.notes.push(
                "until the due date, Gradescope hides the total too, where a test is hidden: `students-see = \"summary\"` shows it"
                    .to_owned(),
            );
        }
        Ok(exported)
    }
}
