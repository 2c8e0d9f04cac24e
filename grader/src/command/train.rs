//! `grader train`: a Vision Transformer of somebody's own code, trained and held against images that it never saw.

mod options;
mod progress;
mod subjects;

use super::open_course;
use crate::cli::Train;
use crate::course::Exercise;
use crate::exit::{Blame, Exit, Failure};
use crate::grade::Grader;
use crate::report;
use crate::session::Broken;
use crate::train::checkpoint::{self, BEST, Checkpoint, LAST, TEACHER};
use crate::train::data::Data;
use crate::train::device::Device;
use crate::train::examine::examine;
use crate::train::history::Test;
use crate::train::learner::Learner;
use crate::train::pictures;
use crate::train::plan::Plan;
use crate::train::score::Score;
use crate::train::{Diverged, End, Run, Subject, teacher};
use anyhow::{Context, anyhow};
use options::{TEACHER_EPOCHS, clash, folder_of, learner, new_folder, plan};
use progress::Progress;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use subjects::{Subjects, open};
use wire::FaultKind;

/// Runs the command.
///
/// # Errors
/// Where the arguments are wrong, something is missing, or nothing can be kept.
pub fn train(course: Option<&Path>, arguments: &Train) -> Result<Exit, Failure> {
    match run(course, arguments) {
        // What a function of the subject did is a result, not a failure of the grader.
        Err(Failure { error, .. }) if error.is::<Broken>() || error.is::<Diverged>() => {
            if let Some(Broken::Stopped) = error.downcast_ref() {
                eprintln!("stopped");
                return Ok(Exit::Stopped);
            }
            eprintln!("{error:#}");
            Ok(Exit::Failed)
        }
        done => done,
    }
}

fn run(course: Option<&Path>, arguments: &Train) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let resumed = match &arguments.resume {
        Some(folder) => Some(Checkpoint::read(&folder_of(folder)).blame_arguments()?),
        None => None,
    };
    let learner = match &resumed {
        Some(from) => from.plan.learner,
        None => learner(arguments)
            .map_err(|why| anyhow!(why))
            .blame_arguments()?,
    };
    let named_exercise = learner.model().exercise().to_owned();
    let exercises = course.select(&[named_exercise]).blame_arguments()?;
    let exercise = exercises[0].clone();
    if let Some(fault) = resumed
        .as_ref()
        .and_then(|from| clash(arguments, &from.plan))
    {
        return Err(anyhow!(fault)).blame_arguments();
    }
    if let Some(folder) = arguments.out.as_ref().filter(|it| it.join(LAST).exists()) {
        let shown = folder.display();
        let error = anyhow!(
            "{shown} holds a run: go on with it by --resume {shown}, or name another folder"
        );
        return Err(error).blame_arguments();
    }
    let grader = arguments.subject.prepare(course, exercises)?;
    let Some(own) = Subjects::compile(&grader, &exercise, arguments)? else {
        return Ok(Exit::Failed);
    };
    let (mut session, device) = open(&grader, &own, arguments.device)?;
    let (plan, from) = match resumed {
        Some(checkpoint) => {
            let plan = Plan {
                patience: arguments.patience.or(checkpoint.plan.patience),
                ..checkpoint.plan.clone()
            };
            // Without weights it was stopped while the teacher learnt.
            let begun = !checkpoint.weights.is_empty();
            (plan, Some(checkpoint).filter(|_| begun))
        }
        None => (plan(arguments, learner, &mut session)?, None),
    };
    if plan.amp && device == Device::Cpu {
        let error = anyhow!("--amp calculates in bf16 on a GPU, and this runs on the CPU");
        return Err(error).blame_arguments();
    }
    let mut data =
        Data::load(plan.data, arguments.data_dir.as_deref(), plan.images).blame_arguments()?;
    let fault = plan
        .fault()
        .or_else(|| plan.sizes.fault(data.side(), data.classes.len()));
    if let Some(fault) = fault {
        return Err(anyhow!(fault)).blame_arguments();
    }
    let folder = match (&arguments.resume, &arguments.out) {
        (Some(folder), _) => folder_of(folder),
        (None, Some(folder)) => folder.clone(),
        (None, None) => new_folder(&grader.course, &own.name, &plan)?,
    };

    let subject = Subject {
        name: own.name.clone(),
        device,
        sandbox: grader.level.to_string(),
    };
    let mut teachers_score = None;
    if let Learner::Deit(_) = plan.learner {
        let taught = teach(&grader, &own, (&plan, data), &subject, &folder, arguments)?;
        let Some((with_sayings, score)) = taught else {
            let shown = folder.display();
            eprintln!(
                "stopped while the teacher learnt; go on with: cargo grader train --resume {shown}"
            );
            return Ok(Exit::Stopped);
        };
        (data, teachers_score) = (with_sayings, Some(score));
    }
    let begun = Run::begin(
        session,
        (plan, from),
        Arc::new(data),
        subject,
        &folder,
        grader.stop,
    );
    let mut run = begun.map_err(|error| named(error, &exercise))?;
    eprintln!(
        "device: {}; {} numbers to learn, {} images, {} steps",
        device,
        run.parameters,
        run.data.split.train.len(),
        run.total()
    );
    let progress = Progress::new(&run);
    let learnt = run.learn(&progress);
    progress.finish();
    let shown = folder.display();
    match learnt {
        Err(error) => {
            if folder.join(LAST).exists() {
                eprintln!("what was learnt before is kept: {shown}");
            }
            return Err(named(error, &exercise).into());
        }
        Ok(End::Stopped) => {
            eprintln!(
                "stopped after step {} of {}; go on with: cargo grader train --resume {shown}",
                run.progress.step,
                run.total()
            );
            return Ok(Exit::Stopped);
        }
        Ok(End::NoBetter) => say!(
            "stopped early: the loss on the validation set did not fall in {} epochs",
            run.progress.stale()
        ),
        Ok(End::Through | End::Late) => {}
    }
    conclude(&grader, &own, &run, &folder, teachers_score)
}

/// Has the teacher say what it thinks of the images: with the weights of the run's folder, of the file that was named, or
/// after it has learnt from the same images. Gives the images with what it says, and how good it is; nothing where
/// somebody wants to stop.
fn teach(
    grader: &Grader,
    own: &Subjects,
    (plan, mut data): (&Plan, Data),
    student: &Subject,
    folder: &Path,
    arguments: &Train,
) -> Result<Option<(Data, Score)>, Failure> {
    let (device, kept) = (student.device, folder.join(TEACHER));
    let is_new = !kept.exists();
    let weights = if !is_new {
        checkpoint::read_weights_of(&kept)?
    } else if let Some(file) = &arguments.teacher {
        checkpoint::read_weights_of(file).blame_arguments()?
    } else {
        let home = folder.join("teacher");
        let from = match home.join(LAST).exists() {
            true => Some(Checkpoint::read(&home)?),
            false => None,
        };
        let epochs = arguments.teacher_epochs.unwrap_or(TEACHER_EPOCHS);
        let to_come = from.as_ref().map(|from| from.plan.clone());
        let to_come = to_come.unwrap_or_else(|| plan.of_teacher(epochs));
        if let Some(fault) = to_come.fault() {
            return Err(anyhow!(fault)).blame_arguments();
        }
        let subject = Subject {
            name: "teacher".to_owned(),
            ..student.clone()
        };
        let session = own.course(grader, device)?;
        let shared = Arc::new(data);
        let mut run = Run::begin(
            session,
            (to_come, from),
            shared,
            subject,
            &home,
            grader.stop,
        )?;
        if !folder.join(LAST).exists() {
            // From which it can be gone on with before the student has begun.
            Checkpoint {
                plan: plan.clone(),
                progress: Default::default(),
                weights: Default::default(),
                adamw: Default::default(),
            }
            .write(folder)?;
        }
        eprintln!(
            "first the teacher learns, a convolutional network of {} numbers",
            run.parameters
        );
        let progress = Progress::new(&run);
        let learnt = run.learn(&progress);
        progress.finish();
        if learnt? == End::Stopped {
            return Ok(None);
        }
        data = Arc::into_inner(run.data).context("the images are still in use")?;
        checkpoint::read_weights(&home)?
    };
    let mut session = own.course(grader, device)?;
    let asked = teacher::ask(&mut session, plan, &data, device, weights.clone());
    let sayings = match (asked, &arguments.teacher) {
        (Err(error), Some(file)) if matches!(error.downcast_ref(), Some(Broken::Fault(_))) => {
            let shown = file.display();
            let error = anyhow!("{shown} holds no teacher's weights: {error:#}");
            return Err(error).blame_arguments();
        }
        (asked, _) => asked?,
    };
    if is_new {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        checkpoint::write_weights_to(&kept, &weights, Default::default())?;
    }
    eprintln!(
        "the teacher tells {:.2} % of {} held-out images apart",
        100.0 * sayings.score.accuracy(),
        sayings.score.images
    );
    data.teacher = Some(sayings.logits);
    Ok(Some((data, sayings.score)))
}

/// Scores the best weights on the held-out images, and writes what came of it all.
fn conclude(
    grader: &Grader,
    own: &Subjects,
    run: &Run,
    folder: &Path,
    teacher: Option<Score>,
) -> Result<Exit, Failure> {
    let Some(best) = run.progress.best() else {
        return Err(anyhow!("{} holds no epoch that is over", folder.display()).into());
    };
    let weights = checkpoint::read_weights(folder)?;
    let examined = examine(
        own.submission(grader, Device::Cpu)?,
        own.reference(grader)?,
        &run.plan,
        &run.data,
        &weights,
    )?;
    let mut test = Test::new(
        best.epoch,
        examined.score,
        examined.doubt.is_none(),
        &examined.confusion,
    );
    let heads = examined.heads.iter();
    test.heads = heads
        .map(|(name, score)| ((*name).to_owned(), *score))
        .collect();
    test.teacher = teacher;
    run.write_history(Some(test))?;
    pictures::write(
        folder,
        &run.progress.epochs,
        &examined.confusion,
        &run.data.classes,
    )?;
    say!(
        "{}",
        report::confusion(&examined.confusion, &run.data.classes)
    );
    say!(
        "held-out images: {:.2} % of {} right, loss {:.4}, with the weights of epoch {}",
        100.0 * examined.score.accuracy(),
        examined.score.images,
        examined.score.loss,
        best.epoch
    );
    for (head, score) in &examined.heads {
        let head = match *head {
            "dist" => "distillation head alone",
            _ => "class head alone",
        };
        say!(
            "{head}: {:.2} % right, loss {:.4}",
            100.0 * score.accuracy(),
            score.loss
        );
    }
    if let Some(teacher) = teacher {
        say!(
            "the teacher: {:.2} % right, loss {:.4}",
            100.0 * teacher.accuracy(),
            teacher.loss
        );
    }
    eprintln!(
        "written to {}: {BEST}, {LAST}, history.json, history.csv, and loss, accuracy and confusion as .png and .svg",
        folder.display()
    );
    match examined.doubt {
        None => Ok(Exit::Success),
        Some(doubt) => {
            say!("this does not count: {doubt}");
            Ok(Exit::Failed)
        }
    }
}

/// Says of a function that is not written yet where it is to be found.
fn named(error: anyhow::Error, exercise: &Exercise) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Broken::Fault(fault)) if fault.kind == FaultKind::NotImplemented => {
            eprintln!(
                "training takes the whole of {}: `cargo grader check {}` says what is missing",
                exercise.folder, exercise.name
            );
            error
        }
        _ => error,
    }
}
