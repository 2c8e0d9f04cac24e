//! Serves the functions of 01 patchify.

use patchify::Cost;
use std::process::ExitCode;
use workers::{Call, Operation, Outcome, gives, serve};

static OPERATIONS: &[Operation] = &[
    ("patchify", patchify),
    ("unpatchify", unpatchify),
    ("embed", embed),
    ("cost", cost),
];

fn main() -> ExitCode {
    serve(OPERATIONS)
}

fn patchify(call: &Call) -> Outcome {
    let images = call.array("images")?;
    let patches = patchify::patchify(images.view(), call.argument("grid")?);
    gives("patches", &patches)
}

fn unpatchify(call: &Call) -> Outcome {
    let patches = call.array("patches")?;
    let images = patchify::unpatchify(
        patches.view(),
        call.argument("channels")?,
        call.argument("grid")?,
    );
    gives("images", &images)
}

fn embed(call: &Call) -> Outcome {
    let (patches, weight, bias) = (
        call.array("patches")?,
        call.array("weight")?,
        call.array("bias")?,
    );
    gives(
        "tokens",
        &patchify::embed(patches.view(), weight.view(), bias.view()),
    )
}

fn cost(call: &Call) -> Outcome {
    let [image, patch, channels, dim] =
        ["image", "patch", "channels", "dim"].map(|name| call.argument(name));
    let Cost {
        patches,
        tokens,
        params,
        attention_flops,
    } = patchify::cost(image?, patch?, channels?, dim?);
    let cost = [patches, tokens, params, attention_flops].map(|count| count as i64);
    gives("cost", &ndarray::arr1(&cost))
}
