//! The teacher, before its student learns: where its weights come from, and what it says of the images.

use super::options::TEACHER_EPOCHS;
use super::progress::TrainingProgress;
use super::resume::refuse_other_code;
use super::subjects::Subjects;
use crate::cli::Train;
use crate::environment::Environment;
use crate::exit::{Blame, Failure};
use crate::train::checkpoint::{self, Checkpoint, LAST, TEACHER};
use crate::train::data::Data;
use crate::train::plan::Plan;
use crate::train::score::Score;
use crate::train::{End, Run, RunDescription, teacher};
use crate::worker::broken::Broken;
use anyhow::{Context, anyhow};
use hints::WithHint;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use wire::Tensors;

/// Has the teacher say what it thinks of the images: with the weights of the run's folder, of the file that was named, or
/// after it has learnt from the same images. Gives the images with what it says, and how good it is; nothing where
/// somebody wants to stop.
pub(super) fn teach(
    environment: &Environment,
    own: &Subjects,
    (plan, data): (&Plan, Data),
    student: &RunDescription,
    folder: &Path,
    arguments: &Train,
) -> Result<Option<(Data, Score)>, Failure> {
    let kept = folder.join(TEACHER);
    let is_new = !kept.exists();
    let (mut data, weights) = if !is_new {
        (data, checkpoint::read_weights_of(&kept)?)
    } else if let Some(file) = &arguments.teacher {
        (data, checkpoint::read_weights_of(file).blame_arguments()?)
    } else {
        let epochs = arguments.teacher_epochs.unwrap_or(TEACHER_EPOCHS);
        match learnt(
            environment,
            own,
            (plan, data),
            student,
            folder,
            (epochs, arguments),
        )? {
            Some(learnt) => learnt,
            None => return Ok(None),
        }
    };
    let mut session = own.course(environment, student.device)?;
    let asked = teacher::ask(&mut session, plan, &data, student.device, weights.clone());
    let sayings = match (asked, &arguments.teacher) {
        (Err(error), Some(file)) if matches!(error.downcast_ref(), Some(Broken::Fault(_))) => {
            let shown = file.display();
            let error = error.context(format!("{shown} does not hold a teacher's weights"));
            return Err(error)
                .hint("--teacher takes the teacher.safetensors of an earlier run")
                .blame_arguments();
        }
        (asked, _) => asked?,
    };
    if is_new {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        checkpoint::write_weights_to(&kept, &weights, Default::default())?;
    }
    note!(
        "the teacher's test accuracy: {:.2} % of {} images",
        100.0 * sayings.score.accuracy(),
        sayings.score.images
    );
    data.teacher = Some(sayings.logits);
    Ok(Some((data, sayings.score)))
}

/// Has the teacher learn from the images, in a folder within the run's; gives them back, and its weights. Nothing where
/// somebody wants to stop: it then goes on from there.
fn learnt(
    environment: &Environment,
    own: &Subjects,
    (plan, data): (&Plan, Data),
    student: &RunDescription,
    folder: &Path,
    (epochs, arguments): (usize, &Train),
) -> Result<Option<(Data, Tensors)>, Failure> {
    let home = folder.join("teacher");
    let from = match home.join(LAST).exists() {
        true => Some(Checkpoint::read(&home)?),
        false => None,
    };
    let code = own.reference_code(environment)?;
    if let Some(from) = &from {
        refuse_other_code(&home, from.code.as_ref(), &code, arguments)?;
    }
    let to_come = from.as_ref().map(|from| from.plan.clone());
    let to_come = to_come.unwrap_or_else(|| plan.of_teacher(epochs));
    if let Some(fault) = to_come.fault() {
        return Err(anyhow!(fault)).blame_arguments();
    }
    let description = RunDescription {
        name: "teacher".to_owned(),
        code: Some(code),
        ..student.clone()
    };
    let session = own.course(environment, student.device)?;
    let mut run = Run::begin(
        session,
        (to_come, from),
        Arc::new(data),
        description,
        &home,
        environment.stop,
    )?;
    if !folder.join(LAST).exists() {
        // From which it can be gone on with before the student has begun.
        Checkpoint {
            plan: plan.clone(),
            code: student.code.clone(),
            progress: Default::default(),
            weights: Default::default(),
            adamw: Default::default(),
        }
        .write(folder)?;
    }
    note!(
        "training the teacher first, a convolutional network of {} parameters",
        run.parameters
    );
    let progress = TrainingProgress::new(&run);
    let ended = run.learn(&progress);
    progress.finish();
    if ended? == End::Stopped {
        return Ok(None);
    }
    let data = Arc::into_inner(run.data).context("the images are still in use")?;
    Ok(Some((data, checkpoint::read_weights(&home)?)))
}
