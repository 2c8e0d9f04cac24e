//! `grader diff`: the working copy beside the nearest correct solution.

use super::{exercise_and_item, open_course, stop_if_asked};
use crate::cli::{CodeArgs, Diff, DiffFormat};
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::study::diff::measure::{Bench, can_measure};
use crate::study::diff::show::{Look, Report, html, patch, terminal};
use crate::study::diff::{
    Choice, Code, Comparison, Formatter, Gate, Solution, Verdict, compare, has_solution, passages,
};
use crate::study::items;
use crate::study::record::Record;
use crate::terminal::{Stream, full_width, write};
use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use hints::WithHint;
use intake::Source;
use interface::Item;
use std::io::stdout;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, nothing may be shown yet, or something is missing.
pub fn diff(course: Option<&Path>, arguments: &Diff) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let (name, item) = (arguments.exercise.as_deref(), arguments.item.as_deref());
    let asked = DiffTarget::of(&course, name, item)?;
    let exercise = &asked.exercise;
    let formatter = Formatter::of(&course.root);
    has_solution(&course, exercise).blame_arguments()?;
    let solutions = Solution::all(&course, exercise, &formatter)?;
    let against = arguments.against.as_deref();
    let against = against.map(|name| Solution::find(&solutions, name));
    let against = against.transpose().blame_arguments()?;
    let (sources, gate) = asked.open(&course, arguments.give_up)?;
    let yours = Code::read(&sources, &formatter)
        .with_context(|| format!("your code of {} does not parse", exercise.name))
        .hint(format!("`cargo grader check {}` says more", exercise.name))
        .blame_arguments()?;
    let choice = Choice {
        is_wanted: &|path| gate.shows(path),
        against,
        names: arguments.names,
    };
    let mut comparison = compare(&yours, &solutions, choice, &formatter)?;
    explain(&course, exercise, &mut comparison)?;
    if !arguments.no_cost && arguments.format != DiffFormat::Patch {
        measure(course, exercise, &sources, &solutions, &mut comparison)?;
    }
    let report = Report {
        exercise: &exercise.folder,
        title: &exercise.facts.title,
        comparison: &comparison,
        closed: gate.closed.iter().map(|it| it.path.as_str()).collect(),
        formatted: formatter.is_there(),
        solutions: &solutions,
    };
    let page = match arguments.format {
        DiffFormat::Text => {
            let color = AutoStream::choice(&stdout()) != ColorChoice::Never;
            let width = full_width();
            terminal(&report, Look { width, color })
        }
        DiffFormat::Html => html(&report),
        DiffFormat::Patch => patch(&exercise.folder, &yours, &comparison, &solutions),
        DiffFormat::Json => {
            let mut text = report.json().context("cannot write the comparison")?;
            text.push('\n');
            text
        }
    };
    write(Stream::Output, &page);
    Ok(Exit::Success)
}

/// An exercise, or one of its items.
pub(super) struct DiffTarget {
    pub(super) exercise: Exercise,
    item: Option<Item>,
}

impl DiffTarget {
    /// Finds it by its name, or by the current folder.
    pub(super) fn of(
        course: &Course,
        exercise: Option<&str>,
        item: Option<&str>,
    ) -> Result<Self, Failure> {
        let (exercise, item) = exercise_and_item(course, exercise, item).blame_arguments()?;
        let item = item.map(|name| items::find(&exercise, &name).cloned());
        let item = item.transpose().blame_arguments()?;
        Ok(Self { exercise, item })
    }

    /// The learner's sources, and what of the solution is shown beside them.
    pub(super) fn open(
        &self,
        course: &Course,
        give_up: bool,
    ) -> Result<(Vec<Source>, Gate<'_>), Failure> {
        let sources = CodeArgs::default().sources(course, &self.exercise)?;
        let record = Record::open(&course.root).blame_setup()?;
        let item = self.item.as_ref();
        let gate = Gate::open(course, &self.exercise, &record, &sources, item, give_up);
        Ok((
            sources,
            gate.map_err(|error| Failure {
                exit: Exit::Failed,
                error,
            })?,
        ))
    }
}

/// Adds the passages of the solution's README to the items that differ.
fn explain(
    course: &Course,
    exercise: &Exercise,
    comparison: &mut Comparison,
) -> anyhow::Result<()> {
    let passages = passages(course, exercise)?;
    for item in &mut comparison.items {
        let is_about = |path: &String| *path == item.item || item.their_helpers.contains(path);
        let about = passages.iter().filter(|it| it.items.iter().any(is_about));
        if item.verdict == Verdict::Differs {
            item.why = about.map(|it| it.text.clone()).collect();
        }
    }
    Ok(())
}

/// Measures what the items that differ cost. That it cannot be measured is no reason to show nothing.
fn measure(
    course: Course,
    exercise: &Exercise,
    sources: &[Source],
    solutions: &[Solution],
    comparison: &mut Comparison,
) -> Result<(), Failure> {
    let operations = |path: &str| {
        let item = exercise.items.iter().find(|it| it.path == path);
        item.map_or(&[][..], |it| &it.operations)
    };
    let differing = comparison.items.iter_mut();
    let mut differing: Vec<_> = differing
        .filter(|it| it.verdict == Verdict::Differs && !it.rows.is_empty())
        .filter(|it| can_measure(exercise, operations(&it.item)))
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    note!("measuring what it costs; --no-cost leaves that out");
    let environment = match CodeArgs::default().prepare(course, vec![exercise.clone()]) {
        Ok(environment) => environment,
        Err(failure) if failure.exit == Exit::Stopped => return Err(failure),
        Err(failure) => {
            warn!("the cost is not measured: {:#}", failure.error);
            return Ok(());
        }
    };
    let mut bench = Bench::new(&environment, exercise);
    for item in &mut differing {
        stop_if_asked()?;
        let Some(solution) = solutions.iter().find(|it| it.name == item.against) else {
            continue;
        };
        let sides = [
            ("your code", sources),
            (solution.name.as_str(), solution.sources.as_slice()),
        ];
        match bench.measure(operations(&item.item), sides) {
            Ok(cost) => item.cost = cost,
            Err(error) => {
                stop_if_asked()?;
                warn!("the cost of {} is not measured: {error:#}", item.item);
                return Ok(());
            }
        }
    }
    Ok(())
}
