//! Written with loops over single values, in f32 throughout; four neighbours by rounding down and up.

use ndarray::{Array2, ArrayView2};

pub fn sinusoidal(len: usize, dim: usize) -> Array2<f32> {
    let mut table = Array2::zeros((len, dim));
    for p in 0..len {
        for i in 0..dim.div_ceil(2) {
            let rate = 1.0 / 10_000_f32.powf((2 * i) as f32 / dim as f32);
            let (sin, cos) = (p as f32 * rate).sin_cos();
            table[[p, 2 * i]] = sin;
            if 2 * i + 1 < dim {
                table[[p, 2 * i + 1]] = cos;
            }
        }
    }
    table
}

pub fn cosine_similarity(positions: ArrayView2<'_, f32>) -> Array2<f32> {
    let (n, d) = positions.dim();
    let product = |i: usize, j: usize| {
        let mut sum = 0.0;
        for k in 0..d {
            sum += positions[[i, k]] * positions[[j, k]];
        }
        sum
    };
    let length = |i: usize| product(i, i).sqrt().max(1e-8);
    let mut similarity = Array2::zeros((n, n));
    for i in 0..n {
        for j in 0..n {
            similarity[[i, j]] = product(i, j) / (length(i) * length(j));
        }
    }
    similarity
}

pub fn interpolate(positions: ArrayView2<'_, f32>, grid: usize) -> Array2<f32> {
    let (n, d) = positions.dim();
    let mut side = 0;
    while side * side < n {
        side += 1;
    }
    if side * side != n {
        panic!("{n} is not the number of patches of a square grid");
    }
    if side == 0 || grid == 0 {
        panic!("a grid of side {side} cannot become one of side {grid}");
    }
    let scale = side as f32 / grid as f32;
    // The old place before new place i, the one behind it, and the share of the latter.
    let between = |i: usize| {
        let place = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
        let before = (place as usize).min(side - 1);
        let behind = (before + 1).min(side - 1);
        (before, behind, place - before as f32)
    };
    let mut resized = Array2::zeros((grid * grid, d));
    for i in 0..grid {
        let (top, bottom, down) = between(i);
        for j in 0..grid {
            let (left, right, across) = between(j);
            for k in 0..d {
                let at = |row: usize, column: usize| positions[[row * side + column, k]];
                let above = at(top, left) * (1.0 - across) + at(top, right) * across;
                let below = at(bottom, left) * (1.0 - across) + at(bottom, right) * across;
                resized[[i * grid + j, k]] = above * (1.0 - down) + below * down;
            }
        }
    }
    resized
}
