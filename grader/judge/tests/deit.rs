//! The judge of 06 deit.

extern crate self as deit;
/// What the tests take of exercise 05.
extern crate self as vit;

use judge::{Call, Module};
use tch::{Tensor, nn};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/deit.rs"));

#[path = "../../../exercises/06-deit/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/06-deit/tests/property.rs"]
mod property;
#[path = "../../../exercises/06-deit/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/06-deit/tests/snapshot.rs"]
mod snapshot;

pub(crate) const INITIAL_STD: f64 = 0.02;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Positions {
    Learned,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Pool {
    Cls,
}

#[derive(Clone, Debug)]
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
    /// Here only because the tests write it.
    #[allow(dead_code)]
    pub(crate) positions: Positions,
    /// Here only because the tests write it.
    #[allow(dead_code)]
    pub(crate) pool: Pool,
}

impl VitConfig {
    /// As a call's arguments.
    fn arguments(&self) -> [(&'static str, String); 9] {
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
        ]
    }
}

#[derive(Debug)]
pub(crate) struct Deit(Module);

impl Deit {
    pub(crate) fn new(vs: &nn::Path<'_>, config: &VitConfig) -> Self {
        Self(Module::new(vs, &EXERCISE, "deit", &config.arguments()))
    }

    /// The tests ask for gradients of both results at once, stacked; the worker takes the cotangent so.
    pub(crate) fn forward_train(&self, images: &Tensor) -> (Tensor, Tensor) {
        let call = self.0.call("forward_train").tensor("images", images);
        let mut answer = call.send_differentiable();
        (answer.tensor("class_logits"), answer.tensor("dist_logits"))
    }

    pub(crate) fn forward_eval(&self, images: &Tensor) -> Tensor {
        let call = self.0.call("forward_eval").tensor("images", images);
        call.send_differentiable().tensor("logits")
    }

    pub(crate) fn attentions(&self, images: &Tensor) -> Vec<Tensor> {
        let mut answer = self.0.call("attentions").tensor("images", images).send();
        (0..)
            .map(|l| format!("attention.{l}"))
            .map_while(|name| answer.has(&name).then(|| answer.tensor(&name)))
            .collect()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Distillation {
    Soft { temperature: f64, alpha: f64 },
    Hard,
}

pub(crate) fn distillation_loss(
    class_logits: &Tensor,
    dist_logits: &Tensor,
    teacher_logits: &Tensor,
    labels: &Tensor,
    distillation: Distillation,
) -> Tensor {
    let call = Call::new(&EXERCISE, "distillation_loss")
        .tensor("class_logits", class_logits)
        .tensor("dist_logits", dist_logits)
        .tensor("teacher_logits", teacher_logits)
        .tensor("labels", labels);
    let call = match distillation {
        Distillation::Soft { temperature, alpha } => call
            .argument("mode", "soft")
            .argument("temperature", temperature)
            .argument("alpha", alpha),
        Distillation::Hard => call.argument("mode", "hard"),
    };
    call.send_differentiable().tensor("loss")
}
