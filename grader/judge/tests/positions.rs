//! The judge of 02 positions.

extern crate self as positions;

use judge::Call;
use ndarray::{Array2, ArrayView2};

// The reference, within this process.
include!(concat!(env!("OUT_DIR"), "/positions.rs"));

#[path = "../../../exercises/02-positions/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/02-positions/tests/property.rs"]
mod property;
#[path = "../../../exercises/02-positions/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/02-positions/tests/snapshot.rs"]
mod snapshot;

pub(crate) fn sinusoidal(len: usize, dim: usize) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "sinusoidal").argument("len", len);
    call.argument("dim", dim).send().array("positions")
}

pub(crate) fn cosine_similarity(positions: ArrayView2<'_, f32>) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "cosine_similarity").array("positions", &positions);
    call.send().array("similarity")
}

pub(crate) fn interpolate(positions: ArrayView2<'_, f32>, grid: usize) -> Array2<f32> {
    let call = Call::new(&EXERCISE, "interpolate").array("positions", &positions);
    call.argument("grid", grid).send().array("positions")
}
