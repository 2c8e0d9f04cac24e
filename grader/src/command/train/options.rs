//! From the options of `train` to a plan and the folder of a run.

use crate::cli::Train;
use crate::course::{Course, Exercise, ModelFacts};
use crate::data::Set;
use crate::exit::Failure;
use crate::train::checkpoint::LAST;
use crate::train::learner::{Distillation, Learner, Targets};
use crate::train::plan::{Plan, Preset};
use crate::train::sizes::VitSizes;
use crate::worker::broken::Broken;
use crate::worker::session::Session;
use anyhow::{Context, anyhow};
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use wire::Request;

/// The number of epochs of the teacher, unless --teacher-epochs is given.
pub(super) const TEACHER_EPOCHS: usize = 2;

/// The choice between training on labels and distillation, for a model with these facts.
pub(super) fn learner(
    arguments: &Train,
    course: &Course,
    model: ModelFacts,
) -> Result<Learner, String> {
    let Train {
        distillation,
        temperature,
        alpha,
        ..
    } = *arguments;
    if model.targets == Targets::Teacher {
        return Distillation::of(distillation, temperature, alpha).map(Learner::Student);
    }
    let told = [
        ("distillation", distillation.is_some()),
        ("temperature", temperature.is_some()),
        ("alpha", alpha.is_some()),
        ("teacher", arguments.teacher.is_some()),
        ("teacher-epochs", arguments.teacher_epochs.is_some()),
    ];
    match told.iter().find(|(_, is_told)| *is_told) {
        Some((name, _)) => {
            let students = course.models();
            let students = students.filter(|(_, model)| model.targets == Targets::Teacher);
            let names: Vec<_> = students
                .map(|(it, _)| format!("--model {}", it.name))
                .collect();
            Err(match names.is_empty() {
                true => format!("--{name} is for models with a teacher, and the course has none"),
                false => format!("--{name} is for {}", names.join(" and ")),
            })
        }
        None => Ok(Learner::Model),
    }
}

/// The sizes of a preset. Those of `mnist` are the subject's own; a student's are those of the earlier exercise whose
/// reference it is built on.
pub(super) fn sizes(
    preset: Preset,
    learner: Learner,
    session: &mut Session,
) -> Result<VitSizes, Failure> {
    const OPERATION: &str = "config";
    if (preset, learner) != (Preset::Mnist, Learner::Model) {
        return Ok(usual_sizes(preset));
    }
    let answer = session.ask(Request {
        operation: OPERATION.to_owned(),
        arguments: [("name".to_owned(), Preset::Mnist.to_string())].into(),
        ..Request::default()
    });
    let answer = answer.map_err(anyhow::Error::from)?;
    let sizes = VitSizes::of_answer(&answer);
    Ok(sizes.map_err(|why| anyhow::Error::from(Broken::forged(OPERATION, why)))?)
}

/// The course's own sizes of a preset.
pub(super) fn usual_sizes(preset: Preset) -> VitSizes {
    match preset {
        Preset::Notebook => VitSizes::notebook(),
        Preset::Mnist => VitSizes::mnist(),
    }
}

/// The plan of the options, with the preset's values for what they leave out.
pub(super) fn plan(
    arguments: &Train,
    exercise: &Exercise,
    learner: Learner,
    mut sizes: VitSizes,
) -> Plan {
    let preset = preset(arguments);
    let set = |size: &mut i64, wanted: Option<i64>| *size = wanted.unwrap_or(*size);
    set(&mut sizes.patch, arguments.patch_size);
    set(&mut sizes.dim, arguments.dim);
    set(&mut sizes.depth, arguments.depth);
    set(&mut sizes.heads, arguments.heads);
    sizes.dropout = arguments.dropout.unwrap_or(sizes.dropout);
    let usual = Plan::of(
        &exercise.name,
        preset,
        arguments.data.unwrap_or(Set::Digits),
        sizes,
    );
    Plan {
        learner,
        images: arguments.train_images,
        epochs: arguments.epochs.unwrap_or(usual.epochs),
        batch: arguments.batch_size.unwrap_or(usual.batch),
        rate: arguments.lr.unwrap_or(usual.rate),
        warmup: arguments.warmup_ratio.unwrap_or(usual.warmup),
        decay: arguments.weight_decay.unwrap_or(usual.decay),
        clip: arguments.clip_grad.unwrap_or(usual.clip),
        smoothing: arguments.label_smoothing.unwrap_or(usual.smoothing),
        seed: arguments.seed.unwrap_or(usual.seed),
        amp: arguments.amp,
        patience: arguments.patience,
        ..usual
    }
}

/// The preset of the options.
pub(super) fn preset(arguments: &Train) -> Preset {
    arguments.preset.unwrap_or(Preset::Mnist)
}

/// An option that says something else than the checkpoint which is gone on from.
pub(super) fn clash(arguments: &Train, plan: &Plan) -> Option<String> {
    fn other<T: PartialEq + Display>(name: &str, told: &Option<T>, was: &T) -> Option<String> {
        let told = told.as_ref().filter(|told| *told != was)?;
        Some(format!(
            "the run that is gone on with was begun with --{name} {was}, not {told}"
        ))
    }
    let sizes = &plan.sizes;
    let (mut mode, mut softness) = (None, None);
    if let Learner::Student(distillation) = plan.learner {
        mode = Some(distillation.mode());
        if let Distillation::Soft { temperature, alpha } = distillation {
            softness = Some((temperature, alpha));
        }
    }
    let (temperature, alpha) = softness.unwrap_or_default();
    let told = [
        other("model", &arguments.model, &plan.model),
        mode.and_then(|mode| other("distillation", &arguments.distillation, &mode)),
        other("temperature", &arguments.temperature, &temperature),
        other("alpha", &arguments.alpha, &alpha),
        other("data", &arguments.data, &plan.data),
        other("patch-size", &arguments.patch_size, &sizes.patch),
        other("dim", &arguments.dim, &sizes.dim),
        other("depth", &arguments.depth, &sizes.depth),
        other("heads", &arguments.heads, &sizes.heads),
        other("dropout", &arguments.dropout, &sizes.dropout),
        other("epochs", &arguments.epochs, &plan.epochs),
        other("batch-size", &arguments.batch_size, &plan.batch),
        other("lr", &arguments.lr, &plan.rate),
        other("warmup-ratio", &arguments.warmup_ratio, &plan.warmup),
        other("weight-decay", &arguments.weight_decay, &plan.decay),
        other("clip-grad", &arguments.clip_grad, &plan.clip),
        other(
            "label-smoothing",
            &arguments.label_smoothing,
            &plan.smoothing,
        ),
        other("seed", &arguments.seed, &plan.seed),
        other(
            "train-images",
            &arguments.train_images,
            &plan.images.unwrap_or_default(),
        ),
    ];
    let amp = (arguments.amp && !plan.amp)
        .then(|| "the run that is gone on with was begun without --amp".to_owned());
    told.into_iter().flatten().chain(amp).next()
}

/// The folder of a run, of which its checkpoint may be named too.
pub(super) fn folder_of(named: &Path) -> PathBuf {
    match named.file_name() {
        Some(name) if name == LAST => named.parent().unwrap_or(named).to_owned(),
        _ => named.to_owned(),
    }
}

/// A folder of its own for a run that none was named for: `target/grader/train/solution-mnist-1`, `-2`, ….
pub(super) fn new_folder(course: &Course, subject: &str, plan: &Plan) -> Result<PathBuf, Failure> {
    let all = course.root.join("target/grader/train");
    fs::create_dir_all(&all).with_context(|| format!("{} cannot be created", all.display()))?;
    let fit = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let subject: String = subject.chars().take(60).map(fit).collect();
    for number in 1.. {
        let folder = all.join(format!("{subject}-{}-{number}", plan.data));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                let says = format!("{} cannot be created", folder.display());
                return Err(anyhow::Error::from(error).context(says).into());
            }
        }
    }
    Err(anyhow!("{} holds too many runs", all.display()).into())
}
