//! The judge of 01 patchify.

extern crate self as patchify;

use judge::Call;
use ndarray::{Array1, Array3, Array4, ArrayView1, ArrayView2, ArrayView3, ArrayView4};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/patchify.rs"));

#[path = "../../../exercises/01-patchify/tests/property.rs"]
mod property;
#[path = "../../../exercises/01-patchify/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/01-patchify/tests/snapshot.rs"]
mod snapshot;

pub(crate) fn patchify(images: ArrayView4<'_, f32>, grid: usize) -> Array3<f32> {
    let call = Call::new(&EXERCISE, "patchify").array("images", &images);
    call.argument("grid", grid).send().array("patches")
}

pub(crate) fn unpatchify(
    patches: ArrayView3<'_, f32>,
    channels: usize,
    grid: usize,
) -> Array4<f32> {
    let call = Call::new(&EXERCISE, "unpatchify").array("patches", &patches);
    call.argument("channels", channels)
        .argument("grid", grid)
        .send()
        .array("images")
}

pub(crate) fn embed(
    patches: ArrayView3<'_, f32>,
    weight: ArrayView2<'_, f32>,
    bias: ArrayView1<'_, f32>,
) -> Array3<f32> {
    let call = Call::new(&EXERCISE, "embed").array("patches", &patches);
    call.array("weight", &weight)
        .array("bias", &bias)
        .send()
        .array("tokens")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) patches: usize,
    pub(crate) tokens: usize,
    pub(crate) params: usize,
    pub(crate) attention_flops: usize,
}

pub(crate) fn cost(image: usize, patch: usize, channels: usize, dim: usize) -> Cost {
    let call = Call::new(&EXERCISE, "cost")
        .argument("image", image)
        .argument("patch", patch);
    let cost: Array1<i64> = call
        .argument("channels", channels)
        .argument("dim", dim)
        .send()
        .array("cost");
    let [patches, tokens, params, attention_flops] = std::array::from_fn(|i| {
        cost.get(i)
            .and_then(|&count| count.try_into().ok())
            .unwrap_or(usize::MAX)
    });
    Cost {
        patches,
        tokens,
        params,
        attention_flops,
    }
}
