//! `grader call`: one operation, on tensors from a file.

use super::{open_course, prepare};
use crate::cli::{Call, Judging};
use crate::compile::{Compiled, compile, scratch_below};
use crate::confine::Confinement;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::intake::{Candidate, Limits as IntakeLimits};
use crate::watch;
use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Answer, FaultKind, Frame, Limits, Request, printable_lines, read_frame, write_frame};

/// What a call may take. An instructor's own big model takes longer than a test does.
const LIMIT: Duration = Duration::from_secs(120);

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
        seed: None,
        call_limit: 10,
        exercise_limit: 60,
        sandbox: arguments.sandbox,
    };
    let grader = prepare(course, exercises.clone(), &judging)?;
    let scratch = scratch_below(&grader.scratch())?;
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
    let confinement = Confinement::of_worker(&grader.workshop, &worker, scratch.path());
    match ask(&confinement, &worker, request)? {
        Ok(tensors) => {
            let blob = Frame {
                tensors,
                ..Frame::default()
            }
            .encode()
            .map_err(anyhow::Error::from)?;
            fs::write(output, blob)
                .with_context(|| format!("{} cannot be written", output.display()))
                .blame_arguments()?;
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
    println!("{} · {} ({float})", exercise.folder, exercise.facts.title);
    for (name, operation) in &exercise.facts.operations {
        println!("\n{name}: {}", operation.about);
        let show = |title: &str, names: &BTreeMap<String, String>| {
            let mut title = title;
            for (name, meaning) in names {
                println!("  {title:<10} {name:<12} {meaning}");
                title = "";
            }
        };
        show("takes", &operation.tensors);
        if operation.weights {
            println!(
                "  {:<10} {:<12} the module's variables, by their names",
                "", "…"
            );
        }
        show("--arg", &operation.arguments);
        show("gives", &operation.gives);
        if operation.gradients {
            println!(
                "  {:<10} {:<12} of the first result's shape: gives grad.<name> too",
                "may take", "cotangent"
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
    let limits = Limits::default();
    let mut blob = vec![];
    fs::File::open(input)
        .and_then(|file| file.take(limits.frame as u64 + 1).read_to_end(&mut blob))
        .with_context(|| format!("{} cannot be read", input.display()))?;
    let frame = Frame::decode(&blob, &limits).with_context(|| {
        format!(
            "{} is not a safetensors file of f32, f64 and i64",
            input.display()
        )
    })?;
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
    for name in wanted.clone() {
        if !got.clone().any(|other| other == name) {
            bail!("the {what} {name} is missing; the operation takes {taken}");
        }
    }
    for name in got {
        if !wanted.clone().any(|other| other == name) && !optional(name) {
            bail!("the {what} {name:?} is none that the operation takes; it takes {taken}");
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

/// Starts the worker for one request.
fn ask(confinement: &Confinement, worker: &Path, request: Request) -> Result<Answer> {
    let mut child = confinement
        .command(worker)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the worker cannot be started")?;
    let (Some(mut requests), Some(mut answers)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("the worker has no channel");
    };
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let limits = Limits::default();
        let answer = write_frame(&mut requests, &Frame::from(request), &limits)
            .and_then(|()| read_frame(&mut answers, &limits))
            .and_then(Frame::into_answer);
        let _ = sender.send(answer);
    });
    let deadline = Instant::now() + LIMIT;
    let answer = loop {
        watch::look(Pid::from_child(&child));
        match receiver.recv_timeout(watch::EVERY) {
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            answer => break answer,
        }
    };
    // Its work is done; an error means that it has ended by itself.
    let _ = child.kill();
    let status = child.wait().context("the worker cannot be waited for")?;
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(anyhow!(
            "the function ended the process ({status}): {error}"
        )),
        Err(_) => bail!("no answer within {} s", LIMIT.as_secs()),
    }
}
