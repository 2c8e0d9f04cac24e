//! `grader train`: a Vision Transformer of somebody's own code, trained and held against images that it never saw.

use super::open_course;
use crate::cli::Train;
use crate::compile::{Compiled, compile};
use crate::confine::Confinement;
use crate::course::{Course, Exercise};
use crate::data::Set;
use crate::exit::{Blame, Exit, Failure};
use crate::grade::Grader;
use crate::intake::{Candidate, Limits as IntakeLimits};
use crate::libtorch::{LINK, Libtorch};
use crate::report;
use crate::rules;
use crate::train::checkpoint::{self, BEST, Checkpoint, LAST, TEACHER};
use crate::train::data::Data;
use crate::train::device::{Device, Wanted, find_gpu};
use crate::train::examine::examine;
use crate::train::history::{Epoch, Test};
use crate::train::learner::{Distillation, Learner, Model};
use crate::train::pictures;
use crate::train::plan::{Plan, Preset};
use crate::train::score::Score;
use crate::train::session::{Broken, Session};
use crate::train::sizes::Sizes;
use crate::train::{Audience, Diverged, End, Run, Subject, teacher};
use anyhow::{Context, anyhow};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::OnceCell;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::{FaultKind, Request, printable_lines};

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

/// The subject's worker, and the reference's, each in a folder of its own.
struct Subjects {
    name: String,
    exercise: Exercise,
    scratch: TempDir,
    worker: PathBuf,
    /// Whether the subject is the reference.
    is_reference: bool,
    /// The reference's worker, where it was needed.
    course: OnceCell<PathBuf>,
}

impl Subjects {
    /// Compiles the working copy, the solution or a submission; nothing where it is refused, once it was said why.
    fn compile(
        grader: &Grader,
        exercise: &Exercise,
        arguments: &Train,
    ) -> Result<Option<Self>, Failure> {
        let root = &grader.course.root;
        let (name, path) = match (&arguments.subject.submission, arguments.subject.solution) {
            (Some(path), _) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                (wire::printable(&name), path.clone())
            }
            (None, true) => ("solution".to_owned(), root.join("solutions")),
            (None, false) => ("working copy".to_owned(), root.join("exercises")),
        };
        let candidate = Candidate {
            name: name.clone(),
            path,
        };
        let scratch = grader.scratch.folder()?;
        let worker = compiled(grader, exercise, &candidate, scratch.path())?;
        Ok(worker.map(|worker| Self {
            name,
            exercise: exercise.clone(),
            scratch,
            worker,
            is_reference: arguments.subject.solution,
            course: OnceCell::new(),
        }))
    }

    /// A new worker of the subject's.
    fn submission(&self, grader: &Grader, device: Device) -> Result<Session, Failure> {
        Ok(session(grader, &self.worker, self.scratch.path(), device)?)
    }

    /// A new worker of the reference's, where that is another.
    fn reference(&self, grader: &Grader) -> Result<Option<Session>, Failure> {
        if self.is_reference {
            return Ok(None);
        }
        self.course(grader, Device::Cpu).map(Some)
    }

    /// A new worker of the reference's.
    fn course(&self, grader: &Grader, device: Device) -> Result<Session, Failure> {
        if self.is_reference {
            return self.submission(grader, device);
        }
        // Beside the subject's, so that both are removed together.
        let folder = self.scratch.path().join("reference");
        let worker = match self.course.get() {
            Some(worker) => worker.clone(),
            None => self.compile_course(grader, &folder)?,
        };
        let _ = self.course.set(worker.clone());
        Ok(session(grader, &worker, &folder, device)?)
    }

    fn compile_course(&self, grader: &Grader, folder: &Path) -> Result<PathBuf, Failure> {
        fs::create_dir(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(grader.compile_reference(&self.exercise, folder)?)
    }
}

fn session(
    grader: &Grader,
    worker: &Path,
    folder: &Path,
    device: Device,
) -> anyhow::Result<Session> {
    let confinement = Confinement::of_trainer(&grader.workshop, worker, folder, device);
    Session::start(&confinement, worker, device.memory(), grader.stop)
}

/// Compiles one; nothing where it is refused, once it was said why.
fn compiled(
    grader: &Grader,
    exercise: &Exercise,
    candidate: &Candidate,
    folder: &Path,
) -> Result<Option<PathBuf>, Failure> {
    let submission = candidate
        .read(&grader.course.folders(), &IntakeLimits::default())
        .blame_arguments()?;
    let Some(sources) = submission.exercises.get(&exercise.folder) else {
        let shown = candidate.path.display();
        return Err(anyhow!("{shown} holds no {}", exercise.folder)).blame_arguments();
    };
    if let Some(breach) = rules::breach(exercise, sources) {
        eprintln!("it is not accepted: {}", printable_lines(&breach));
        return Ok(None);
    }
    let stop = || grader.is_stopped();
    let (workshop, root) = (&grader.workshop, &grader.course.root);
    match compile(workshop, root, exercise, sources, folder, &stop)? {
        Compiled::Worker(worker) => Ok(Some(worker)),
        Compiled::Refused(words) => {
            eprintln!("{}", printable_lines(&words));
            Ok(None)
        }
    }
}

/// Starts the subject's worker with the device that was asked for, or with the one that there is.
fn open(grader: &Grader, own: &Subjects, wanted: Wanted) -> Result<(Session, Device), Failure> {
    let on_cpu = || Ok((own.submission(grader, Device::Cpu)?, Device::Cpu));
    if wanted == Wanted::Cpu {
        return on_cpu();
    }
    let libtorch = Libtorch::at(&grader.course.root.join(LINK)).blame_setup()?;
    let found = find_gpu(Path::new("/"), &libtorch).map_err(anyhow::Error::from);
    let opened = found.and_then(|()| {
        let mut session = session(grader, &own.worker, own.scratch.path(), Device::Cuda)?;
        session.ask(Request {
            operation: "train.device".to_owned(),
            arguments: [("device".to_owned(), Device::Cuda.to_string())].into(),
            ..Request::default()
        })?;
        Ok(session)
    });
    match opened {
        Ok(session) => Ok((session, Device::Cuda)),
        Err(why) if wanted == Wanted::Auto => {
            eprintln!("no GPU: {why:#}");
            on_cpu()
        }
        Err(why) => Err(anyhow!("no GPU: {why:#}")).blame_setup(),
    }
}

/// How often the teacher learns from each image, where nothing else is said.
const TEACHER_EPOCHS: usize = 2;

/// Who learns, as the options say.
fn learner(arguments: &Train) -> Result<Learner, String> {
    let Train {
        distillation,
        temperature,
        alpha,
        ..
    } = *arguments;
    if arguments.model == Some(Model::Deit) {
        return Distillation::of(distillation, temperature, alpha).map(Learner::Deit);
    }
    let told = [
        ("distillation", distillation.is_some()),
        ("temperature", temperature.is_some()),
        ("alpha", alpha.is_some()),
        ("teacher", arguments.teacher.is_some()),
        ("teacher-epochs", arguments.teacher_epochs.is_some()),
    ];
    match told.iter().find(|(_, is_told)| *is_told) {
        Some((name, _)) => Err(format!("--{name} is for --model deit")),
        None => Ok(Learner::Vit),
    }
}

/// What the options and the preset say. A ViT's sizes of `mnist` are the subject's own; a DeiT's are exercise 05's, whose
/// reference it is built on.
fn plan(arguments: &Train, learner: Learner, session: &mut Session) -> Result<Plan, Failure> {
    let preset = arguments.preset.unwrap_or(Preset::Mnist);
    let mut sizes = match (preset, learner.model()) {
        (Preset::Notebook, _) => Sizes::notebook(),
        (Preset::Mnist, Model::Deit) => Sizes::mnist(),
        (Preset::Mnist, Model::Vit) => {
            const OPERATION: &str = "config";
            let answer = session.ask(Request {
                operation: OPERATION.to_owned(),
                arguments: [("name".to_owned(), Preset::Mnist.to_string())].into(),
                ..Request::default()
            });
            let answer = answer.map_err(anyhow::Error::from)?;
            let sizes = Sizes::of_answer(&answer);
            sizes.map_err(|why| anyhow::Error::from(Broken::forged(OPERATION, why)))?
        }
    };
    let set = |size: &mut i64, wanted: Option<i64>| *size = wanted.unwrap_or(*size);
    set(&mut sizes.patch, arguments.patch);
    set(&mut sizes.dim, arguments.dim);
    set(&mut sizes.depth, arguments.depth);
    set(&mut sizes.heads, arguments.heads);
    sizes.dropout = arguments.dropout.unwrap_or(sizes.dropout);
    let usual = Plan::of(preset, arguments.data.unwrap_or(Set::Digits), sizes);
    Ok(Plan {
        learner,
        images: arguments.images,
        epochs: arguments.epochs.unwrap_or(usual.epochs),
        batch: arguments.batch.unwrap_or(usual.batch),
        rate: arguments.lr.unwrap_or(usual.rate),
        warmup: arguments.warmup.unwrap_or(usual.warmup),
        decay: arguments.decay.unwrap_or(usual.decay),
        clip: arguments.clip.unwrap_or(usual.clip),
        smoothing: arguments.smoothing.unwrap_or(usual.smoothing),
        seed: arguments.seed.unwrap_or(usual.seed),
        amp: arguments.amp,
        patience: arguments.patience,
        ..usual
    })
}

/// An option that says something else than the checkpoint which is gone on from.
fn clash(arguments: &Train, plan: &Plan) -> Option<String> {
    fn other<T: PartialEq + Display>(name: &str, told: &Option<T>, was: &T) -> Option<String> {
        let told = told.as_ref().filter(|told| *told != was)?;
        Some(format!(
            "the run that is gone on with was begun with --{name} {was}, not {told}: leave the option out, or begin anew"
        ))
    }
    let sizes = &plan.sizes;
    let (mut mode, mut softness) = (None, None);
    if let Learner::Deit(distillation) = plan.learner {
        mode = Some(distillation.mode());
        if let Distillation::Soft { temperature, alpha } = distillation {
            softness = Some((temperature, alpha));
        }
    }
    let (temperature, alpha) = softness.unwrap_or_default();
    let told = [
        other("model", &arguments.model, &plan.learner.model()),
        mode.and_then(|mode| other("distillation", &arguments.distillation, &mode)),
        other("temperature", &arguments.temperature, &temperature),
        other("alpha", &arguments.alpha, &alpha),
        other("data", &arguments.data, &plan.data),
        other("patch", &arguments.patch, &sizes.patch),
        other("dim", &arguments.dim, &sizes.dim),
        other("depth", &arguments.depth, &sizes.depth),
        other("heads", &arguments.heads, &sizes.heads),
        other("dropout", &arguments.dropout, &sizes.dropout),
        other("epochs", &arguments.epochs, &plan.epochs),
        other("batch", &arguments.batch, &plan.batch),
        other("lr", &arguments.lr, &plan.rate),
        other("warmup", &arguments.warmup, &plan.warmup),
        other("decay", &arguments.decay, &plan.decay),
        other("clip", &arguments.clip, &plan.clip),
        other("smoothing", &arguments.smoothing, &plan.smoothing),
        other("seed", &arguments.seed, &plan.seed),
        other(
            "images",
            &arguments.images,
            &plan.images.unwrap_or_default(),
        ),
    ];
    let amp = (arguments.amp && !plan.amp)
        .then(|| "the run that is gone on with was begun without --amp".to_owned());
    told.into_iter().flatten().chain(amp).next()
}

/// The folder of a run, of which its checkpoint may be named too.
fn folder_of(named: &Path) -> PathBuf {
    match named.file_name() {
        Some(name) if name == LAST => named.parent().unwrap_or(named).to_owned(),
        _ => named.to_owned(),
    }
}

/// A folder of its own for a run that none was named for: `target/grader/train/solution-mnist-1`, `-2`, ….
fn new_folder(course: &Course, subject: &str, plan: &Plan) -> Result<PathBuf, Failure> {
    let all = course.root.join("target/grader/train");
    fs::create_dir_all(&all).with_context(|| format!("{} cannot be made", all.display()))?;
    let fit = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let subject: String = subject.chars().take(60).map(fit).collect();
    for number in 1.. {
        let folder = all.join(format!("{subject}-{}-{number}", plan.data));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                let says = format!("{} cannot be made", folder.display());
                return Err(anyhow::Error::from(error).context(says).into());
            }
        }
    }
    Err(anyhow!("{} holds too many runs", all.display()).into())
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

/// Shows a run on the terminal: a bar while it runs, and a line for each epoch that is over.
struct Progress {
    bar: ProgressBar,
    epochs: usize,
    per_epoch: usize,
    began: Instant,
    /// The first step of this sitting: a run that goes on has not taken those before it now.
    first: usize,
}

impl Progress {
    fn new(run: &Run) -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(run.total() as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_bar} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        say!("epoch    loss   right   validation loss   right   images/s");
        Self {
            bar,
            epochs: run.plan.epochs,
            per_epoch: (run.total() / run.plan.epochs).max(1),
            began: Instant::now(),
            first: run.progress.step,
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Audience for Progress {
    fn learnt(&self, step: usize, total: usize, epoch: Score, speed: f64) {
        let done = step.saturating_sub(self.first).max(1) as f64;
        let left = self.began.elapsed().as_secs_f64() / done * (total - step) as f64;
        self.bar.set_position(step as u64);
        self.bar.set_message(format!(
            "epoch {} of {} · loss {:.3} · {:.1} % right · {speed:.0} images/s · {} left",
            step.div_ceil(self.per_epoch),
            self.epochs,
            epoch.loss,
            100.0 * epoch.accuracy(),
            HumanDuration(Duration::from_secs_f64(left))
        ));
    }

    fn epoch_over(&self, epoch: &Epoch, is_best: bool) {
        let Epoch {
            train, validation, ..
        } = epoch;
        self.bar.suspend(|| {
            say!(
                "{:>5} {:>7.4} {:>5.2} %           {:>7.4} {:>5.2} % {:>10.0}{}",
                epoch.epoch,
                train.loss,
                100.0 * train.accuracy(),
                validation.loss,
                100.0 * validation.accuracy(),
                train.images as f64 / epoch.seconds,
                if is_best { "  best so far" } else { "" }
            );
        });
    }
}
