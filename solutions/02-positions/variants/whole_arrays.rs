//! Written with whole arrays: angles as an outer product, a cosine as a sine a quarter turn later, a Gram matrix divided
//! by an outer product of lengths, and one side of the grid after the other.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis, Zip};
use std::f32::consts::{FRAC_PI_2, LN_10};

pub fn sinusoidal(len: usize, dim: usize) -> Array2<f32> {
    let places = Array1::from_iter((0..len).map(|p| p as f32)).insert_axis(Axis(1)); // [len, 1]
    let odd = Array1::from_iter((0..dim).map(|column| (column % 2) as f32)); // 0 1 0 1 …
    let even = Array1::from_iter((0..dim).map(|column| (column / 2 * 2) as f32)); // 0 0 2 2 …
    let rates = (even * (-4.0 * LN_10 / dim as f32)).mapv(f32::exp); // [dim]
    let angles = places.dot(&rates.insert_axis(Axis(0))); // [len, dim]
    (angles + odd * FRAC_PI_2).mapv(f32::sin)
}

pub fn cosine_similarity(positions: ArrayView2<'_, f32>) -> Array2<f32> {
    let products = positions.dot(&positions.t()); // [N, N]
    let lengths = products
        .diag()
        .mapv(|square| square.sqrt().max(1e-8))
        .insert_axis(Axis(1)); // [N, 1]
    let pairs = lengths.dot(&lengths.t()); // [N, N]
    products / pairs
}

pub fn interpolate(positions: ArrayView2<'_, f32>, grid: usize) -> Array2<f32> {
    let (n, d) = positions.dim();
    let side = (n as f64).sqrt().round() as usize;
    assert_eq!(side * side, n, "{n} positions are not a square");
    assert_ne!(side.min(grid), 0, "from {side} to {grid} patches a side");
    let image = positions
        .to_shape((side, side, d))
        .expect("a square")
        .into_owned();
    let tall = along_the_first_axis(image, grid); // [grid, G, D]
    let turned = along_the_first_axis(tall.permuted_axes([1, 0, 2]), grid); // [grid, grid, D], columns first
    let image = turned.permuted_axes([1, 0, 2]);
    image
        .to_shape((grid * grid, d))
        .expect("rows of patches")
        .into_owned()
}

fn along_the_first_axis(old: Array3<f32>, to: usize) -> Array3<f32> {
    let from = old.len_of(Axis(0));
    let (_, width, depth) = old.dim();
    let mut new = Array3::zeros((to, width, depth));
    for (i, mut slab) in new.outer_iter_mut().enumerate() {
        let place = (2 * i + 1) as f64 * from as f64 / (2 * to) as f64 - 0.5;
        let place = place.clamp(0.0, (from - 1) as f64);
        let (near, far) = (place.floor() as usize, place.ceil() as usize);
        let share = place.fract() as f32;
        Zip::from(&mut slab)
            .and(old.index_axis(Axis(0), near))
            .and(old.index_axis(Axis(0), far))
            .for_each(|new, &near, &far| *new = near + (far - near) * share);
    }
    new
}
