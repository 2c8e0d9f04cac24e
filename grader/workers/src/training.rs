//! Training a model in its worker, asked for step by step: the grader says which images make the next batches, and
//! sees losses, weights and logits.
//!
//! Operations of a worker that trains, in the order in which they are asked for:
//!
//! | operation | takes | gives |
//! |---|---|---|
//! | `train.device` | `device` | |
//! | `train.data` | `images` u8 \[n, C, H, W\], `labels` i64 \[n\]; again for more | |
//! | `train.start` | the options of [`Options`], and what the model is made of | `parameters` i64 |
//! | `train.load` | `weight.<variable>`, `adamw.<state>`, `last`; again for more | |
//! | `train.steps` | `order` i64 \[m\], `batch`, `from` | `losses` f64 \[k\], `right` i64 \[k\] |
//! | `train.state` | `from` | as `train.load` takes it, and `left` i64 |
//! | `train.logits` | `images` u8 \[n, C, H, W\] | `logits` f32 \[n, K\] |
//!
//! A worker has one training at a time: libtorch's random numbers are the process's. Every step draws its own from the
//! seed and its number, so it does not matter where a run was stopped and gone on with.

mod adamw;
mod options;
mod run;

pub use adamw::AdamW;
pub use options::Options;

use crate::{Call, Outcome};
use run::Run;
use std::cell::RefCell;
use tch::nn::Path;
use tch::{Device, Reduction, Tensor};
use wire::{Fault, Tensors};

/// What is trained: a model, and what its loss is.
pub trait Learner {
    /// Images, \[B, C, H, W\], to logits, \[B, K\], in evaluation.
    fn logits(&self, images: &Tensor) -> Tensor;

    /// The loss of a batch, with dropout, and the logits by which it is counted what was right.
    fn learn(&self, images: &Tensor, labels: &Tensor, smoothing: f64) -> Lesson;
}

/// What came of one batch.
#[derive(Debug)]
pub struct Lesson {
    /// \[\], the mean over the batch.
    pub loss: Tensor,
    /// \[B, K\]
    pub logits: Tensor,
}

impl Lesson {
    /// Cross-entropy with the labels, of which `smoothing` is shared out to all classes.
    pub fn of_logits(logits: Tensor, labels: &Tensor, smoothing: f64) -> Self {
        let none = None::<Tensor>;
        let loss = logits.cross_entropy_loss(labels, none, Reduction::Mean, -100, smoothing); // []
        Self { loss, logits }
    }
}

/// The learning rate of a step: `step`, `warmup`, `total`, `base`, `min`.
pub type Schedule = fn(i64, i64, i64, f64, f64) -> f64;

/// What a learner is made with: somewhere to make its variables. Its values are drawn from the run's seed.
pub type Build<'a> = dyn FnOnce(&Path<'_>) -> Result<Box<dyn Learner>, Fault> + 'a;

/// Images, with their labels, as they came.
#[derive(Default)]
struct Lessons {
    images: Vec<Tensor>,
    labels: Vec<Tensor>,
}

thread_local! {
    static LESSONS: RefCell<Lessons> = RefCell::default();
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// `train.device`: whether there is such a device.
///
/// # Errors
/// Where there is not.
pub fn find_device(call: &Call) -> Outcome {
    device(&call.argument::<String>("device")?).map(|_| Tensors::new())
}

/// `train.data`: takes images in, with their labels, behind those that came before.
///
/// # Errors
/// Where they are not as many, or not of the types and numbers of axes that the table says.
pub fn data(call: &Call) -> Outcome {
    let images = run::pixels(call)?;
    let labels = call.tensor("labels")?;
    if labels.kind() != tch::Kind::Int64 || labels.size() != images.size()[..1] {
        return Err(Fault::wrong_shape(format!(
            "labels are {:?} {:?} for {} images",
            labels.kind(),
            labels.size(),
            images.size()[0]
        )));
    }
    LESSONS.with_borrow_mut(|lessons| {
        lessons.images.push(images);
        lessons.labels.push(labels);
    });
    Ok(Tensors::new())
}

/// `train.start`: builds the learner with values drawn from the seed, and an optimiser for it. The learning rate is
/// asked for once, so that a schedule which is not written yet is known of before anything is learnt.
///
/// # Errors
/// Where an option is missing, the device cannot be had, or `build` fails.
pub fn start(call: &Call, schedule: Schedule, build: Box<Build<'_>>) -> Outcome {
    let options = Options::of(call)?;
    schedule(
        1,
        options.warmup,
        options.total,
        options.rate,
        options.least,
    );
    RUN.set(None);
    let (images, labels) = LESSONS.with_borrow(|lessons| {
        let join = |parts: &[Tensor]| (!parts.is_empty()).then(|| Tensor::cat(parts, 0));
        (join(&lessons.images), join(&lessons.labels))
    });
    let lessons = images.zip(labels);
    let run = Run::new(options, schedule, lessons, build)?;
    let parameters = Tensor::from(run.parameters());
    RUN.set(Some(run));
    crate::gives("parameters", raw("parameters", &parameters)?)
}

/// `train.load`: takes weights, and the optimiser's state where it is among them. They may come in parts; with the
/// last of them they are put in their places.
///
/// # Errors
/// Where they are not those of the variables, or nothing was started.
pub fn load(call: &Call) -> Outcome {
    with_run(|run| run.load(call).map(|()| Tensors::new()))
}

/// `train.steps`: learns from the images that `order` names, in batches of `batch`, of which the last may be short;
/// `from` is the number of the first step.
///
/// # Errors
/// Where an image is named that did not come, or nothing was started.
pub fn steps(call: &Call) -> Outcome {
    with_run(|run| run.steps(call))
}

/// `train.state`: gives weights and the optimiser's state from the tensor numbered `from` on, as many as one answer
/// well holds, and how many are left.
///
/// # Errors
/// Where nothing was started.
pub fn state(call: &Call) -> Outcome {
    with_run(|run| run.state(call))
}

/// `train.logits`: the model's logits, in evaluation.
///
/// # Errors
/// Where nothing was started, or images are not as the table says.
pub fn logits(call: &Call) -> Outcome {
    with_run(|run| run.logits(call))
}

fn with_run(act: impl FnOnce(&mut Run) -> Outcome) -> Outcome {
    RUN.with_borrow_mut(|run| match run {
        Some(run) => act(run),
        None => Err(Fault::bad_request(
            "nothing was started: train.start comes first",
        )),
    })
}

/// A tensor as it travels.
fn raw(name: &str, tensor: &Tensor) -> Result<wire::RawTensor, Fault> {
    wire::RawTensor::try_from(tensor).map_err(|error| Fault::wrong_shape(format!("{name} {error}")))
}

/// The device of a name.
fn device(name: &str) -> Result<Device, Fault> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "cuda" if tch::Cuda::is_available() => Ok(Device::Cuda(0)),
        "cuda" => Err(Fault::bad_request("libtorch finds no GPU that it can use")),
        other => Err(Fault::bad_request(format!(
            "device={other:?}: it must be cpu or cuda"
        ))),
    }
}
