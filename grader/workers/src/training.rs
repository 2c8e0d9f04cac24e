//! Training a model in its worker, a few steps a request: the grader sends the indices of the images of the next
//! batches, and gets losses, weights and logits.
//!
//! Operations of a worker that trains, in the order in which they are requested:
//!
//! | operation | takes | gives |
//! |---|---|---|
//! | `train.device` | `device` | |
//! | `train.data` | `images` u8 \[n, C, H, W\], `labels` i64 \[n\], and where there is a teacher, its logits, `teacher` f32 \[n, K\]; again for more | |
//! | `train.start` | the options of [`Options`], and what the model is made of | `parameters` i64 |
//! | `train.load` | `weight.<variable>`, `adamw.<state>`, `last`; again for more | |
//! | `train.steps` | `order` i64 \[m\], `batch`, `from` | `losses` f64 \[k\], `right` i64 \[k\] |
//! | `train.state` | `from` | as `train.load` takes it, and `left` i64 |
//! | `train.logits` | `images` u8 \[n, C, H, W\] | `logits` f32 \[n, K\], and those of each head, `head.<name>`, where there are several |
//!
//! A worker has one training at a time: libtorch's random numbers are the process's. Every step draws its own from the
//! seed and the step's number, so the step at which a run was interrupted and resumed makes no difference.

mod adamw;
mod options;
mod run;

pub use adamw::AdamW;
pub use options::Options;

use crate::{Call, CallResult};
use run::{Run, TrainingSet};
use std::cell::RefCell;
use std::thread;
use tch::nn::Path;
use tch::{Device, Reduction, Tensor};
use wire::{Fault, Tensors};

/// A model that can be trained, with its loss.
pub trait Learner {
    /// Images, \[B, C, H, W\], to logits, \[B, K\], in evaluation.
    fn logits(&self, images: &Tensor) -> Tensor;

    /// The logits of each of several heads, by the head's name: \[B, K\] each, in evaluation.
    fn heads(&self, _images: &Tensor) -> Vec<(&'static str, Tensor)> {
        vec![]
    }

    /// The loss of a batch, with dropout, and the logits from which the accuracy is computed.
    fn learn(&self, batch: &Batch<'_>, smoothing: f64) -> StepOutput;
}

/// The batch of one step.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// \[B, C, H, W\], of mean 0 and standard deviation 1.
    pub images: &'a Tensor,
    /// i64 \[B\].
    pub labels: &'a Tensor,
    /// The teacher's logits for these images, \[B, K\], if there is a teacher.
    pub teacher: Option<&'a Tensor>,
}

/// The output of one training step.
#[derive(Debug)]
pub struct StepOutput {
    /// \[\], the mean over the batch.
    pub loss: Tensor,
    /// \[B, K\]
    pub logits: Tensor,
}

impl StepOutput {
    /// Cross-entropy with the labels, of which `smoothing` is shared out to all classes.
    pub fn of_logits(logits: Tensor, labels: &Tensor, smoothing: f64) -> Self {
        let none = None::<Tensor>;
        let loss = logits.cross_entropy_loss(labels, none, Reduction::Mean, -100, smoothing); // []
        Self { loss, logits }
    }
}

/// The name of a teacher's logits in `train.data`.
const TEACHER: &str = "teacher";

/// The learning rate of a step: `step`, `warmup`, `total`, `base`, `min`.
pub type Schedule = fn(i64, i64, i64, f64, f64) -> f64;

/// A function that builds a learner, with its variables below a path. Their values are drawn from the run's seed.
pub type Build<'a> = dyn FnOnce(&Path<'_>) -> Result<Box<dyn Learner>, Fault> + 'a;

/// Images, with their labels and a teacher's logits for them, in the parts in which they came.
#[derive(Default)]
struct Parts {
    images: Vec<Tensor>,
    labels: Vec<Tensor>,
    teacher: Vec<Tensor>,
}

thread_local! {
    static PARTS: RefCell<Parts> = RefCell::default();
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// `train.device`: checks that the device is available.
///
/// # Errors
/// Returns an error if it is not.
pub fn find_device(call: &Call) -> CallResult {
    device(&call.argument::<String>("device")?).map(|_| Tensors::new())
}

/// `train.data`: takes images in, with their labels, and appends them to those that came before.
///
/// # Errors
/// Returns an error if images and labels differ in number, or a tensor does not have the type and axes of the table.
pub fn data(call: &Call) -> CallResult {
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
    let teacher = match call.tensors().contains_key(TEACHER) {
        true => Some(call.tensor(TEACHER)?),
        false => None,
    };
    if let Some(logits) = &teacher
        && (logits.dim() != 2 || logits.size()[0] != images.size()[0])
    {
        return Err(Fault::wrong_shape(format!(
            "the teacher's logits are {:?} for {} images",
            logits.size(),
            images.size()[0]
        )));
    }
    PARTS.with_borrow_mut(|parts| {
        if !parts.images.is_empty() && parts.teacher.is_empty() == teacher.is_some() {
            return Err(Fault::bad_request(
                "some images came with a teacher's logits and some without",
            ));
        }
        parts.images.push(images);
        parts.labels.push(labels);
        parts.teacher.extend(teacher);
        Ok(Tensors::new())
    })
}

/// `train.start`: builds the learner with values drawn from the seed, and an optimiser for it. The learning rate is
/// computed once, so that a schedule which is not written yet is noticed before training begins.
///
/// # Errors
/// Returns an error if an option is missing, the device is not available, or `build` fails.
pub fn start(call: &Call, schedule: Schedule, build: Box<Build<'_>>) -> CallResult {
    let options = Options::of(call)?;
    use_all_threads();
    schedule(
        1,
        options.warmup,
        options.total,
        options.rate,
        options.least,
    );
    RUN.set(None);
    let lessons = PARTS.with_borrow(|parts| {
        let join = |parts: &[Tensor]| (!parts.is_empty()).then(|| Tensor::cat(parts, 0));
        Some(TrainingSet {
            images: join(&parts.images)?,
            labels: join(&parts.labels)?,
            teacher: join(&parts.teacher),
        })
    });
    let run = Run::new(options, schedule, lessons, build)?;
    let parameters = Tensor::from(run.parameters());
    RUN.set(Some(run));
    crate::gives_all(vec![("parameters", raw("parameters", &parameters)?)])
}

/// `train.load`: takes weights, and the optimiser's state if it is among them. They may come in parts; they are loaded
/// with the last part.
///
/// # Errors
/// Returns an error if they are not those of the variables, or no training was started.
pub fn load(call: &Call) -> CallResult {
    with_run(|run| run.load(call).map(|()| Tensors::new()))
}

/// `train.steps`: trains on the images at the indices `order`, in batches of `batch`, of which the last may be smaller;
/// `from` is the number of the first step.
///
/// # Errors
/// Returns an error if an index is out of range, or no training was started.
pub fn steps(call: &Call) -> CallResult {
    with_run(|run| run.steps(call))
}

/// `train.state`: gives weights and the optimiser's state from the tensor numbered `from` on, as many as fit into one
/// answer, and the number of those left.
///
/// # Errors
/// Returns an error if no training was started.
pub fn state(call: &Call) -> CallResult {
    with_run(|run| run.state(call))
}

/// `train.logits`: the model's logits, in evaluation.
///
/// # Errors
/// Returns an error if no training was started, or images are not as in the table.
pub fn logits(call: &Call) -> CallResult {
    with_run(|run| run.logits(call))
}

fn with_run(act: impl FnOnce(&mut Run) -> CallResult) -> CallResult {
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

/// libtorch goes by MKL, which counts cores and not the threads that run in each, unless it is told.
fn use_all_threads() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, Array4};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use tch::{Kind, nn, nn::Module};
    use wire::{RawTensor, Request};

    /// libtorch's random numbers are the process's: one test at a time draws them.
    fn alone() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Two maps with dropout between them.
    struct Small(nn::Linear, nn::Linear);

    impl Small {
        fn logits_t(&self, images: &Tensor, train: bool) -> Tensor {
            let hidden = self.0.forward(&images.flatten(1, -1)).relu(); // [B, 6]
            self.1.forward(&hidden.dropout(0.3, train)) // [B, 3]
        }
    }

    impl Learner for Small {
        fn logits(&self, images: &Tensor) -> Tensor {
            self.logits_t(images, false)
        }

        fn learn(&self, batch: &Batch<'_>, smoothing: f64) -> StepOutput {
            StepOutput::of_logits(self.logits_t(batch.images, true), batch.labels, smoothing)
        }
    }

    const IMAGES: usize = 24;
    const BATCH: usize = 5;

    fn call(operation: &str, arguments: &[(&str, &str)], tensors: Tensors) -> Call {
        let arguments = arguments.iter();
        Call::new(Request {
            operation: operation.to_owned(),
            arguments: arguments
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            tensors,
        })
    }

    fn named(tensors: impl IntoIterator<Item = (&'static str, RawTensor)>) -> Tensors {
        let tensors = tensors.into_iter();
        tensors
            .map(|(name, tensor)| (name.to_owned(), tensor))
            .collect()
    }

    /// Images whose brightness determines their class, with enough other pixels to be overfitted.
    fn images() -> RawTensor {
        let pixel = |(i, _, row, column): (usize, usize, usize, usize)| {
            (80 * (i % 3) + 7 * row + 11 * column * (i % 5)) as u8
        };
        (&Array4::from_shape_fn((IMAGES, 1, 2, 3), pixel)).into()
    }

    /// Sends the images in two parts, and starts.
    fn begin(options: &[(&str, &str)]) -> CallResult {
        let labels = |range: std::ops::Range<usize>| -> RawTensor {
            (&range.map(|i| (i % 3) as i64).collect::<Array1<i64>>()).into()
        };
        let whole = images();
        let part = |range: std::ops::Range<usize>| {
            let bytes = whole.bytes()[range.start * 6..range.end * 6].to_vec();
            let shape = vec![range.len(), 1, 2, 3];
            RawTensor::new(wire::Dtype::U8, shape, bytes).expect("as many bytes")
        };
        PARTS.set(Parts::default());
        for range in [0..10, 10..IMAGES] {
            let tensors = named([("images", part(range.clone())), ("labels", labels(range))]);
            data(&call("train.data", &[], tensors))?;
        }
        let build = |vs: &Path<'_>| -> Result<Box<dyn Learner>, Fault> {
            let map = |name: &str, from, to| nn::linear(vs / name, from, to, Default::default());
            Ok(Box::new(Small(map("b", 6, 6), map("a", 6, 3))))
        };
        let schedule = |step, warmup, _, base, _| base * (step as f64 / warmup as f64).min(1.0);
        start(&usual(options), schedule, Box::new(build))
    }

    /// A call of `train.start` with these options, and else the usual ones.
    fn usual(options: &[(&str, &str)]) -> Call {
        let usual = [
            ("device", "cpu"),
            ("seed", "3"),
            ("rate", "0.05"),
            ("least", "0.001"),
            ("warmup", "4"),
            ("total", "40"),
            ("decay", "0.01"),
            ("clip", "1"),
            ("smoothing", "0.1"),
            ("mean", "0.4"),
            ("std", "0.3"),
            ("amp", "false"),
        ];
        let told = |name: &str| options.iter().find(|(known, _)| *known == name);
        let arguments: Vec<_> = usual
            .iter()
            .map(|usual| *told(usual.0).unwrap_or(usual))
            .collect();
        call("train.start", &arguments, Tensors::new())
    }

    /// Takes the steps of this range, of epochs that all have the same order; gives their losses.
    fn learn(range: std::ops::Range<usize>) -> Vec<f64> {
        let order = range.clone().flat_map(|step| {
            let first = step * BATCH % IMAGES;
            (first..first + BATCH).map(|place| ((place * 7) % IMAGES) as i64)
        });
        let order: Array1<i64> = order.collect();
        let arguments = [
            ("from", range.start.to_string()),
            ("batch", BATCH.to_string()),
        ];
        let arguments: Vec<_> = arguments
            .iter()
            .map(|(name, it)| (*name, it.as_str()))
            .collect();
        let taken = steps(&call(
            "train.steps",
            &arguments,
            named([("order", (&order).into())]),
        ));
        taken.expect("steps")["losses"].to_f64()
    }

    fn whole_state() -> Tensors {
        let mut state =
            state(&call("train.state", &[("from", "0")], Tensors::new())).expect("a state");
        assert_eq!(
            state.remove("left").map(|left| left.to_f64()),
            Some(vec![0.0])
        );
        state
    }

    fn put_back(state: Tensors) -> CallResult {
        load(&call("train.load", &[("last", "true")], state))
    }

    #[test]
    fn a_run_can_be_stopped_at_any_step_and_goes_on_to_the_bit() {
        let _turn = alone();
        for amp in ["false", "true"] {
            begin(&[("amp", amp)]).expect("a start");
            let straight = learn(0..9);
            let expected = whole_state();
            for stop in 1..9 {
                begin(&[("amp", amp)]).expect("a start");
                let mut losses = learn(0..stop);
                let kept = whole_state();
                // Steps in between are forgotten.
                begin(&[("amp", amp)]).expect("a start");
                learn(0..2);
                put_back(kept).expect("its own state");
                losses.extend(learn(stop..9));
                assert_eq!(losses, straight, "stopped at {stop}");
                assert!(whole_state() == expected, "stopped at {stop}");
            }
        }
    }

    #[test]
    fn a_state_travels_in_parts() {
        let _turn = alone();
        begin(&[]).expect("a start");
        learn(0..3);
        let expected = whole_state();
        begin(&[]).expect("a start");
        let count = expected.len();
        for (number, (name, tensor)) in (1..).zip(expected.clone()) {
            let last = (number == count).to_string();
            let part = Tensors::from([(name, tensor)]);
            load(&call("train.load", &[("last", &last)], part)).expect("a part");
        }
        assert!(whole_state() == expected);
        let rest = state(&call("train.state", &[("from", "2")], Tensors::new())).expect("a state");
        assert_eq!(rest.len(), count - 2 + 1);
    }

    #[test]
    fn the_first_step_moves_every_weight_by_its_learning_rate() {
        let _turn = alone();
        begin(&[("decay", "0")]).expect("a start");
        let before = whole_state();
        learn(0..1);
        let after = whole_state();
        // Adam's first step is rate · g/(|g| + ε), and the rate that of step 1 of 4 of the warm-up. f32 rounds the
        // weights, of up to 1, to 6e-8, and ε takes 1e-8/|g| of it.
        let name = "weight.a.bias";
        let moved = before[name].to_f64().into_iter().zip(after[name].to_f64());
        for (before, after) in moved {
            assert!(
                ((after - before).abs() - 0.05 / 4.0).abs() < 1e-5,
                "{before} {after}"
            );
        }
    }

    #[test]
    fn what_is_learnt_by_heart_is_known_in_f32_and_in_bf16() {
        let _turn = alone();
        for amp in ["false", "true"] {
            begin(&[("amp", amp), ("smoothing", "0")]).expect("a start");
            let losses = learn(0..200);
            assert!(losses[199] < losses[0] / 2.0, "{amp}: {losses:?}");
            let asked = call("train.logits", &[], named([("images", images())]));
            let logits = logits(&asked)
                .expect("logits")
                .remove("logits")
                .expect("them");
            assert_eq!(
                (logits.shape(), logits.dtype()),
                (&[IMAGES, 3][..], wire::Dtype::F32)
            );
            let right = Tensor::from(&logits).argmax(-1, false);
            let labels = Tensor::arange(IMAGES as i64, (Kind::Int64, Device::Cpu)).remainder(3);
            let right = right.eq_tensor(&labels).sum(Kind::Int64).int64_value(&[]);
            assert!(right >= 20, "{right} of {IMAGES}");
            // Weights are kept in f32 whatever is calculated in.
            let state = whole_state();
            assert_eq!(state["weight.a.weight"].dtype(), wire::Dtype::F32);
        }
    }

    /// A learner with two heads, whose loss is the sum of its teacher's logits of class 0.
    struct Listener(Tensor);

    impl Learner for Listener {
        fn logits(&self, images: &Tensor) -> Tensor {
            images.flatten(1, -1).narrow(1, 0, 2) // [B, 2]
        }

        fn heads(&self, images: &Tensor) -> Vec<(&'static str, Tensor)> {
            let logits = self.logits(images);
            vec![
                ("left", logits.narrow(1, 0, 1)),
                ("right", logits.narrow(1, 1, 1)),
            ]
        }

        fn learn(&self, batch: &Batch<'_>, _smoothing: f64) -> StepOutput {
            let teacher = batch.teacher.expect("a teacher");
            StepOutput {
                loss: (&self.0 * 0.0).sum(Kind::Float) + teacher.select(1, 0).sum(Kind::Float),
                logits: self.logits(batch.images),
            }
        }
    }

    #[test]
    fn each_image_comes_with_what_the_teacher_says_of_it() {
        let _turn = alone();
        PARTS.set(Parts::default());
        let whole = images();
        let labels: Array1<i64> = Array1::zeros(IMAGES);
        let teacher = Array2::from_shape_fn((IMAGES, 2), |(image, _)| image as f32);
        let lessons = named([
            ("images", whole.clone()),
            ("labels", (&labels).into()),
            ("teacher", (&teacher).into()),
        ]);
        data(&call("train.data", &[], lessons.clone())).expect("lessons");
        // Half of the images with a teacher is none.
        let mut without = lessons.clone();
        without.remove("teacher");
        let refused = data(&call("train.data", &[], without)).expect_err("refused");
        assert!(
            refused.message.contains("some without"),
            "{}",
            refused.message
        );
        let mut too_few = lessons;
        let few = teacher.slice_axis(ndarray::Axis(0), (..3).into());
        too_few.insert("teacher".to_owned(), (&few).into());
        let refused = data(&call("train.data", &[], too_few)).expect_err("refused");
        assert!(
            refused.message.contains("[3, 2] for 24"),
            "{}",
            refused.message
        );

        let build = |vs: &Path<'_>| -> Result<Box<dyn Learner>, Fault> {
            Ok(Box::new(Listener(vs.zeros("a", &[1]))))
        };
        start(&usual(&[]), |_, _, _, base, _| base, Box::new(build)).expect("a start");
        let expected: Vec<_> = [0..BATCH, BATCH..2 * BATCH]
            .map(|steps| steps.map(|place| (place * 7 % IMAGES) as f64).sum::<f64>())
            .into();
        assert_eq!(learn(0..2), expected);

        let asked = call("train.logits", &[], named([("images", whole)]));
        let answer = logits(&asked).expect("logits");
        let names: Vec<_> = answer.keys().map(String::as_str).collect();
        assert_eq!(names, ["head.left", "head.right", "logits"]);
        let [left, right, both] =
            ["head.left", "head.right", "logits"].map(|it| answer[it].to_f64());
        let pairs = left.into_iter().zip(right);
        assert_eq!(pairs.flat_map(|(a, b)| [a, b]).collect::<Vec<_>>(), both);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let _turn = alone();
        let refused = |outcome: CallResult| outcome.expect_err("refused").message;
        RUN.set(None);
        assert!(
            refused(logits(&call("train.logits", &[], Tensors::new()))).contains("train.start")
        );
        assert!(refused(begin(&[("device", "cuda")])).contains("no GPU"));
        assert!(refused(begin(&[("device", "abacus")])).contains("abacus"));
        begin(&[]).expect("a start");
        let order: RawTensor = (&Array1::from(vec![0_i64, IMAGES as i64])).into();
        let asked = [("from", "0"), ("batch", "2")];
        let asked = call("train.steps", &asked, named([("order", order)]));
        assert!(refused(steps(&asked)).contains("did not come"));
        let mut other = whole_state();
        let weight = other
            .remove("weight.a.bias")
            .expect("a variable of the model");
        other.insert("weight.c".to_owned(), weight);
        assert!(
            refused(put_back(other)).contains("a.weight"),
            "the first that differs"
        );
        let floats: RawTensor = (&Array4::<f32>::zeros((1, 1, 2, 3))).into();
        let asked = call("train.logits", &[], named([("images", floats)]));
        assert!(refused(logits(&asked)).contains("must be u8"));
    }
}
