//! The judge of 05 vit.

extern crate self as vit;

use judge::{Call, Module};
use ndarray::{Array1, Ix0, Ix1, arr1};
use std::cell::Cell;
use tch::{Tensor, nn};
use testkit::Tolerance;

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/vit.rs"));

#[path = "../../../exercises/05-vit/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/05-vit/tests/property.rs"]
mod property;
#[path = "../../../exercises/05-vit/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/05-vit/tests/snapshot.rs"]
mod snapshot;
#[path = "../../../exercises/05-vit/tests/training.rs"]
mod training;

/// Two ways of adding up in f32, through a few blocks, for logits of about 10. What memorises instead is off by 1 and more.
const AFTER_TRAINING: Tolerance = Tolerance::new(1e-3, 1e-3);

pub(crate) const INITIAL_STD: f64 = 0.02;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Positions {
    Learned,
    Sinusoidal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Cls,
    Mean,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VitConfig {
    pub(crate) image: i64,
    pub(crate) patch: i64,
    pub(crate) channels: i64,
    pub(crate) classes: i64,
    pub(crate) dim: i64,
    pub(crate) depth: i64,
    pub(crate) heads: i64,
    pub(crate) mlp_ratio: i64,
    pub(crate) dropout: f64,
    pub(crate) positions: Positions,
    pub(crate) pool: Pool,
}

impl VitConfig {
    pub(crate) fn mnist() -> Self {
        Self::named("mnist")
    }

    pub(crate) fn tiny() -> Self {
        Self::named("tiny")
    }

    pub(crate) fn small() -> Self {
        Self::named("small")
    }

    pub(crate) fn base() -> Self {
        Self::named("base")
    }

    pub(crate) fn large() -> Self {
        Self::named("large")
    }

    pub(crate) fn huge() -> Self {
        Self::named("huge")
    }

    fn named(name: &str) -> Self {
        let mut answer = Call::new(&EXERCISE, "config").argument("name", name).send();
        let sizes = answer.array::<i64, Ix1>("sizes");
        let choices = answer.array::<i64, Ix1>("choices");
        // An answer that is too short is forged.
        let size = |i: usize| sizes.get(i).copied().unwrap_or(-1);
        Self {
            image: size(0),
            patch: size(1),
            channels: size(2),
            classes: size(3),
            dim: size(4),
            depth: size(5),
            heads: size(6),
            mlp_ratio: size(7),
            dropout: answer.array::<f64, Ix0>("dropout").into_scalar(),
            positions: match choices.get(0) {
                Some(0) => Positions::Learned,
                _ => Positions::Sinusoidal,
            },
            pool: match choices.get(1) {
                Some(0) => Pool::Cls,
                _ => Pool::Mean,
            },
        }
    }

    /// As a call's arguments.
    fn arguments(&self) -> [(&'static str, String); 11] {
        let positions = match self.positions {
            Positions::Learned => "learned",
            Positions::Sinusoidal => "sinusoidal",
        };
        let pool = match self.pool {
            Pool::Cls => "cls",
            Pool::Mean => "mean",
        };
        [
            ("image", self.image.to_string()),
            ("patch", self.patch.to_string()),
            ("channels", self.channels.to_string()),
            ("classes", self.classes.to_string()),
            ("dim", self.dim.to_string()),
            ("depth", self.depth.to_string()),
            ("heads", self.heads.to_string()),
            ("mlp_ratio", self.mlp_ratio.to_string()),
            ("dropout", self.dropout.to_string()),
            ("positions", positions.to_owned()),
            ("pool", pool.to_owned()),
        ]
    }
}

pub(crate) fn parameters(config: &VitConfig) -> i64 {
    let arguments = config.arguments().into_iter();
    let call = arguments.fold(Call::new(&EXERCISE, "parameters"), |call, (name, value)| {
        call.argument(name, value)
    });
    call.send().array::<i64, Ix0>("parameters").into_scalar()
}

#[derive(Debug)]
pub(crate) struct Vit {
    module: Module,
    /// Whether `fit` has been here: from then on, what it says of images is held against the reference.
    trained: Cell<bool>,
}

impl Vit {
    pub(crate) fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        Self {
            module: Module::new(vs, &EXERCISE, "vit", &config.arguments()),
            trained: Cell::new(false),
        }
    }

    pub(crate) fn forward_features(&self, images: &Tensor, train: bool) -> Tensor {
        let call = self
            .module
            .call("forward_features")
            .tensor("images", images);
        let call = call.argument("train", train);
        call.send_differentiable().tensor("features")
    }

    pub(crate) fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        let call = self.module.call("forward_t").tensor("images", images);
        let call = call.argument("train", train);
        let logits = call.send_differentiable().tensor("logits");
        if self.trained.get() && !train {
            self.hold_against_reference(images, &logits);
        }
        logits
    }

    /// Logits that a submission gives after training must be those of a Vision Transformer with the weights that it
    /// trained, and not of something that has learnt the images in another way.
    ///
    /// # Panics
    /// Where they are not.
    fn hold_against_reference(&self, images: &Tensor, logits: &Tensor) {
        let call = self.module.call("forward_t").tensor("images", images);
        let expected = match call.argument("train", false).ask_reference() {
            Ok(answer) => Tensor::from(&answer["logits"]),
            Err(fault) => panic!("a Vision Transformer gives no logits: {}", fault.message),
        };
        if let Err(difference) = testkit::close(logits, &expected, AFTER_TRAINING) {
            panic!(
                "these are not the logits of a Vision Transformer with the trained weights\n{difference}"
            );
        }
    }

    pub(crate) fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        let mut answer = self
            .module
            .call("attentions")
            .tensor("images", images)
            .send();
        (0..)
            .map(|l| format!("attention.{l}"))
            .map_while(|name| answer.has(&name).then(|| answer.tensor(&name)))
            .collect()
    }
}

/// All batches are of one size.
pub(crate) fn fit(
    _vs: &nn::VarStore,
    vit: &Vit,
    batches: &[(Tensor, Tensor)],
    rate: impl Fn(i64) -> f64,
) -> Vec<f64> {
    let (images, labels): (Vec<_>, Vec<_>) = batches
        .iter()
        .map(|(images, labels)| (images, labels))
        .unzip();
    let rates: Array1<f64> = (0..).map(rate).take(batches.len()).collect();
    let call = vit.module.call_of("fit").array("rates", &rates);
    let call = call.tensor("images", &Tensor::stack(&images, 0));
    let mut answer = call.tensor("labels", &Tensor::stack(&labels, 0)).send();
    vit.module.update(&mut answer);
    vit.trained.set(true);
    answer.array::<f64, Ix1>("losses").to_vec()
}

pub(crate) fn trunc_normal(shape: &[i64], std: f64) -> Tensor {
    let call = Call::new(&EXERCISE, "trunc_normal").array("shape", &arr1(shape));
    call.argument("std", std).send().tensor("drawn")
}

pub(crate) fn warmup_cosine(step: i64, warmup: i64, total: i64, base: f64, min: f64) -> f64 {
    let call = Call::new(&EXERCISE, "warmup_cosine")
        .argument("step", step)
        .argument("warmup", warmup)
        .argument("total", total)
        .argument("base", base)
        .argument("min", min);
    call.send().array::<f64, Ix0>("rate").into_scalar()
}

pub(crate) fn accuracy(logits: &Tensor, labels: &Tensor) -> f64 {
    let call = Call::new(&EXERCISE, "accuracy").tensor("logits", logits);
    let call = call.tensor("labels", labels);
    call.send().array::<f64, Ix0>("accuracy").into_scalar()
}
