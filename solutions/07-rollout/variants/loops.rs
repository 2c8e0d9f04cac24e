//! Written with loops over single values, in f32 throughout; weights are discarded by their rank, and the product begins
//! with the identity.

use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    Mean,
    Max,
    Min,
}

pub fn fuse_heads(attention: ArrayView3<'_, f32>, fusion: Fusion) -> Array2<f32> {
    let (heads, queries, keys) = attention.dim();
    if heads == 0 {
        panic!("0 heads cannot be fused");
    }
    let mut fused = Array2::zeros((queries, keys));
    for i in 0..queries {
        for j in 0..keys {
            let mut value = attention[[0, i, j]];
            for head in 1..heads {
                let weight = attention[[head, i, j]];
                value = match fusion {
                    Fusion::Mean => value + weight,
                    Fusion::Max if weight > value => weight,
                    Fusion::Min if weight < value => weight,
                    _ => value,
                };
            }
            if fusion == Fusion::Mean {
                value /= heads as f32;
            }
            fused[[i, j]] = value;
        }
    }
    fused
}

pub fn with_residual(attention: ArrayView2<'_, f32>) -> Array2<f32> {
    let (rows, columns) = attention.dim();
    if rows != columns {
        panic!("{rows} rows and {columns} columns");
    }
    let mut mixed = attention.mapv(|weight| 0.5 * weight);
    for i in 0..rows {
        mixed[[i, i]] += 0.5;
        let mut sum = 0.0;
        for j in 0..columns {
            sum += mixed[[i, j]];
        }
        for j in 0..columns {
            mixed[[i, j]] /= sum;
        }
    }
    mixed
}

pub fn rollout(layers: &[Array3<f32>], fusion: Fusion, discard: f32) -> Array2<f32> {
    if !(discard >= 0.0 && discard <= 1.0) {
        panic!("{discard} of the weights cannot be discarded");
    }
    if layers.is_empty() {
        panic!("no layers");
    }
    let n = layers[0].dim().1;
    let mut product = Array2::eye(n);
    for layer in layers {
        let fused = fuse_heads(layer.view(), fusion);
        let (rows, columns) = fused.dim();
        if rows != n || columns != n {
            panic!("a layer of {rows} × {columns} among layers of {n} tokens");
        }
        let count = (discard * (n * (n - 1)) as f32).floor() as usize;
        let mut left = fused.clone();
        for i in 0..n {
            for j in 1..n {
                let mut rank = 0;
                for k in 0..n {
                    for l in 1..n {
                        let (here, there) = (fused[[i, j]], fused[[k, l]]);
                        if there < here || (there == here && (k, l) < (i, j)) {
                            rank += 1;
                        }
                    }
                }
                if rank < count {
                    left[[i, j]] = 0.0;
                }
            }
        }
        let mixed = with_residual(left.view());
        let mut next = Array2::zeros((n, n));
        for i in 0..n {
            for j in 0..n {
                for k in 0..n {
                    next[[i, j]] += mixed[[i, k]] * product[[k, j]];
                }
            }
        }
        product = next;
    }
    product
}

pub fn class_map(rollout: ArrayView2<'_, f32>, prefix: usize, grid: (usize, usize)) -> Array2<f32> {
    let tokens = rollout.ncols();
    check(tokens, prefix, grid);
    let mut map = Array2::zeros(grid);
    for row in 0..grid.0 {
        for column in 0..grid.1 {
            map[[row, column]] = rollout[[0, prefix + row * grid.1 + column]];
        }
    }
    map
}

pub fn upsample(map: ArrayView2<'_, f32>, size: (usize, usize)) -> Array2<f32> {
    let (h, w) = map.dim();
    for (old, new) in [(h, size.0), (w, size.1)] {
        if old == 0 || new == 0 {
            panic!("from {old} to {new}");
        }
    }
    let between = |i: usize, old: usize, new: usize| {
        let place = ((i as f32 + 0.5) * (old as f32 / new as f32) - 0.5).max(0.0);
        let before = (place as usize).min(old - 1);
        (before, (before + 1).min(old - 1), place - before as f32)
    };
    let mut resized = Array2::zeros(size);
    for i in 0..size.0 {
        let (top, bottom, down) = between(i, h, size.0);
        for j in 0..size.1 {
            let (left, right, across) = between(j, w, size.1);
            let above = map[[top, left]] * (1.0 - across) + map[[top, right]] * across;
            let below = map[[bottom, left]] * (1.0 - across) + map[[bottom, right]] * across;
            resized[[i, j]] = above * (1.0 - down) + below * down;
        }
    }
    resized
}

pub fn attention_distance(
    attention: ArrayView3<'_, f32>,
    prefix: usize,
    grid: (usize, usize),
    patch: usize,
) -> Array1<f32> {
    let (heads, _, tokens) = attention.dim();
    check(tokens, prefix, grid);
    let patches = grid.0 * grid.1;
    if patches == 0 {
        panic!("a grid without patches");
    }
    let mut means = Array1::zeros(heads);
    for head in 0..heads {
        for i in 0..patches {
            let (mut weighted, mut given) = (0.0, 0.0);
            for j in 0..patches {
                let down = (i / grid.1).abs_diff(j / grid.1) * patch;
                let across = (i % grid.1).abs_diff(j % grid.1) * patch;
                let weight = attention[[head, prefix + i, prefix + j]];
                weighted += weight * ((down * down + across * across) as f32).sqrt();
                given += weight;
            }
            if given > 0.0 {
                means[head] += weighted / given / patches as f32;
            }
        }
    }
    means
}

fn check(tokens: usize, prefix: usize, grid: (usize, usize)) {
    let needed = prefix + grid.0 * grid.1;
    if tokens != needed {
        panic!("{tokens} tokens came, {needed} are needed");
    }
}
