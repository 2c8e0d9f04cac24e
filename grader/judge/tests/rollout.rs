//! The judge of 07 rollout.

extern crate self as rollout;

use judge::Call;
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/rollout.rs"));

#[path = "../../../exercises/07-rollout/tests/property.rs"]
mod property;
#[path = "../../../exercises/07-rollout/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/07-rollout/tests/snapshot.rs"]
mod snapshot;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    Mean,
    Max,
    Min,
}

impl Fusion {
    fn word(self) -> &'static str {
        match self {
            Fusion::Mean => "mean",
            Fusion::Max => "max",
            Fusion::Min => "min",
        }
    }
}

pub(crate) fn fuse_heads(attention: ArrayView3<'_, f32>, fusion: Fusion) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "fuse_heads").array("attention", &attention);
    call.argument("fusion", fusion.word())
        .send()
        .array("attention")
}

pub(crate) fn with_residual(attention: ArrayView2<'_, f32>) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "with_residual").array("attention", &attention);
    call.send().array("attention")
}

pub(crate) fn rollout(layers: &[Array3<f32>], fusion: Fusion, discard: f32) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "rollout").argument("fusion", fusion.word());
    let call = call.argument("discard", discard);
    let call = layers.iter().enumerate().fold(call, |call, (l, layer)| {
        call.array(&format!("layer.{l}"), layer)
    });
    call.send().array("rollout")
}

pub(crate) fn class_map(
    rollout: ArrayView2<'_, f32>,
    prefix: usize,
    grid: (usize, usize),
) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "class_map").array("rollout", &rollout);
    let call = call.argument("prefix", prefix);
    call.argument("grid", size(grid)).send().array("map")
}

pub(crate) fn upsample(map: ArrayView2<'_, f32>, new: (usize, usize)) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "upsample").array("map", &map);
    call.argument("size", size(new)).send().array("map")
}

pub(crate) fn attention_distance(
    attention: ArrayView3<'_, f32>,
    prefix: usize,
    grid: (usize, usize),
    patch: usize,
) -> Array1<f32> {
    let call = Call::new(&EXERCISE, "attention_distance").array("attention", &attention);
    let call = call.argument("prefix", prefix).argument("patch", patch);
    call.argument("grid", size(grid)).send().array("distance")
}

/// Rows and columns as the worker reads them: `3x4`.
fn size((rows, columns): (usize, usize)) -> String {
    format!("{rows}x{columns}")
}
