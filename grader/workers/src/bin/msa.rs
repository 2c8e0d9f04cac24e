//! Serves the functions of 03 msa.

use msa::{HeadwiseMsa, Msa};
use std::process::ExitCode;
use tch::nn::Path;
use wire::Fault;
use workers::{Call, Operation, Outcome, differentiable, initial_values, serve, with_weights};

static OPERATIONS: &[Operation] = &[
    ("attention", attention),
    ("headwise", headwise),
    ("headwise.new", |call| {
        initial_values(|vs| new_headwise(call, vs))
    }),
    ("msa", msa),
    ("msa.new", |call| initial_values(|vs| new_msa(call, vs))),
    ("msa.forward", forward),
    ("msa.attend", attend),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

fn attention(call: &Call) -> Outcome {
    differentiable(call, &["q", "k", "v"], None, |qkv| {
        let (y, weights) = msa::attention(&qkv[0], &qkv[1], &qkv[2]);
        vec![("y", y), ("weights", weights)]
    })
}

fn new_headwise(call: &Call, vs: &Path<'_>) -> Result<HeadwiseMsa, Fault> {
    Ok(HeadwiseMsa::new(
        vs,
        call.argument("dim")?,
        call.argument("heads")?,
    ))
}

fn headwise(call: &Call) -> Outcome {
    let (vs, headwise) = with_weights(call, &["x"], |vs| new_headwise(call, vs))?;
    differentiable(call, &["x"], Some(&vs), |x| {
        vec![("y", headwise.forward(&x[0]))]
    })
}

fn new_msa(call: &Call, vs: &Path<'_>) -> Result<Msa, Fault> {
    Ok(Msa::new(vs, call.argument("dim")?, call.argument("heads")?))
}

/// Both of the module's functions: what it gives, and the weights that it gives it by.
fn msa(call: &Call) -> Outcome {
    with_msa(call, |msa, x| {
        vec![("y", msa.forward(x)), ("weights", msa.attend(x).1)]
    })
}

fn forward(call: &Call) -> Outcome {
    with_msa(call, |msa, x| vec![("y", msa.forward(x))])
}

fn attend(call: &Call) -> Outcome {
    with_msa(call, |msa, x| {
        let (y, weights) = msa.attend(x);
        vec![("y", y), ("weights", weights)]
    })
}

fn with_msa(
    call: &Call,
    results: impl FnOnce(&Msa, &tch::Tensor) -> Vec<(&'static str, tch::Tensor)>,
) -> Outcome {
    let (vs, msa) = with_weights(call, &["x"], |vs| new_msa(call, vs))?;
    differentiable(call, &["x"], Some(&vs), |x| results(&msa, &x[0]))
}
