//! The judge of 03 msa.

extern crate self as msa;

use judge::{Call, Module};
use tch::{Tensor, nn};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/msa.rs"));

#[path = "../../../exercises/03-msa/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/03-msa/tests/property.rs"]
mod property;
#[path = "../../../exercises/03-msa/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/03-msa/tests/snapshot.rs"]
mod snapshot;

pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> (Tensor, Tensor) {
    let call = Call::new(&EXERCISE, "attention")
        .tensor("q", q)
        .tensor("k", k)
        .tensor("v", v);
    let mut answer = call.send_differentiable();
    (answer.tensor("y"), answer.tensor("weights"))
}

#[derive(Debug)]
pub(crate) struct HeadwiseMsa(Module);

impl HeadwiseMsa {
    pub(crate) fn new(vs: &nn::Path<'_>, dim: i64, heads: i64) -> Self {
        Self(Module::new(
            vs,
            &EXERCISE,
            "headwise",
            &[("dim", dim), ("heads", heads)],
        ))
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        self.0
            .call("")
            .tensor("x", x)
            .send_differentiable()
            .tensor("y")
    }
}

#[derive(Debug)]
pub(crate) struct Msa(Module);

impl Msa {
    pub(crate) fn new(vs: &nn::Path<'_>, dim: i64, heads: i64) -> Self {
        Self(Module::new(
            vs,
            &EXERCISE,
            "msa",
            &[("dim", dim), ("heads", heads)],
        ))
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        self.0
            .call("forward")
            .tensor("x", x)
            .send_differentiable()
            .tensor("y")
    }

    pub(crate) fn attend(&self, x: &Tensor) -> (Tensor, Tensor) {
        let mut answer = self.0.call("attend").tensor("x", x).send_differentiable();
        (answer.tensor("y"), answer.tensor("weights"))
    }
}
