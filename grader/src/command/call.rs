//! `grader call`: one operation, on tensors from a file.

use super::{open_course, prepare};
use crate::ask::ask;
use crate::cli::{Call, Judging};
use crate::compile::{Compiled, compile};
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::intake::{Candidate, Limits as IntakeLimits};
use anyhow::{Context, Result, anyhow, bail};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use wire::{FaultKind, Frame, Limits, Request, printable, printable_lines};

/// Stands for the file of tensors where an operation takes none.
const NO_INPUT: &str = "-";

/// Runs the command.
///
/// # Errors
/// Where the arguments are wrong, something is missing, or the function failed.
pub fn call(course: Option<&Path>, arguments: &Call) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course
        .select(std::slice::from_ref(&arguments.exercise))
        .blame_arguments()?;
    let exercise = &exercises[0];
    let (Some(operation), Some(input), Some(output)) =
        (&arguments.operation, &arguments.input, &arguments.output)
    else {
        list(exercise);
        return Ok(Exit::Success);
    };
    let request = request(exercise, operation, input, &arguments.arguments).blame_arguments()?;
    let candidate = whose(&course, exercise, arguments).blame_arguments()?;
    let submission = candidate
        .read(&course.folders(), &IntakeLimits::default())
        .blame_arguments()?;
    let Some(sources) = submission.exercises.get(&exercise.folder) else {
        let error = anyhow!("{} holds no {}", candidate.path.display(), exercise.folder);
        return Err(error).blame_arguments();
    };
    let judging = Judging {
        sandbox: arguments.sandbox,
        ..Judging::default()
    };
    let grader = prepare(course, exercises.clone(), &judging)?;
    let scratch = grader.scratch.folder()?;
    let stop = || grader.is_stopped();
    let compiled = compile(
        &grader.workshop,
        &grader.course.root,
        exercise,
        sources,
        scratch.path(),
        &stop,
    )?;
    let worker = match compiled {
        Compiled::Worker(worker) => worker,
        Compiled::Refused(words) => {
            eprintln!("{}", printable_lines(&words));
            return Ok(Exit::Failed);
        }
    };
    match ask(&grader.workshop, &worker, scratch.path(), request)? {
        Ok(tensors) => {
            let given: Vec<_> = tensors
                .iter()
                .map(|(name, tensor)| format!("{name} {tensor:?}"))
                .collect();
            let blob = Frame {
                tensors,
                ..Frame::default()
            }
            .encode()
            .map_err(anyhow::Error::from)?;
            fs::write(output, blob)
                .with_context(|| format!("{} cannot be written", output.display()))
                .blame_arguments()?;
            say!("{}: {}", output.display(), printable(&given.join(", ")));
            Ok(Exit::Success)
        }
        Err(fault) => {
            let place = fault
                .place
                .map(|place| format!(" at {place}"))
                .unwrap_or_default();
            eprintln!(
                "{}{}: {}",
                fault.kind,
                printable_lines(&place),
                printable_lines(&fault.message)
            );
            Ok(match fault.kind {
                FaultKind::NotImplemented | FaultKind::Panicked => Exit::Failed,
                FaultKind::WrongShape | FaultKind::BadRequest => Exit::Arguments,
            })
        }
    }
}

/// The exercises' operations, as a person reads them.
fn list(exercise: &Exercise) {
    let float = if exercise.uses_torch {
        "f32 or f64"
    } else {
        "f32"
    };
    say!("{} · {} ({float})", exercise.folder, exercise.facts.title);
    for (name, operation) in &exercise.facts.operations {
        say!("\n{name}: {}", operation.about);
        let show = |title: &str, names: &IndexMap<String, String>| {
            let mut title = title;
            for (name, meaning) in names {
                say!("  {title:<10} {name:<12} {meaning}");
                title = "";
            }
        };
        if operation.tensors.is_empty() {
            say!("  takes      no tensors: give {NO_INPUT} for IN");
        }
        show("takes", &operation.tensors);
        if operation.weights {
            say!(
                "  {:<10} {:<12} the module's variables, by their names",
                "",
                "…"
            );
        }
        show("--arg", &operation.arguments);
        show("gives", &operation.gives);
        if operation.gradients {
            say!(
                "  {:<10} {:<12} of the first result's shape: gives grad.<name> too",
                "may take",
                "cotangent"
            );
        }
    }
}

/// Reads the file and holds it against what the operation takes.
fn request(exercise: &Exercise, name: &str, input: &Path, arguments: &[String]) -> Result<Request> {
    let operations = &exercise.facts.operations;
    let operation = operations.get(name).with_context(|| {
        let known: Vec<_> = operations.keys().map(String::as_str).collect();
        format!(
            "{} has no operation {name:?}; it has {}",
            exercise.name,
            known.join(", ")
        )
    })?;
    let frame = if input == Path::new(NO_INPUT) {
        Frame::default()
    } else {
        tensors_of(input)?
    };
    let mut scalars = BTreeMap::new();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .with_context(|| format!("--arg takes NAME=VALUE, not {argument:?}"))?;
        scalars.insert(name.to_owned(), value.to_owned());
    }
    let optional = |name: &str| operation.weights || (operation.gradients && name == "cotangent");
    same_names(
        "tensor",
        frame.tensors.keys(),
        operation.tensors.keys(),
        optional,
    )?;
    same_names(
        "argument",
        scalars.keys(),
        operation.arguments.keys(),
        |_| false,
    )?;
    Ok(Request {
        operation: name.to_owned(),
        arguments: scalars,
        tensors: frame.tensors,
    })
}

fn tensors_of(input: &Path) -> Result<Frame> {
    let limits = Limits::default();
    let mut blob = vec![];
    fs::File::open(input)
        .and_then(|file| file.take(limits.frame as u64 + 1).read_to_end(&mut blob))
        .with_context(|| format!("{} cannot be read", input.display()))?;
    Frame::decode(&blob, &limits).with_context(|| {
        format!(
            "{} is not a safetensors file of f32, f64 and i64",
            input.display()
        )
    })
}

fn same_names<'a>(
    what: &str,
    got: impl Iterator<Item = &'a String> + Clone,
    wanted: impl Iterator<Item = &'a String> + Clone,
    optional: impl Fn(&str) -> bool,
) -> Result<()> {
    let taken = wanted
        .clone()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let taken = if taken.is_empty() {
        "none".to_owned()
    } else {
        taken
    };
    for name in got.clone() {
        if !wanted.clone().any(|other| other == name) && !optional(name) {
            bail!("the {what} {name:?} is none that the operation takes; it takes {taken}");
        }
    }
    for name in wanted {
        if !got.clone().any(|other| other == name) {
            bail!("the {what} {name} is missing; the operation takes {taken}");
        }
    }
    Ok(())
}

/// The submission that is called: somebody's, the reference, or the working copy.
fn whose(course: &Course, exercise: &Exercise, arguments: &Call) -> Result<Candidate> {
    let path: PathBuf = match (&arguments.submission, arguments.solution) {
        (Some(path), _) => path.clone(),
        (None, true) => course.root.join("solutions"),
        (None, false) => course.root.join("exercises"),
    };
    if !path.exists() {
        bail!("{} does not exist", path.display());
    }
    Ok(Candidate {
        name: exercise.name.clone(),
        path,
    })
}
