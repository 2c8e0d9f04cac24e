//! `grader train`: a Vision Transformer of somebody's own code, trained and held against images that it never saw.

mod conclude;
mod lessons;
mod options;
mod progress;
mod resume;
mod subjects;

use super::open_course;
use crate::cli::Train;
use crate::course::Exercise;
use crate::exit::{Blame, Exit, Failure};
use crate::train::checkpoint::{self, Checkpoint, LAST};
use crate::train::code::TrainedCode;
use crate::train::data::{Data, DataError};
use crate::train::device::Device;
use crate::train::learner::Learner;
use crate::train::plan::Plan;
use crate::train::{End, Run, RunDescription};
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::anyhow;
use conclude::conclude;
use hints::{WithHint, hinted};
use lessons::teach;
use options::{folder_of, learner, new_folder, plan, preset, sizes, usual_sizes};
use progress::TrainingProgress;
use resume::{refuse_other_code, resumed};
use std::path::Path;
use std::sync::Arc;
use subjects::{Subjects, open};
use wire::FaultKind;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, something is missing, the run cannot be written, or the trained code fails.
pub fn train(course: Option<&Path>, arguments: &Train) -> Result<Exit, Failure> {
    let named_course = course;
    let course = open_course(course)?;
    let resumed = resumed(named_course, arguments)?;
    let named_model = match &resumed {
        Some(from) => Some(from.plan.model.as_str()),
        None => arguments.model.as_deref(),
    };
    let (exercise, model) = course.model(named_model).blame_arguments()?;
    let exercise = exercise.clone();
    let learner = match &resumed {
        Some(from) => from.plan.learner,
        None => learner(arguments, &course, model)
            .map_err(|why| anyhow!(why))
            .blame_arguments()?,
    };
    // The arguments are checked and the images loaded before anything is built.
    let sources = arguments.subject.sources(&course, &exercise)?;
    let code = TrainedCode::of(arguments.subject.kind(), &sources);
    if let (Some(from), Some(folder)) = (&resumed, &arguments.resume) {
        refuse_other_code(&folder_of(folder), from.code.as_ref(), &code, arguments)?;
    }
    let asked = match &resumed {
        Some(from) => from.plan.clone(),
        None => plan(
            arguments,
            &exercise,
            learner,
            usual_sizes(preset(arguments)),
        ),
    };
    if let Some(file) = &arguments.teacher {
        checkpoint::read_weights_of(file).blame_arguments()?;
    }
    let mut data = images_of(&asked, arguments)?;
    let environment = arguments.subject.prepare(course, vec![exercise.clone()])?;
    let Some(own) = Subjects::compile(&environment, &exercise, (&sources, code), arguments)? else {
        return Ok(Exit::Failed);
    };
    let (mut session, device) = open(&environment, &own, arguments.device)?;
    let (plan, from) = planned(arguments, &exercise, learner, resumed, &mut session)?;
    fits(&plan, &data, device)?;
    let folder = match (&arguments.resume, &arguments.out) {
        (Some(folder), _) => folder_of(folder),
        (None, Some(folder)) => folder.clone(),
        (None, None) => new_folder(&environment.course, &own.name, &plan)?,
    };

    let continuing = resume::command(named_course, arguments, &folder);
    let description = RunDescription {
        name: own.name.clone(),
        code: Some(own.code.clone()),
        device,
        sandbox: environment.level.to_string(),
    };
    let mut teachers_score = None;
    if let Learner::Student(_) = plan.learner {
        let taught = teach(
            &environment,
            &own,
            (&plan, data),
            &description,
            &folder,
            arguments,
        )?;
        let Some((with_sayings, score)) = taught else {
            warn!("stopped while the teacher was training; continue with: {continuing}");
            return Ok(Exit::Stopped);
        };
        (data, teachers_score) = (with_sayings, Some(score));
    }
    let begun = Run::begin(
        session,
        (plan, from),
        Arc::new(data),
        description,
        &folder,
        environment.stop,
    );
    let mut run = begun.map_err(|error| named(error, &exercise))?;
    match learn(&mut run, &folder, &continuing).map_err(|error| named(error, &exercise))? {
        End::Stopped => Ok(Exit::Stopped),
        End::Through | End::Late | End::NoBetter => {
            conclude(&environment, &own, &run, &folder, teachers_score)
        }
    }
}

/// The plan of the run, and the checkpoint that it continues from, if there is one.
fn planned(
    arguments: &Train,
    exercise: &Exercise,
    learner: Learner,
    resumed: Option<Checkpoint>,
    session: &mut Session,
) -> Result<(Plan, Option<Checkpoint>), Failure> {
    let Some(checkpoint) = resumed else {
        let sizes = sizes(preset(arguments), learner, session)?;
        return Ok((plan(arguments, exercise, learner, sizes), None));
    };
    let plan = Plan {
        patience: arguments.patience.or(checkpoint.plan.patience),
        ..checkpoint.plan.clone()
    };
    // Without weights it was stopped while the teacher learnt.
    let begun = !checkpoint.weights.is_empty();
    Ok((plan, Some(checkpoint).filter(|_| begun)))
}

/// The images of a plan that has no fault by itself.
fn images_of(plan: &Plan, arguments: &Train) -> Result<Data, Failure> {
    if let Some(fault) = plan.fault() {
        return Err(anyhow!(fault)).blame_arguments();
    }
    Data::load(plan.data, arguments.data_dir.as_deref(), plan.images)
        .with_hint(DataError::hint)
        .blame_arguments()
}

/// Refuses a plan that does not fit its images or the device.
fn fits(plan: &Plan, data: &Data, device: Device) -> Result<(), Failure> {
    if plan.amp && device == Device::Cpu {
        let error = anyhow!("--amp computes in bf16 on a GPU, and this runs on the CPU");
        return Err(error).blame_arguments();
    }
    match plan.sizes.fault(data.side(), data.classes.len()) {
        Some(fault) => Err(anyhow!(fault)).blame_arguments(),
        None => Ok(()),
    }
}

/// Learns to the end, and says what that was.
fn learn(run: &mut Run, folder: &Path, continuing: &str) -> anyhow::Result<End> {
    note!(
        "device: {}; {} parameters, {} training images, {} steps",
        run.description.device,
        run.parameters,
        run.data.split.train.len(),
        run.total()
    );
    let progress = TrainingProgress::new(run);
    let learnt = run.learn(&progress);
    progress.finish();
    let shown = folder.display();
    match &learnt {
        Err(_) if folder.join(LAST).exists() => {
            warn!("the last checkpoint is kept: {shown}");
        }
        Ok(End::Stopped) => warn!(
            "stopped after step {} of {}; continue with: {continuing}",
            run.progress.step,
            run.total()
        ),
        Ok(End::NoBetter) => say!(
            "stopped early: the validation loss has not improved for {} epochs",
            run.progress.stale()
        ),
        Ok(End::Through | End::Late) | Err(_) => {}
    }
    learnt
}

/// Says of a function that is not written yet where it is to be found.
fn named(error: anyhow::Error, exercise: &Exercise) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Broken::Fault(fault)) if fault.kind == FaultKind::NotImplemented => {
            let hint = format!(
                "training takes the whole of {}: `cargo grader check {}` says what is missing",
                exercise.folder, exercise.name
            );
            hinted(error, hint)
        }
        _ => error,
    }
}
