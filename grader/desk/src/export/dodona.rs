//! Dodona: the output of a judge for each person, a command in each line, as `partial_output.json` of
//! dodona-edu/universal-judge describes it. An exercise is a tab, a test a context with one test case.

use super::visible::{Visible, counting, message};
use super::{Class, Export, ExportOutput};
use crate::grading::{ExerciseGrade, State};
use crate::results::Outcome;
use crate::terminal::points;
use anyhow::Result;
use serde_json::{Value, json};
use wire::{printable, printable_lines};

/// The export as judgements of Dodona.
#[derive(Clone, Copy, Debug)]
pub struct Dodona;

impl Export for Dodona {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput::default();
        for student in &class.grades.gradebook.students {
            let id = &student.person.id;
            let Some(total) = student.total else {
                exported.skip(id, "not graded: Dodona has no judgement of what is not");
                continue;
            };
            let mut commands = vec![json!({ "command": "start-judgement" })];
            let mut fatal = false;
            let columns = class.grades.gradebook.exercises.iter();
            for (column, grade) in columns.zip(&student.exercises) {
                if grade.state == State::Excused {
                    continue;
                }
                fatal |= grade.outcome == Some(Outcome::DoesNotCompile);
                commands
                    .push(json!({ "command": "start-tab", "title": printable(&column.exercise) }));
                let lost = tab(class, grade, &mut commands)?;
                // What is not shown is an issue of the tab, too, if points are lost.
                let issues = lost.max(usize::from(grade.points < Some(grade.max_points)));
                commands.push(json!({ "command": "close-tab", "badgeCount": issues }));
            }
            let is_accepted = total >= student.max_total;
            let status = match (is_accepted, fatal) {
                (true, _) => "correct",
                (false, true) => "compilation error",
                (false, false) => "wrong",
            };
            let human = format!("{} of {} points", points(total), points(student.max_total));
            commands.push(json!({
                "command": "close-judgement", "accepted": is_accepted,
                "status": { "enum": status, "human": human },
            }));
            let lines: Vec<_> = commands.iter().map(|it| format!("{it}\n")).collect();
            exported.add(id, "jsonl", lines.concat().into_bytes());
        }
        Ok(exported)
    }
}

/// Adds the content of a tab, and returns how many tests in it failed.
fn tab(class: &Class<'_>, grade: &ExerciseGrade, commands: &mut Vec<Value>) -> Result<usize> {
    let mut say = |format: &str, text: &str| {
        commands.push(append(format, text));
    };
    let earned = grade.points.unwrap_or_default();
    say(
        "plain",
        &format!("{} of {} points", points(earned), points(grade.max_points)),
    );
    let Some(graded) = counting(class, grade)? else {
        say("plain", "nothing was handed in");
        return Ok(1);
    };
    if graded.outcome != Outcome::Tested {
        say("plain", &graded.outcome.name().replace('-', " "));
        say("code", graded.message.as_deref().unwrap_or_default());
        return Ok(1);
    }
    let visible = Visible::of(class, grade, &graded);
    for misconception in visible.misconceptions {
        say(
            "plain",
            &format!("{}. {}", misconception.title, misconception.says),
        );
    }
    if let Some(hint) = visible.hint() {
        say("plain", &hint);
    }
    let failed = visible.failed.iter().map(|it| (*it, false));
    for (test, passed) in failed.chain(visible.passed.iter().map(|it| (*it, true))) {
        commands.push(json!({ "command": "start-context" }));
        let description = json!({ "format": "plain", "description": printable(&test.test) });
        commands.push(json!({ "command": "start-testcase", "description": description }));
        if !passed {
            commands.push(append("code", message(test)));
        }
        commands.push(json!({ "command": "close-testcase", "accepted": passed }));
        commands.push(json!({ "command": "close-context", "accepted": passed }));
    }
    Ok(visible.failed.len())
}

fn append(format: &str, text: &str) -> Value {
    let message = json!({ "format": format, "description": printable_lines(text) });
    json!({ "command": "append-message", "message": message })
}
