//! PrairieLearn: `results.json` of an external grader for each person, as docs/externalGrading.md describes it.

use super::visible::{Visible, counting, message};
use super::{Class, Export, ExportOutput};
use crate::grading::State;
use crate::results::Outcome;
use crate::terminal::points;
use anyhow::Result;
use serde::Serialize;
use wire::{printable, printable_lines};

/// The size in bytes that PrairieLearn takes.
const MOST: usize = 1024 * 1024;

/// The export as results of PrairieLearn.
#[derive(Clone, Copy, Debug)]
pub struct PrairieLearn;

#[derive(Serialize)]
struct Results {
    gradable: bool,
    /// The share of the points, from 0 to 1: other scores are not taken.
    score: f64,
    message: String,
    tests: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    points: f64,
    max_points: f64,
    message: String,
    output: String,
}

impl Export for PrairieLearn {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let id = &student.person.id;
            let Some(total) = student.total else {
                exported.skip(
                    id,
                    "not graded: PrairieLearn has no results without a score",
                );
                continue;
            };
            let share = match student.max_total {
                0.0 => 0.0,
                max => total / max,
            };
            if share > 1.0 {
                let most = points(student.max_total);
                exported.skip(
                    id,
                    format!(
                        "{} points are above the maximum: {most} are written",
                        points(total)
                    ),
                );
            }
            let mut tests = vec![];
            let columns = class.grades.gradebook.exercises.iter();
            for (column, grade) in columns.zip(&student.exercises) {
                let Some(value) = grade.points.filter(|_| grade.state != State::Excused) else {
                    continue;
                };
                let (said, output) = match counting(class, grade)? {
                    None => ("nothing was handed in".to_owned(), String::new()),
                    Some(graded) if graded.outcome == Outcome::Tested => {
                        let visible = Visible::of(class, grade, &graded);
                        let of_test = |it: &&crate::results::Test| {
                            format!(
                                "{}\n{}\n",
                                printable(&it.test),
                                printable_lines(message(it))
                            )
                        };
                        let output: Vec<_> = visible.failed.iter().map(of_test).collect();
                        let said = visible.misconceptions.iter().map(|it| it.title.clone());
                        let said: Vec<_> = said.chain(visible.hint()).collect();
                        (printable(&said.join(". ")), output.join("\n"))
                    }
                    Some(graded) => (
                        graded.outcome.name().replace('-', " "),
                        printable_lines(graded.message.as_deref().unwrap_or_default()),
                    ),
                };
                tests.push(Case {
                    name: printable(&column.exercise),
                    points: value,
                    max_points: grade.max_points,
                    message: said,
                    output,
                });
            }
            let results = Results {
                gradable: true,
                score: share.clamp(0.0, 1.0),
                message: format!("{} of {} points", points(total), points(student.max_total)),
                tests,
            };
            let content = serde_json::to_vec_pretty(&results)?;
            if content.len() > MOST {
                exported.skip(id, "the results are above 1 MB, which PrairieLearn refuses");
                continue;
            }
            exported.add(id, "json", content);
        }
        Ok(exported)
    }
}
