//! Small inputs against values from PyTorch. tests/snapshots/expected.py makes them.

use ndarray::{Array2, Array3, Axis, array};
use rollout::{
    Fusion, attention_distance, class_map, fuse_heads, rollout, upsample, with_residual,
};
use testkit::{Tolerance, assert_close, snapshot, uniform};

/// Weights of these tests are at most 2.25, and are chosen, or added up over 3 heads and divided: off by less than
/// 4 · 2⁻²⁴ of their size, beside what ten stored digits round away.
const FUSED: Tolerance = Tolerance::new(3e-7, 0.0);

/// Rows of 6 positive numbers that are added up and divided by their sum, in up to 4 layers, and 3 products of matrices
/// whose rows sum to 1: each step is off by less than 10 · 2⁻²⁴ of a weight that is below 1, so all by less than 5e-6.
/// The mildest mistake is off by more than 1e-3.
const ROLLED_OUT: Tolerance = Tolerance::new(0.0, 5e-6);

/// Values are moved, never calculated with. The file has ten digits of each, which is off by up to 5e-10 of the value;
/// the next f32 is 6e-8 of it away.
const STORED: Tolerance = Tolerance::new(5e-10, 0.0);

/// On sides of up to 9, s(i) in f32 is off by up to 3 · 9 · 2⁻²⁴ = 1.6e-6, and neighbours differ by up to 2; the products
/// and sums add 1e-6. Corner-aligned, values are off by more than 1e-1.
const UPSAMPLED: Tolerance = Tolerance::new(0.0, 1e-5);

/// Sums of 8 positive products and a quotient, then a mean of 8: less than 30 · 2⁻²⁴ of the distance.
const DISTANCE: Tolerance = Tolerance::new(2e-6, 0.0);

/// Attention as a softmax leaves it: positive, and each row sums to 1.
fn attention(name: &str, shape: (usize, usize, usize)) -> Array3<f32> {
    let weights: Array3<f32> = uniform(name, shape) + 1.25;
    let sums = weights.sum_axis(Axis(2)).insert_axis(Axis(2));
    weights / sums
}

/// Four layers that are not alike.
fn layers() -> Vec<Array3<f32>> {
    let name = |layer| format!("layer {layer}");
    (0..4)
        .map(|layer| attention(&name(layer), (3, 6, 6)))
        .collect()
}

/// The handout's example comes out as it does by hand: a class token and two patches, two layers of two heads.
///
/// Look at: the first of the five that is off. If all are right but the rollout, look at the order of the product: with
/// 0.375, 0.625, 0 in its first row, the layers are the wrong way round.
#[test]
fn the_example_of_the_handout() {
    let first = array![
        [[1.0_f32, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
    ];
    let second = array![
        [[0.0_f32, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ];
    // Halves, quarters and eighths: f32 is exact, but for thirds.
    let exact = Tolerance::new(0.0, 1e-7);

    let fused = fuse_heads(first.view(), Fusion::Mean);
    let by_hand = array![[0.5_f32, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]];
    assert_close!(&fused, &by_hand, exact);

    let mixed = with_residual(by_hand.view());
    let by_hand = array![[0.75_f32, 0.25, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]];
    assert_close!(&mixed, &by_hand, exact);

    let layers = [first, second];
    let rolled_out = rollout(&layers, Fusion::Mean, 0.0);
    let by_hand = array![
        [0.375_f32, 0.375, 0.25],
        [0.0, 0.5, 0.5],
        [0.0, 0.125, 0.875]
    ];
    assert_close!(&rolled_out, &by_hand, exact);

    let map = class_map(by_hand.view(), 1, (1, 2));
    assert_close!(&map, &array![[0.375_f32, 0.25]], exact);

    let distance = attention_distance(layers[1].view(), 1, (1, 2), 16);
    assert_close!(&distance, &array![8.0_f32, 0.0], exact);
}

/// Three heads become one map by their mean, their largest and their smallest weight, each for itself.
///
/// Look at: the axis, the first of three; and which fusion does what.
#[test]
fn heads_are_fused_by_mean_maximum_and_minimum() {
    let attention: Array3<f32> = uniform("heads", (3, 4, 4)) + 1.25;
    let fused = |fusion| fuse_heads(attention.view(), fusion);
    snapshot!("fused_mean", &fused(Fusion::Mean), FUSED);
    snapshot!("fused_max", &fused(Fusion::Max), FUSED);
    snapshot!("fused_min", &fused(Fusion::Min), FUSED);
}

/// Rows that sum to something else than 1, as maximum and minimum leave them, are brought back *after* the residual is
/// added: a row that sums to 2 keeps more of its attention than one that sums to ½.
///
/// Look at: the order of the two steps; and the axis of the sum: a row's weights are what one token takes.
#[test]
fn rows_that_do_not_sum_to_one_are_brought_back_after_the_residual() {
    let map: Array2<f32> = uniform("map", (5, 5)) + 1.25;
    snapshot!("mixed", &with_residual(map.view()), ROLLED_OUT);
}

/// Four different layers, rolled out with each fusion.
///
/// Look at: which layer comes last in the product. If only the mean is right: rows must be brought back to sum 1. If only
/// the mean is wrong, look at its own line.
#[test]
fn four_layers_fused_by_mean_maximum_and_minimum() {
    let layers = layers();
    let rolled_out = |fusion| rollout(&layers, fusion, 0.0);
    snapshot!("rollout_mean", &rolled_out(Fusion::Mean), ROLLED_OUT);
    snapshot!("rollout_max", &rolled_out(Fusion::Max), ROLLED_OUT);
    snapshot!("rollout_min", &rolled_out(Fusion::Min), ROLLED_OUT);
}

/// The same layers with a half, three quarters and a quarter of the weights discarded: the smallest ones of the whole
/// fused map, without those to the class token, their number rounded down.
///
/// Look at: what is sorted, and how many are taken: of N·(N − 1) weights, all rows together. The rest is as before: the
/// residual comes after.
#[test]
fn the_smallest_weights_are_discarded_before_the_residual() {
    let layers = layers();
    let half = rollout(&layers, Fusion::Mean, 0.5);
    snapshot!("discarded_mean", &half, ROLLED_OUT);
    let three_quarters = rollout(&layers, Fusion::Max, 0.75);
    snapshot!("discarded_max", &three_quarters, ROLLED_OUT);
    let quarter = rollout(&layers, Fusion::Min, 0.25);
    snapshot!("discarded_min", &quarter, ROLLED_OUT);
}

/// Of equal weights those are discarded that come first, row by row.
///
/// Look at: a sort that keeps equal values in their order, or a comparison of places where values are equal.
#[test]
fn of_equal_weights_the_first_are_discarded() {
    let layer = Array3::from_elem((1, 3, 3), 1.0_f32);
    // Half of six: both of the first row, and the first of the second. Then comes 1 on the diagonal.
    let left = array![[2.0_f32, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 2.0]];
    let sums = left.sum_axis(Axis(1)).insert_axis(Axis(1));
    let rolled_out = rollout(&[layer], Fusion::Mean, 0.5);
    assert_close!(&rolled_out, &(left / sums), ROLLED_OUT);
}

/// The first row of a rollout as a map: two rows of three patches behind one token, three rows of two behind two.
///
/// Look at: how many columns are skipped; that the row is the class token's, 0; and that patches run row by row.
#[test]
fn maps_of_oblong_grids_behind_one_and_two_tokens() {
    let of_vit: Array2<f32> = uniform("rollout of a ViT", (7, 7));
    snapshot!("map_of_vit", &class_map(of_vit.view(), 1, (2, 3)), STORED);
    let of_deit: Array2<f32> = uniform("rollout of a DeiT", (8, 8));
    snapshot!("map_of_deit", &class_map(of_deit.view(), 2, (3, 2)), STORED);
}

/// Maps of 3 × 5 and 7 × 4 made 8 × 9 and 3 × 9 are what PyTorch's `interpolate` gives with
/// `mode="bilinear", align_corners=False, antialias=False`.
///
/// Look at: the edges. s(i) lies outside the map there, and is brought back. And each side has a scale of its own.
#[test]
fn upsampled_maps_are_what_bilinear_interpolation_gives() {
    let map: Array2<f32> = uniform("map to enlarge", (3, 5));
    snapshot!("enlarged", &upsample(map.view(), (8, 9)), UPSAMPLED);
    let map: Array2<f32> = uniform("map to reshape", (7, 4));
    snapshot!("reshaped", &upsample(map.view(), (3, 9)), UPSAMPLED);
}

/// Distances of three heads on 2 × 4 patches of 16 pixels behind one token, and of two on 4 × 2 patches of 7 behind
/// two.
///
/// Look at: pixels, not patches; the straight way, not along rows and columns; only patches, and their weights brought
/// back to sum 1.
#[test]
fn distances_of_heads_on_an_oblong_grid() {
    let of_vit = attention("attention of a ViT", (3, 9, 9));
    let distance = attention_distance(of_vit.view(), 1, (2, 4), 16);
    snapshot!("distance_of_vit", &distance, DISTANCE);
    let of_deit = attention("attention of a DeiT", (2, 10, 10));
    let distance = attention_distance(of_deit.view(), 2, (4, 2), 7);
    snapshot!("distance_of_deit", &distance, DISTANCE);
}
