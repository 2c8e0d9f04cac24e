//! Written with whole arrays: heads by `Zip`, the smallest weights by sorted places, the product from the last layer down,
//! and distances by broadcasting.

use ndarray::{Array, Array1, Array2, Array3, ArrayView2, ArrayView3, Axis, Zip, s};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fusion {
    Mean,
    Max,
    Min,
}

pub fn fuse_heads(attention: ArrayView3<'_, f32>, fusion: Fusion) -> Array2<f32> {
    let mut heads = attention.outer_iter();
    let first = heads.next().expect("at least one of the heads").to_owned();
    let fused = heads.fold(first, |mut fused, head| {
        Zip::from(&mut fused).and(head).for_each(|fused, &weight| {
            *fused = match fusion {
                Fusion::Mean => *fused + weight,
                Fusion::Max => fused.max(weight),
                Fusion::Min => fused.min(weight),
            }
        });
        fused
    });
    match fusion {
        Fusion::Mean => fused.mapv(|sum| sum / attention.dim().0 as f32),
        _ => fused,
    }
}

pub fn with_residual(attention: ArrayView2<'_, f32>) -> Array2<f32> {
    assert!(attention.is_square(), "not square: {:?}", attention.shape());
    let mut mixed = attention.to_owned();
    mixed.diag_mut().mapv_inplace(|weight| weight + 1.0);
    for mut row in mixed.rows_mut() {
        row /= row.sum();
    }
    mixed
}

pub fn rollout(layers: &[Array3<f32>], fusion: Fusion, discard: f32) -> Array2<f32> {
    if discard.is_nan() || discard < 0.0 || discard > 1.0 {
        panic!("discard = {discard}");
    }
    let mut maps = layers.iter().rev().map(|layer| {
        let fused = fuse_heads(layer.view(), fusion);
        with_residual(without_smallest(fused, discard).view())
    });
    let last = maps.next().expect("layers");
    maps.fold(last, |above, map| above.dot(&map))
}

fn without_smallest(mut fused: Array2<f32>, discard: f32) -> Array2<f32> {
    let n = fused.nrows();
    let mut places: Vec<(usize, usize)> =
        (0..n).flat_map(|i| (1..n).map(move |j| (i, j))).collect();
    let count = (discard * places.len() as f32).floor() as usize;
    places.sort_by(|&a, &b| {
        fused[a]
            .partial_cmp(&fused[b])
            .expect("numbers")
            .then(a.cmp(&b))
    });
    places.truncate(count);
    for place in places {
        fused[place] = 0.0;
    }
    fused
}

pub fn class_map(rollout: ArrayView2<'_, f32>, prefix: usize, grid: (usize, usize)) -> Array2<f32> {
    let (tokens, needed) = (rollout.ncols(), prefix + grid.0 * grid.1);
    assert_eq!(tokens, needed, "tokens, and what prefix and grid make");
    Array::from_iter(rollout.slice(s![0, prefix..]).iter().copied())
        .into_shape_with_order(grid)
        .expect("as many as the grid has")
}

pub fn upsample(map: ArrayView2<'_, f32>, (rows, columns): (usize, usize)) -> Array2<f32> {
    let tall = taller(map, rows); // [H, w]
    taller(tall.t(), columns).reversed_axes() // [H, W]
}

fn taller(map: ArrayView2<'_, f32>, rows: usize) -> Array2<f32> {
    let old = map.nrows();
    assert_ne!(old * rows, 0, "{old} rows cannot be made {rows}");
    let mut new = Array2::zeros((rows, map.ncols()));
    for (i, mut row) in new.rows_mut().into_iter().enumerate() {
        let place = (2 * i + 1) as f64 * old as f64 / (2 * rows) as f64 - 0.5;
        let place = place.clamp(0.0, (old - 1) as f64);
        let share = place.fract() as f32;
        let (near, far) = (
            map.row(place.floor() as usize),
            map.row(place.ceil() as usize),
        );
        row.assign(&(&near + (&far - &near) * share));
    }
    new
}

pub fn attention_distance(
    attention: ArrayView3<'_, f32>,
    prefix: usize,
    (rows, columns): (usize, usize),
    patch: usize,
) -> Array1<f32> {
    let (tokens, needed) = (attention.dim().2, prefix + rows * columns);
    assert_eq!(tokens, needed, "tokens, and what prefix and grid make");
    assert_ne!(rows * columns, 0, "no patches");
    let side = |length: usize| Array1::from_iter((0..length).map(|i| (patch * i) as f32));
    let squares = |side: Array1<f32>| {
        let steps = &side.view().insert_axis(Axis(1)) - &side.view().insert_axis(Axis(0));
        steps.mapv(|step| step * step)
    };
    let (down, across) = (squares(side(rows)), squares(side(columns)));
    let squares = &down.insert_axis(Axis(1)).insert_axis(Axis(3)) // [rows, 1, rows, 1]
        + &across.insert_axis(Axis(0)).insert_axis(Axis(2)); // [1, columns, 1, columns]
    let distances = squares.mapv(f32::sqrt); // [rows, columns, rows, columns]
    let patches = rows * columns;
    let distances = distances
        .to_shape((patches, patches))
        .expect("neighbouring axes are joined");
    let mean = |head: ArrayView2<'_, f32>| {
        let rows = Zip::from(head.rows()).and(distances.rows());
        let means = rows.map_collect(|weights, distances| match weights.sum() {
            0.0 => 0.0,
            given => weights.dot(&distances) / given,
        });
        means.mean().expect("patches")
    };
    let between_patches = attention.slice(s![.., prefix.., prefix..]);
    between_patches.outer_iter().map(mean).collect()
}
