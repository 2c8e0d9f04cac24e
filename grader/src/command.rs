//! The commands: each parses nothing, calls the library, prints.

mod book;
mod call;
mod check;
mod completions;
mod confined;
mod cost;
mod data;
mod desk;
mod diff;
mod doctor;
mod draw;
mod grade;
mod hint;
mod list;
mod new;
mod next;
mod program;
mod progress;
mod proofs;
mod reference;
mod reset;
mod setup;
mod solution;
mod subject;
mod train;
mod watch;

pub use book::book;
pub use call::call;
pub use check::check;
pub use completions::completions;
pub use confined::confined;
pub use cost::cost;
pub use data::data;
pub use desk::desk;
pub use diff::diff;
pub use doctor::doctor;
pub use draw::draw;
pub use grade::grade;
pub use hint::hint;
pub use list::{list, overview};
pub use new::new;
pub use next::next;
pub use proofs::proofs;
pub use reset::reset;
pub use setup::setup;
pub use solution::solution;
pub use train::train;
pub use watch::watch;

use crate::cli::{Judging, TrainOn};
use crate::course::{Course, Exercise, Kind};
use crate::environment::Environment;
use crate::exit::{Blame, Failure};
use crate::grading::grade::Grader;
use crate::machine::checkout;
use crate::machine::libtorch::{LINK, Libtorch};
use crate::machine::scratch::Scratch;
use crate::machine::signals;
use crate::terminal::full_screen;
use crate::train::device::{Device, DeviceChoice, NoGpu, find_gpu};
use crate::train::graded::Training;
use crate::worker::broken::Broken;
use crate::worker::workshop::Workshop;
use anyhow::Context;
use hints::WithHint;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Set by Ctrl-C, SIGTERM and SIGHUP.
static STOP: AtomicBool = AtomicBool::new(false);

/// The course of `--course`, or the one that this is run in.
///
/// # Errors
/// Returns an error if there is none, or its description is wrong.
pub fn open_course(course: Option<&Path>) -> Result<Course, Failure> {
    match course {
        Some(root) => Course::open(root).blame_arguments(),
        None => {
            let here = std::env::current_dir()
                .context("the current folder cannot be found")
                .blame_arguments()?;
            Course::find(&here).blame_arguments()
        }
    }
}

/// The exercise and the item that the arguments `EXERCISE ITEM` name. In an exercise's folder, EXERCISE may be left out.
fn exercise_and_item(
    course: &Course,
    exercise: Option<&str>,
    item: Option<&str>,
) -> anyhow::Result<(Exercise, Option<String>)> {
    let here = exercise_here(course);
    let Some(name) = exercise else {
        let here = here.context("no exercise is named, and this folder is not an exercise's");
        let here = here.hint("name one, or go to its folder")?;
        return Ok((here.clone(), None));
    };
    let found = course.select(&[name.to_owned()]).map(|mut all| all.pop());
    match (found, here, item) {
        (Ok(Some(exercise)), ..) => Ok((exercise, item.map(str::to_owned))),
        (_, Some(here), None) => Ok((here.clone(), Some(name.to_owned()))),
        (Err(error), ..) => Err(error),
        (Ok(None), ..) => anyhow::bail!("there is no exercise {name:?}"),
    }
}

/// The exercises that are named; without a name, the one whose folder this is, otherwise all.
fn exercises_meant(course: &Course, names: &[String]) -> Result<Vec<Exercise>, Failure> {
    if names.is_empty()
        && let Some(here) = exercise_here(course)
    {
        return Ok(vec![here.clone()]);
    }
    course.select(names).blame_arguments()
}

/// The exercise of the course whose folder the current one is, or is in.
fn exercise_here(course: &Course) -> Option<&Exercise> {
    let here = std::env::current_dir().ok()?.canonicalize().ok()?;
    let within = here.strip_prefix(course.root.join("exercises")).ok()?;
    let folder = within.components().next()?;
    let mut exercises = course.exercises.iter();
    exercises.find(|exercise| folder.as_os_str() == exercise.folder.as_str())
}

/// Makes ready all that judging takes: libtorch where an exercise needs it, judges, libraries, signals.
///
/// # Errors
/// Returns an error if something is missing and cannot be had, or submissions cannot be confined.
pub fn prepare(
    course: Course,
    exercises: Vec<Exercise>,
    judging: &Judging,
) -> Result<Grader, Failure> {
    let grader = ready(course, exercises, judging, &STOP)?;
    stop_on_signals()?;
    Ok(grader)
}

/// The same without signals, and with another request to stop.
fn ready(
    course: Course,
    mut exercises: Vec<Exercise>,
    judging: &Judging,
    stop: &'static AtomicBool,
) -> Result<Grader, Failure> {
    if judging.train_on == TrainOn::None {
        for exercise in &mut exercises {
            exercise.leave_out(Kind::Training);
        }
    }
    checkout::check(&course.root).blame_setup()?;
    without_reference(&course, &exercises, judging).blame_arguments()?;
    if exercises.iter().any(|exercise| exercise.uses_torch) {
        setup::ensure(&course, false)?;
    }
    let training = match judging.train_on {
        TrainOn::Mnist => Some(Arc::new(training(&course, judging)?)),
        TrainOn::None | TrainOn::Digits => None,
    };
    let reached = sandbox::reach(judging.sandbox, judging.author)
        .hint("`cargo grader doctor` says more; `--sandbox none` confines nothing, for code that you trust")
        .blame_setup()?;
    let level = reached.without(&judging.without);
    if reached.is_limits_only() && judging.sandbox.is_none() {
        note!("this machine has no sandbox: your code runs with limits only");
    } else {
        note!("sandbox: {level}");
    }
    let begin = Instant::now();
    let workshop = match &judging.workshop {
        Some(file) => Workshop::read(file, level),
        None => Workshop::build(&course, &exercises, level),
    };
    let workshop = workshop.blame_setup()?;
    detail!("built: judges and libraries ({})", seconds(begin));
    let scratch = Arc::new(Scratch::new(&course.root).blame_setup()?);
    let environment = Environment {
        course,
        exercises,
        workshop,
        scratch,
        level,
        limits: judging.limits,
        seed: judging.seed,
        is_discreet: false,
        is_own_code: false,
        starts_judge_early: false,
        keeps_answers: false,
        margin: 1,
        stop,
    };
    Ok(Grader {
        environment,
        namer: Arc::default(),
        training,
    })
}

/// Says what is compared with instead where the course was given out without solutions.
///
/// # Errors
/// Returns an error if what was asked for takes the solutions.
fn without_reference(
    course: &Course,
    exercises: &[Exercise],
    judging: &Judging,
) -> anyhow::Result<()> {
    let without = |exercise: &&Exercise| !course.has_reference(exercise);
    let without: Vec<_> = exercises.iter().filter(without).collect();
    let Some(first) = without.first() else {
        return Ok(());
    };
    if judging.seed.is_some() || judging.train_on == TrainOn::Mnist {
        let checked = course.check_reference(first);
        return checked
            .hint("other values, as `grade --out` and --seed draw them, and --train-on mnist take the solutions");
    }
    note!(
        "reference: this course was given out without solutions; drawn results are compared with stored answers"
    );
    for exercise in without.iter().filter(|it| !it.earlier.is_empty()) {
        let mut earlier = exercise.earlier.clone();
        earlier.sort();
        earlier.dedup();
        note!(
            "{} is tested with your own code of {}",
            exercise.folder,
            earlier.join(", ")
        );
    }
    Ok(())
}

/// The images and the device of trainings on MNIST: the GPU if there is one that can be used.
fn training(course: &Course, judging: &Judging) -> Result<Training, Failure> {
    let device = match judging.device {
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Cuda => gpu(course).map(|()| Device::Cuda).blame_setup()?,
        DeviceChoice::Auto => gpu(course).map_or(Device::Cpu, |()| Device::Cuda),
    };
    note!("training on: {device}");
    Training::on_mnist(judging.data_dir.as_deref(), device).blame_arguments()
}

/// Looks for a GPU that the course's libtorch can use.
fn gpu(course: &Course) -> anyhow::Result<()> {
    let libtorch = Libtorch::at(&course.root.join(LINK));
    let libtorch = libtorch.hint("`cargo grader setup` sets libtorch up")?;
    find_gpu(Path::new("/"), &libtorch).with_hint(NoGpu::hint)
}

/// The first Ctrl-C, SIGTERM or SIGHUP ends what runs, at once but for the steps that a training is taking, and keeps what is
/// finished; a second one does not wait for that.
fn stop_on_signals() -> Result<(), Failure> {
    Ok(signals::at_each(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            full_screen::give_back();
            std::process::exit(130);
        }
    })?)
}

/// The time since `begin`, as it is shown.
pub fn seconds(begin: Instant) -> String {
    format!("{:.1} s", begin.elapsed().as_secs_f64())
}

/// Ends work that can be ended between two requests.
///
/// # Errors
/// Returns an error if the run is interrupted.
pub fn stop_if_asked() -> anyhow::Result<()> {
    if STOP.load(Ordering::Relaxed) {
        anyhow::bail!(Broken::Stopped);
    }
    Ok(())
}
