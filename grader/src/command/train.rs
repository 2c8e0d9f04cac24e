//! `grader train`: a Vision Transformer of somebody's own code, trained and held against images that it never saw.

use super::open_course;
use crate::cli::Train;
use crate::compile::{Compiled, compile};
use crate::confine::Confinement;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::grade::Grader;
use crate::intake::{Candidate, Limits as IntakeLimits};
use crate::libtorch::{LINK, Libtorch};
use crate::report;
use crate::rules;
use crate::train::checkpoint::{self, BEST, Checkpoint, LAST};
use crate::train::data::{Data, Source};
use crate::train::device::{Device, Wanted, find_gpu};
use crate::train::examine::examine;
use crate::train::history::{Epoch, Test};
use crate::train::pictures;
use crate::train::plan::{Plan, Preset};
use crate::train::score::Score;
use crate::train::session::{Broken, Session};
use crate::train::sizes::Sizes;
use crate::train::{Audience, Diverged, End, Run, Subject};
use anyhow::{Context, anyhow};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::{FaultKind, Request, printable_lines};

/// The exercise whose model is trained.
const EXERCISE: &str = "vit";

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
    let exercises = course.select(&[EXERCISE.to_owned()]).blame_arguments()?;
    let exercise = exercises[0].clone();
    let resumed = match &arguments.resume {
        Some(folder) => Some(Checkpoint::read(&folder_of(folder)).blame_arguments()?),
        None => None,
    };
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
            (plan, Some(checkpoint))
        }
        None => (plan(arguments, &mut session)?, None),
    };
    if plan.amp && device == Device::Cpu {
        let error = anyhow!("--amp calculates in bf16 on a GPU, and this runs on the CPU");
        return Err(error).blame_arguments();
    }
    let data =
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
    let begun = Run::begin(session, (plan, from), data, subject, &folder, grader.stop);
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
        Ok(End::Through) => {}
    }
    conclude(&grader, &own, &run, &folder)
}

/// Scores the best weights on the held-out images, and writes what came of it all.
fn conclude(grader: &Grader, own: &Subjects, run: &Run, folder: &Path) -> Result<Exit, Failure> {
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
    let test = Test::new(
        best.epoch,
        examined.score,
        examined.doubt.is_none(),
        &examined.confusion,
    );
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
        let solutions = Candidate {
            name: "solution".to_owned(),
            path: grader.course.root.join("solutions"),
        };
        // Beside the subject's, so that both are removed together.
        let folder = self.scratch.path().join("reference");
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let worker = compiled(grader, &self.exercise, &solutions, &folder)?;
        let worker = worker.context("the reference does not compile")?;
        Ok(Some(session(grader, &worker, &folder, Device::Cpu)?))
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

/// What the options and the preset say. The sizes of `mnist` are the subject's own.
fn plan(arguments: &Train, session: &mut Session) -> Result<Plan, Failure> {
    let mut sizes = match arguments.preset.unwrap_or(Preset::Mnist) {
        Preset::Notebook => Sizes::notebook(),
        Preset::Mnist => {
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
    let preset = arguments.preset.unwrap_or(Preset::Mnist);
    let usual = Plan::of(preset, arguments.data.unwrap_or(Source::Digits), sizes);
    Ok(Plan {
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
    let told = [
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
