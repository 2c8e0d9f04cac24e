//! Serves the functions of 04 blocks.

use blocks::{Block, Mlp};
use std::process::ExitCode;
use tch::Tensor;
use tch::nn::Path;
use wire::Fault;
use workers::{Call, Operation, Outcome, differentiable, initial_values, serve, with_weights};

static OPERATIONS: &[Operation] = &[
    ("layer_norm", layer_norm),
    ("rms_norm", rms_norm),
    ("drop_path", drop_path),
    ("mlp", mlp),
    ("mlp.new", |call| initial_values(|vs| new_mlp(call, vs))),
    ("mlp.forward_t", mlp_forward),
    ("block", block),
    ("block.new", |call| initial_values(|vs| new_block(call, vs))),
    ("block.forward_t", block_forward),
    ("block.attend", block_attend),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

fn layer_norm(call: &Call) -> Outcome {
    let eps = call.argument("eps")?;
    differentiable(call, &["x", "gamma", "beta"], None, |inputs| {
        let y = blocks::layer_norm(&inputs[0], &inputs[1], &inputs[2], eps);
        vec![("y", y)]
    })
}

fn rms_norm(call: &Call) -> Outcome {
    let eps = call.argument("eps")?;
    differentiable(call, &["x", "gamma"], None, |inputs| {
        vec![("y", blocks::rms_norm(&inputs[0], &inputs[1], eps))]
    })
}

fn drop_path(call: &Call) -> Outcome {
    let (p, train) = (call.argument("p")?, call.argument("train")?);
    differentiable(call, &["x"], None, |x| {
        vec![("y", blocks::drop_path(&x[0], p, train))]
    })
}

fn new_mlp(call: &Call, vs: &Path<'_>) -> Result<Mlp, Fault> {
    Ok(Mlp::new(
        vs,
        call.argument("dim")?,
        call.argument("hidden")?,
    ))
}

fn mlp(call: &Call) -> Outcome {
    mlp_with(call, false)
}

fn mlp_forward(call: &Call) -> Outcome {
    mlp_with(call, call.argument("train")?)
}

fn mlp_with(call: &Call, train: bool) -> Outcome {
    let (vs, mlp) = with_weights(call, &["x"], |vs| new_mlp(call, vs))?;
    differentiable(call, &["x"], Some(&vs), |x| {
        vec![("y", mlp.forward_t(&x[0], train))]
    })
}

fn new_block(call: &Call, vs: &Path<'_>) -> Result<Block, Fault> {
    Ok(Block::new(
        vs,
        call.argument("dim")?,
        call.argument("heads")?,
        call.argument("mlp_ratio")?,
    ))
}

/// What the block gives in evaluation, and the weights that its attention gives it by.
fn block(call: &Call) -> Outcome {
    with_block(call, new_block, |block, x| {
        vec![
            ("y", block.forward_t(x, false)),
            ("weights", block.attend(x).1),
        ]
    })
}

fn block_forward(call: &Call) -> Outcome {
    let train = call.argument("train")?;
    with_block(call, dropping_block, |block, x| {
        vec![("y", block.forward_t(x, train))]
    })
}

fn block_attend(call: &Call) -> Outcome {
    with_block(call, dropping_block, |block, x| {
        let (y, weights) = block.attend(x);
        vec![("y", y), ("weights", weights)]
    })
}

/// The block, with dropout where the call asks for it.
fn dropping_block(call: &Call, vs: &Path<'_>) -> Result<Block, Fault> {
    let block = new_block(call, vs)?;
    let with_dropout: bool = call.argument("with_dropout")?;
    if !with_dropout {
        return Ok(block);
    }
    Ok(block.with_dropout(call.argument("dropout")?, call.argument("drop_path")?))
}

fn with_block(
    call: &Call,
    build: fn(&Call, &Path<'_>) -> Result<Block, Fault>,
    results: impl FnOnce(&Block, &Tensor) -> Vec<(&'static str, Tensor)>,
) -> Outcome {
    let (vs, block) = with_weights(call, &["x"], |vs| build(call, vs))?;
    differentiable(call, &["x"], Some(&vs), |x| results(&block, &x[0]))
}
