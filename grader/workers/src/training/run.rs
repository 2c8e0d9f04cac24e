//! One training: a learner, its weights, its optimiser, and the training set.

use super::{AdamW, Batch, Build, Learner, Options, Schedule, StepOutput, raw};
use crate::{Call, CallResult};
use std::collections::BTreeMap;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad_guard};
use wire::{Fault, Tensors};

/// The prefixes of a variable's name, and of the optimiser's own names.
const WEIGHT: &str = "weight.";
const ADAMW: &str = "adamw.";

/// The prefix of the name of one head among several.
const HEAD: &str = "head.";

/// The approximate bytes of tensors in one answer, of which the wire takes 64 MiB.
const PART: usize = 16 << 20;

/// The number of images evaluated at a time: more take memory and no less time.
const EVALUATED: i64 = 500;

/// The training set.
pub(super) struct TrainingSet {
    /// u8 \[n, C, H, W\]
    pub(super) images: Tensor,
    /// i64 \[n\]
    pub(super) labels: Tensor,
    /// The logits of a teacher for the images, f32 \[n, K\], if there is one.
    pub(super) teacher: Option<Tensor>,
}

impl TrainingSet {
    /// The images chosen by their indices.
    fn select(&self, chosen: &Tensor) -> Self {
        self.each(|tensor| tensor.index_select(0, chosen))
    }

    fn each(&self, change: impl Fn(&Tensor) -> Tensor) -> Self {
        Self {
            images: change(&self.images),
            labels: change(&self.labels),
            teacher: self.teacher.as_ref().map(change),
        }
    }
}

/// A training that has begun.
pub(super) struct Run {
    learner: Box<dyn Learner>,
    schedule: Schedule,
    options: Options,
    /// All variables, by name and in the order of their names, of the type that the model calculates in.
    variables: Vec<(String, Tensor)>,
    /// The same in f32: the variables themselves, or with a bf16 model, the master weights that are updated.
    masters: Vec<(String, Tensor)>,
    adamw: AdamW,
    /// The training set, on the device.
    lessons: Option<TrainingSet>,
    /// The tensors of a state of which further parts are still to come.
    loaded: BTreeMap<String, Tensor>,
}

impl Run {
    pub(super) fn new(
        options: Options,
        schedule: Schedule,
        lessons: Option<TrainingSet>,
        build: Box<Build<'_>>,
    ) -> Result<Self, Fault> {
        let mut vs = VarStore::new(options.device);
        tch::manual_seed(options.seed);
        let learner = build(&vs.root())?;
        let sorted = |vs: &VarStore| -> Vec<(String, Tensor)> {
            let sorted: BTreeMap<_, _> = vs.variables().into_iter().collect();
            sorted.into_iter().collect()
        };
        let masters = if options.kind == Kind::Float {
            sorted(&vs)
        } else {
            let masters = sorted(&vs);
            let masters = masters.into_iter().map(|(name, variable)| {
                let master = variable.detach().copy();
                (name, master.set_requires_grad(variable.requires_grad()))
            });
            let masters = masters.collect();
            vs.set_kind(options.kind);
            masters
        };
        let learnt = masters.iter().filter(|(_, master)| master.requires_grad());
        let learnt: Vec<_> = learnt
            .map(|(name, master)| (name.clone(), master.shallow_clone()))
            .collect();
        Ok(Self {
            learner,
            schedule,
            variables: sorted(&vs),
            adamw: AdamW::new(&learnt, options.decay),
            masters,
            lessons: lessons.map(|lessons| lessons.each(|tensor| tensor.to_device(options.device))),
            loaded: BTreeMap::new(),
            options,
        })
    }

    /// The number of trainable parameters.
    pub(super) fn parameters(&self) -> i64 {
        let learnt = self.masters.iter().map(|(_, master)| master);
        let learnt = learnt.filter(|master| master.requires_grad());
        learnt.map(|master| master.numel() as i64).sum()
    }

    pub(super) fn steps(&mut self, call: &Call) -> CallResult {
        let (first, batch): (i64, i64) = (call.argument("from")?, call.argument("batch")?);
        let order = call.tensor("order")?;
        let Some(lessons) = &self.lessons else {
            return Err(Fault::bad_request(
                "there is nothing to learn from: train.data comes first",
            ));
        };
        if batch < 1 || order.dim() != 1 || order.kind() != Kind::Int64 || order.numel() == 0 {
            return Err(Fault::wrong_shape(format!(
                "an order of {:?} {:?} in batches of {batch}",
                order.kind(),
                order.size()
            )));
        }
        if i64::try_from(order.max()).is_ok_and(|last| last >= lessons.images.size()[0])
            || i64::try_from(order.min()).is_ok_and(|least| least < 0)
        {
            return Err(Fault::bad_request(
                "the order names an image that did not come",
            ));
        }
        let batches: Vec<_> = order
            .to_device(self.options.device)
            .split(batch, 0)
            .into_iter()
            .map(|chosen| lessons.select(&chosen))
            .collect();
        let mut taken = vec![];
        for (number, batch) in (first..).zip(batches) {
            taken.push(self.step(number, &batch));
        }
        // Read once, at the end: a GPU is not waited for in between.
        let (losses, right): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        let losses = Tensor::stack(&losses, 0).to_kind(Kind::Double); // [k]
        let right = Tensor::stack(&right, 0); // [k]
        Ok(Tensors::from([
            ("losses".to_owned(), raw("losses", &losses)?),
            ("right".to_owned(), raw("right", &right)?),
        ]))
    }

    /// One step; gives the loss and how many were right, both on the device.
    fn step(&mut self, number: i64, batch: &TrainingSet) -> (Tensor, Tensor) {
        let Options {
            seed,
            rate,
            least,
            warmup,
            total,
            clip,
            smoothing,
            ..
        } = self.options;
        tch::manual_seed(seed_of(seed, number));
        let batch = Batch {
            images: &self.prepared(&batch.images),
            labels: &batch.labels,
            teacher: batch.teacher.as_ref(),
        };
        let StepOutput { loss, logits } = self.learner.learn(&batch, smoothing);
        loss.backward();
        self.hand_gradients_over();
        // Counted from 1: at a rate of 0, which step 0 has, nothing would be learnt.
        let rate = (self.schedule)(number + 1, warmup, total, rate, least);
        // The norm of the gradients is not read: that would wait for a GPU.
        let _ = self.adamw.step(rate, clip);
        self.hand_weights_back();
        let answers = logits.argmax(-1, false); // [B]
        let right = answers.eq_tensor(batch.labels).sum(Kind::Int64); // []
        (loss.detach(), right)
    }

    fn is_mixed(&self) -> bool {
        self.options.kind != Kind::Float
    }

    /// With a bf16 model, moves its gradients to the f32 master weights, as the gradients of Σ master · gradient.
    fn hand_gradients_over(&mut self) {
        if !self.is_mixed() {
            return;
        }
        for ((_, variable), (_, master)) in self.variables.iter_mut().zip(&self.masters) {
            let gradient = variable.grad();
            if gradient.defined() {
                (master * gradient.to_kind(Kind::Float))
                    .sum(Kind::Float)
                    .backward();
                variable.zero_grad();
            }
        }
    }

    /// With a bf16 model, rounds the f32 master weights into it.
    fn hand_weights_back(&mut self) {
        if !self.is_mixed() {
            return;
        }
        let _guard = no_grad_guard();
        for ((_, variable), (_, master)) in self.variables.iter_mut().zip(&self.masters) {
            variable.copy_(master);
        }
    }

    pub(super) fn logits(&self, call: &Call) -> CallResult {
        let images = pixels(call)?.to_device(self.options.device);
        let _guard = no_grad_guard();
        let mut all: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
        for images in images.split(EVALUATED, 0) {
            let images = self.prepared(&images);
            let heads = self.learner.heads(&images).into_iter();
            let heads = heads.map(|(name, logits)| (format!("{HEAD}{name}"), logits));
            let logits = ("logits".to_owned(), self.learner.logits(&images));
            for (name, logits) in heads.chain([logits]) {
                all.entry(name).or_default().push(logits);
            }
        }
        let all = all.into_iter().map(|(name, parts)| {
            let logits = Tensor::cat(&parts, 0).to_kind(Kind::Float); // [n, K]
            Ok((name.clone(), raw(&name, &logits)?))
        });
        all.collect()
    }

    /// Pixels as the model takes them: of mean 0 and standard deviation 1.
    fn prepared(&self, images: &Tensor) -> Tensor {
        let Options {
            mean, std, kind, ..
        } = self.options;
        let images = images.to_kind(Kind::Float) / 255.0; // [B, C, H, W]
        ((images - mean) / std).to_kind(kind)
    }

    pub(super) fn state(&self, call: &Call) -> CallResult {
        let from: usize = call.argument("from")?;
        let weights = self.masters.iter();
        let weights =
            weights.map(|(name, master)| (format!("{WEIGHT}{name}"), master.shallow_clone()));
        let adamw = self.adamw.state().into_iter();
        let adamw = adamw.map(|(name, tensor)| (format!("{ADAMW}{name}"), tensor));
        let mut rest = weights.chain(adamw).skip(from).peekable();
        let (mut part, mut bytes) = (Tensors::new(), 0);
        while let Some((name, tensor)) = rest.next_if(|_| bytes < PART) {
            let tensor = raw(&name, &tensor)?;
            bytes += tensor.bytes().len();
            part.insert(name, tensor);
        }
        let left = Tensor::from(rest.count() as i64);
        part.insert("left".to_owned(), raw("left", &left)?);
        Ok(part)
    }

    pub(super) fn load(&mut self, call: &Call) -> Result<(), Fault> {
        for name in call.tensors().keys() {
            self.loaded.insert(name.clone(), call.tensor(name)?);
        }
        if !call.argument("last")? {
            return Ok(());
        }
        let loaded = std::mem::take(&mut self.loaded);
        let of = |start: &str| -> Vec<(String, Tensor)> {
            let named = loaded.iter();
            let named =
                named.filter_map(|(name, tensor)| Some((name.strip_prefix(start)?, tensor)));
            named
                .map(|(name, tensor)| (name.to_owned(), tensor.to_device(self.options.device)))
                .collect()
        };
        let (weights, adamw) = (of(WEIGHT), of(ADAMW));
        self.take_weights(&weights)?;
        if !adamw.is_empty() {
            // Its step is a number, which it reads where it is.
            let adamw: Vec<_> = adamw
                .into_iter()
                .map(|(name, tensor)| match tensor.dim() {
                    0 => (name, tensor.to_device(Device::Cpu)),
                    _ => (name, tensor),
                })
                .collect();
            self.adamw.load(&adamw).map_err(Fault::bad_request)?;
        }
        Ok(())
    }

    fn take_weights(&mut self, weights: &[(String, Tensor)]) -> Result<(), Fault> {
        let sizes = |tensors: &[(String, Tensor)]| -> Vec<(String, Vec<i64>)> {
            let sizes = tensors.iter();
            sizes
                .map(|(name, tensor)| (name.clone(), tensor.size()))
                .collect()
        };
        let (came, wanted) = (sizes(weights), sizes(&self.masters));
        if came != wanted {
            let first = came.iter().zip(&wanted).find(|(a, b)| a != b);
            let why = match first {
                Some(((came, size), (wanted, other))) => {
                    format!("{came} {size:?} came where it has {wanted} {other:?}")
                }
                None => format!("{} came, it has {}", came.len(), wanted.len()),
            };
            return Err(Fault::wrong_shape(format!(
                "the weights are not those of the model's variables: {why}"
            )));
        }
        let guard = no_grad_guard();
        for ((_, master), (_, weight)) in self.masters.iter_mut().zip(weights) {
            master.copy_(weight);
        }
        drop(guard);
        self.hand_weights_back();
        Ok(())
    }
}

/// The images of a request: bytes, \[n, C, H, W\].
pub(super) fn pixels(call: &Call) -> Result<Tensor, Fault> {
    let images = call.tensor("images")?;
    if images.kind() != Kind::Uint8 || images.dim() != 4 || images.numel() == 0 {
        return Err(Fault::wrong_shape(format!(
            "images are {:?} {:?}, and must be u8 [n, C, H, W]",
            images.kind(),
            images.size()
        )));
    }
    Ok(images)
}

/// The seed of a step's random numbers: the run's seed and the step's number, well mixed. Steele, Lea & Flood 2014,
/// "Fast splittable pseudorandom number generators", whose constants these are.
fn seed_of(seed: i64, step: i64) -> i64 {
    let mut mixed =
        (seed as u64).wrapping_add((step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as i64
}
