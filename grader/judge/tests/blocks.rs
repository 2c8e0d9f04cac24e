//! The judge of 04 blocks.

extern crate self as blocks;

use judge::{Call, Module};
use tch::{Tensor, nn};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/blocks.rs"));

#[path = "../../../exercises/04-blocks/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/04-blocks/tests/property.rs"]
mod property;
#[path = "../../../exercises/04-blocks/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/04-blocks/tests/snapshot.rs"]
mod snapshot;

pub(crate) fn layer_norm(x: &Tensor, gamma: &Tensor, beta: &Tensor, eps: f64) -> Tensor {
    let call = Call::new(&EXERCISE, "layer_norm")
        .tensor("x", x)
        .tensor("gamma", gamma)
        .tensor("beta", beta)
        .argument("eps", eps);
    call.send_differentiable().tensor("y")
}

pub(crate) fn rms_norm(x: &Tensor, gamma: &Tensor, eps: f64) -> Tensor {
    let call = Call::new(&EXERCISE, "rms_norm")
        .tensor("x", x)
        .tensor("gamma", gamma)
        .argument("eps", eps);
    call.send_differentiable().tensor("y")
}

pub(crate) fn drop_path(x: &Tensor, p: f64, train: bool) -> Tensor {
    let call = Call::new(&EXERCISE, "drop_path")
        .tensor("x", x)
        .argument("p", p)
        .argument("train", train);
    call.send_differentiable().tensor("y")
}

#[derive(Debug)]
pub(crate) struct Mlp(Module);

impl Mlp {
    pub(crate) fn new(vs: &nn::Path<'_>, dim: i64, hidden: i64) -> Self {
        Self(Module::new(
            vs,
            &EXERCISE,
            "mlp",
            &[("dim", dim), ("hidden", hidden)],
        ))
    }

    pub(crate) fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let call = self.0.call("forward_t").tensor("x", x);
        call.argument("train", train)
            .send_differentiable()
            .tensor("y")
    }
}

#[derive(Debug)]
pub(crate) struct Block {
    module: Module,
    /// Dropout and stochastic depth, where `with_dropout` was called.
    dropout: Option<(f64, f64)>,
}

impl Block {
    pub(crate) fn new(vs: &nn::Path<'_>, dim: i64, heads: i64, mlp_ratio: i64) -> Self {
        let arguments = [("dim", dim), ("heads", heads), ("mlp_ratio", mlp_ratio)];
        Self {
            module: Module::new(vs, &EXERCISE, "block", &arguments),
            dropout: None,
        }
    }

    pub(crate) fn with_dropout(mut self, dropout: f64, drop_path: f64) -> Self {
        self.dropout = Some((dropout, drop_path));
        self
    }

    pub(crate) fn forward_t(&self, x: &Tensor, train: bool) -> Tensor {
        let call = self.call("forward_t", x).argument("train", train);
        call.send_differentiable().tensor("y")
    }

    pub(crate) fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        let mut answer = self.call("attend", x).send_differentiable();
        (answer.tensor("y"), answer.tensor("weights"))
    }

    fn call(&self, function: &str, x: &Tensor) -> Call {
        let call = self.module.call(function).tensor("x", x);
        let call = call.argument("with_dropout", self.dropout.is_some());
        match self.dropout {
            None => call,
            Some((dropout, drop_path)) => call
                .argument("dropout", dropout)
                .argument("drop_path", drop_path),
        }
    }
}
