//! `grader cost`: what each size of patch costs, and how long it takes.

use super::progress::spinner;
use super::subject::{self, WaitingWorker};
use super::{open_course, stop_if_asked};
use crate::cli::Cost as Arguments;
use crate::cost::{Cost, count};
use crate::exit::{Blame, Exit, Failure};
use crate::grading::report;
use crate::train::sizes::VitSizes;
use anyhow::{Result, anyhow};
use ndarray::Array4;
use pictures::number;
use std::path::Path;
use std::time::{Duration, Instant};
use wire::{Fault, Request, Tensors, printable_lines};

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or something is missing.
pub fn cost(course: Option<&Path>, arguments: &Arguments) -> Result<Exit, Failure> {
    let sizes = VitSizes {
        image: arguments.image_size,
        patch: 1, // each row of the table has its own
        channels: arguments.channels,
        dim: arguments.dim,
        depth: arguments.depth,
        heads: arguments.heads,
        mlp_ratio: arguments.mlp_ratio,
        classes: arguments.classes,
        dropout: 0.0,
        positions: "learned".to_owned(),
        pool: "cls".to_owned(),
    };
    sizes.check().blame_arguments()?;
    let patches = if arguments.patch_size.is_empty() {
        sizes.patches()
    } else {
        arguments.patch_size.clone()
    };
    let costs: Result<Vec<Cost>> = patches
        .into_iter()
        .map(|patch| {
            VitSizes {
                patch,
                ..sizes.clone()
            }
            .cost()
        })
        .collect();
    let costs = costs.blame_arguments()?;
    if arguments.no_time {
        say!("{}", table(&sizes, &costs, None));
        return Ok(Exit::Success);
    }

    let course = open_course(course)?;
    let (exercise, _) = course.model(None).blame_arguments()?;
    let exercise = exercise.clone();
    let sources = arguments.subject.sources(&course, &exercise)?;
    let environment = arguments.subject.prepare(course, vec![exercise.clone()])?;
    let folder = environment.scratch.folder()?;
    let Some(worker) = subject::worker(&environment, &exercise, &sources, folder.path())? else {
        say!("{}", table(&sizes, &costs, None));
        return Ok(Exit::Failed);
    };
    let mut fault = None;
    let mut times = vec![];
    let bar = spinner();
    for cost in &costs {
        bar.set_message(format!("timing patches of {} px", cost.patch));
        let text = match (cost.hindrance(), &fault) {
            (Some(hindrance), _) => hindrance,
            (None, Some(_)) => String::new(),
            (None, None) => {
                // Each has a worker of its own, since the time that one may take is limited.
                let mut started = WaitingWorker::new(&environment, &worker);
                let timed = time(&mut started, &exercise.name, &sizes, cost);
                bar.suspend(|| drop(started));
                match timed {
                    Ok(time) => shown(time),
                    Err(TimingFailure::Error(error)) => return Err(error.into()),
                    Err(TimingFailure::Fault(operation, found)) => {
                        fault = Some((operation, found));
                        String::new()
                    }
                }
            }
        };
        times.push(text);
    }
    bar.finish_and_clear();
    say!("{}", table(&sizes, &costs, Some(&times)));
    let Some((operation, fault)) = fault else {
        return Ok(Exit::Success);
    };
    warn!(
        "no time: {operation} {}: {}",
        fault.kind,
        printable_lines(&fault.message)
    );
    if !arguments.subject.solution && arguments.subject.submission.is_none() {
        note!("`cargo grader cost --solution` takes the time of the reference");
    }
    Ok(Exit::Failed)
}

fn table(sizes: &VitSizes, costs: &[Cost], times: Option<&[String]>) -> String {
    let mut header = vec![
        "patch",
        "tokens",
        "parameters",
        "FLOPs of attention",
        "FLOPs",
        "attention's share",
    ];
    header.extend(times.map(|_| "time of an image"));
    let rows = costs.iter().enumerate().map(|(i, cost)| {
        let share = 100.0 * cost.attention_flops as f64 / cost.flops as f64;
        let mut row = vec![
            format!("{} px", cost.patch),
            number(cost.tokens as f64, 0),
            count(cost.parameters),
            count(cost.attention_flops),
            count(cost.flops),
            format!("{share:.0} %"),
        ];
        row.extend(times.map(|times| times[i].clone()));
        row
    });
    let VitSizes {
        image,
        channels,
        dim,
        depth,
        heads,
        ..
    } = sizes;
    format!(
        "images of {image} × {image} × {channels}, {depth} blocks, {dim} dimensions, {heads} heads\n{}\n{}",
        report::columns(&header, rows, 0),
        "a multiply-add is two FLOPs; times are those of one thread, without what a request itself takes"
    )
}

/// The reason why there is no time.
enum TimingFailure {
    Fault(String, Fault),
    Error(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for TimingFailure {
    fn from(error: E) -> Self {
        TimingFailure::Error(error.into())
    }
}

/// The time that the model takes for an image. A request with its weights takes time too: so one image is timed, then more,
/// and the difference counts.
fn time(
    worker: &mut WaitingWorker<'_>,
    model: &str,
    sizes: &VitSizes,
    cost: &Cost,
) -> Result<Duration, TimingFailure> {
    let sizes = VitSizes {
        patch: cost.patch,
        ..sizes.clone()
    };
    let arguments = sizes.arguments();
    let mut ask = |operation: &str, tensors: Tensors, more: &[(&str, &str)]| {
        stop_if_asked()?;
        let operation = format!("{model}.{operation}");
        let more = more.iter();
        let more = more.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request {
            operation: operation.clone(),
            arguments: arguments.clone().into_iter().chain(more).collect(),
            tensors,
        };
        let begin = Instant::now();
        let answer = worker.ask(request)?;
        let taken = begin.elapsed();
        let given = answer.map_err(|fault| TimingFailure::Fault(operation, fault))?;
        Ok::<_, TimingFailure>((given, taken))
    };
    let (weights, _) = ask("new", Tensors::new(), &[])?;
    let side = sizes.image as usize;
    let mut forward = |images: u64| {
        let images = Array4::<f32>::zeros((images as usize, sizes.channels as usize, side, side));
        let mut tensors = weights.clone();
        tensors.insert("images".to_owned(), (&images).into());
        ask("forward_t", tensors, &[("train", "false")]).map(|(_, taken)| taken)
    };
    let more = cost.more_images();
    // A large model takes so long that the request is nothing beside it, and once is enough.
    if more == 0 {
        return forward(1);
    }
    // The first is slower: libtorch sets itself up.
    forward(1)?;
    let mut quickest = |images| -> Result<Duration, TimingFailure> {
        let taken = [forward(images)?, forward(images)?, forward(images)?];
        taken
            .into_iter()
            .min()
            .ok_or_else(|| TimingFailure::Error(anyhow!("nothing was timed")))
    };
    let (one, all) = (quickest(1)?, quickest(1 + more)?);
    Ok(all.saturating_sub(one) / more as u32)
}

fn shown(time: Duration) -> String {
    match 1000.0 * time.as_secs_f64() {
        time if time >= 1000.0 => format!("{:.2} s", time / 1000.0),
        time if time >= 10.0 => format!("{time:.0} ms"),
        time => format!("{time:.2} ms"),
    }
}
