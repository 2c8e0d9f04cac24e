//! The table of all exercises with the progress in each, and what is next.

use super::progress::{Progress, State, Step, next};
use crate::course::{Course, Exercise};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

/// The table, in lines of at most `width` columns where that is possible.
pub fn table(all: &[Progress<'_>], width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(["exercise", "time", "level", "state", "hints"]);
    for progress in all {
        let Progress { exercise, .. } = progress;
        table.add_row([
            format!("{}  {}", exercise.folder, exercise.facts.title),
            time(exercise.facts.minutes),
            format!("{}/5", exercise.facts.difficulty),
            state(progress),
            match progress.hints {
                0 => String::new(),
                hints => hints.to_string(),
            },
        ]);
    }
    for column in [1, 2, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// The state in words; whether a solution was shown before its tests passed, and whether the sources or tests have changed since.
fn state(progress: &Progress<'_>) -> String {
    let mut words = progress.state.words();
    if progress.given_up > 0 && !progress.state.is_done() {
        words += ", with help";
    }
    if progress.is_changed {
        words += ", changed since";
    }
    words
}

/// Minutes as people say them: `45 min`, `2 h`, `3.5 h`.
pub fn time(minutes: u32) -> String {
    if minutes < 60 {
        return format!("{minutes} min");
    }
    let hours = format!("{:.1}", f64::from(minutes) / 60.0);
    format!("{} h", hours.trim_end_matches(".0"))
}

/// The next step, with the commands that it takes.
pub fn next_step(course: &Course, all: &[Progress<'_>]) -> String {
    let Some(progress) = next(all) else {
        return finished(course, all);
    };
    let exercise = progress.exercise;
    let name = &exercise.name;
    let heading = format!("next: {}", heading(exercise));
    let (what, commands) = match progress.step() {
        Step::Read(handout) => (
            format!("read the handout, {}", handout.display()),
            vec![
                (
                    format!("cargo grader next {name}"),
                    "open it in your editor",
                ),
                (
                    format!("cargo grader check {name}"),
                    "test what you have written",
                ),
            ],
        ),
        Step::Write(place) => (
            format!("write `{}`, {}", place.item, place.shown()),
            vec![
                (
                    format!("cargo grader next {name}"),
                    "open it in your editor",
                ),
                (
                    format!("cargo grader check {name}"),
                    "test it and explain what is wrong",
                ),
                (format!("cargo grader hint {name}"), "the next hint"),
            ],
        ),
        Step::Check(_) | Step::Nothing => {
            let test = (
                format!("cargo grader check {name}"),
                "test it and explain what is wrong",
            );
            let what = match progress.state {
                State::DoesNotCompile if !progress.is_changed => "see why it does not compile",
                State::NotAccepted if !progress.is_changed => "see why it is not accepted",
                _ => "test your changes",
            };
            (what.to_owned(), vec![test])
        }
        Step::Restore(file) => (
            format!("{} is missing", file.display()),
            vec![(format!("cargo grader reset {name}"), "put its stubs back")],
        ),
    };
    format!("{heading}\n  {what}\n{}", listed(&commands))
}

/// An exercise with the time that it takes, in a line.
pub fn heading(exercise: &Exercise) -> String {
    let facts = &exercise.facts;
    let time = time(facts.minutes);
    format!(
        "{} · {} (about {time}, level {} of 5)",
        exercise.folder, facts.title, facts.difficulty
    )
}

/// The steps after the last exercise.
fn finished(course: &Course, all: &[Progress<'_>]) -> String {
    let mut commands = vec![];
    if course.models().next().is_some() {
        commands.push((
            "cargo grader train".to_owned(),
            "train the model that you wrote",
        ));
    }
    let shown = all
        .last()
        .filter(|it| !course.withholds_solutions && course.has_reference(it.exercise));
    if let Some(last) = shown {
        let command = format!("cargo grader diff {}", last.exercise.name);
        commands.push((command, "compare your code with a solution"));
    }
    format!("All exercises are done.\n{}", listed(&commands))
}

/// Commands with their meanings, in two columns.
pub(super) fn listed(commands: &[(String, &str)]) -> String {
    let width = commands.iter().map(|(it, _)| it.chars().count()).max();
    let width = width.unwrap_or_default();
    let lines = commands.iter();
    lines
        .map(|(command, meaning)| format!("  {command:<width$}   {meaning}\n"))
        .collect()
}

/// The progress in an exercise, for programs.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    exercise: &'a str,
    #[serde(rename = "crate")]
    name: &'a str,
    title: &'a str,
    minutes: u32,
    difficulty: u8,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<usize>,
    tests: usize,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<&'a str>,
    hints: usize,
    given_up: usize,
    next: bool,
    step: Option<JsonStep>,
}

#[derive(Debug, Serialize)]
struct JsonStep {
    action: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

impl From<Step> for Option<JsonStep> {
    fn from(step: Step) -> Self {
        let of_file = |action, file: std::path::PathBuf| JsonStep {
            action,
            file: file.display().to_string(),
            line: None,
            item: None,
        };
        Some(match step {
            Step::Nothing => return None,
            Step::Read(file) => of_file("read", file),
            Step::Check(file) => of_file("check", file),
            Step::Restore(file) => of_file("restore", file),
            Step::Write(place) => JsonStep {
                line: Some(place.line),
                item: Some(place.item),
                ..of_file("write", place.file)
            },
        })
    }
}

/// The progress in all exercises, for programs.
pub fn rows<'a>(all: &'a [Progress<'a>]) -> Vec<Row<'a>> {
    let next = next(all).map(|it| &it.exercise.name);
    let rows = all.iter().map(|progress| {
        let Exercise {
            folder,
            name,
            facts,
            ..
        } = progress.exercise;
        let tests = progress.exercise.tests().count();
        Row {
            exercise: folder,
            name,
            title: &facts.title,
            minutes: facts.minutes,
            difficulty: facts.difficulty,
            state: progress.state.id(),
            passed: match progress.state {
                State::Partly { passed, .. } => Some(passed),
                State::Compiles => Some(0),
                state if state.is_done() => Some(tests),
                _ => None,
            },
            tests,
            changed: progress.is_changed,
            checked: progress.checked.as_deref(),
            hints: progress.hints,
            given_up: progress.given_up,
            next: next == Some(name),
            step: progress.step().into(),
        }
    });
    rows.collect()
}
