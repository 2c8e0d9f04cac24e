//! Sizes, and the clear panic that sizes which do not fit get.

use ndarray::{Array2, Array3};
use rollout::{
    Fusion, attention_distance, class_map, fuse_heads, rollout, upsample, with_residual,
};
use testkit::{assert_names, assert_shape, panic_message, uniform};

/// Values above 0.
fn attention(name: &str, shape: (usize, usize, usize)) -> Array3<f32> {
    uniform(name, shape).mapv(|value: f32| value + 1.25)
}

/// `fuse_heads`, `with_residual` and `rollout` give \[N, N\]: for each token what it takes from each token.
///
/// Look at: which axis is the heads'. It comes first, and only it goes.
#[test]
fn fused_mixed_and_rolled_out_maps_are_as_square_as_the_layers() {
    for (heads, n) in [(3, 7), (1, 5), (4, 1)] {
        let layer = attention("layer", (heads, n, n));
        for fusion in [Fusion::Mean, Fusion::Max, Fusion::Min] {
            assert_shape!(&fuse_heads(layer.view(), fusion), [n, n]);
        }
        let map: Array2<f32> = uniform("map", (n, n));
        assert_shape!(&with_residual(map.mapv(f32::abs).view()), [n, n]);
        let layers = [layer.clone(), layer];
        assert_shape!(&rollout(&layers, Fusion::Mean, 0.0), [n, n]);
    }
}

/// `class_map` gives \[rows, columns\], with one or more tokens in front of the patches.
///
/// Look at: the order of the grid's two numbers, and how many tokens are skipped.
#[test]
fn class_map_gives_the_grid_of_patches() {
    for (prefix, grid) in [(1, (3, 5)), (2, (3, 5)), (1, (14, 14)), (1, (1, 1))] {
        let n = prefix + grid.0 * grid.1;
        let map = class_map(uniform("rollout", (n, n)).view(), prefix, grid);
        assert_shape!(&map, [grid.0, grid.1]);
    }
}

/// `upsample` gives \[rows, columns\] of the size asked for, larger or smaller along each side.
///
/// Look at: which of the two numbers belongs to the rows: the first.
#[test]
fn upsample_gives_rows_and_columns_of_the_new_size() {
    for ((rows, columns), size) in [((3, 4), (12, 20)), ((1, 1), (2, 3)), ((6, 2), (3, 8))] {
        let map: Array2<f32> = uniform("map", (rows, columns));
        assert_shape!(&upsample(map.view(), size), [size.0, size.1]);
    }
}

/// `attention_distance` gives \[h\]: one number for each head.
///
/// Look at: the means. One is over keys, one over queries; none is over heads.
#[test]
fn attention_distance_gives_a_number_for_each_head() {
    for (heads, prefix, grid) in [(3, 1, (2, 4)), (1, 2, (1, 3)), (5, 0, (2, 2))] {
        let n = prefix + grid.0 * grid.1;
        let layer = attention("layer", (heads, n, n));
        let distance = attention_distance(layer.view(), prefix, grid, 16);
        assert_shape!(&distance, [heads]);
    }
}

/// `with_residual` panics where attention is not square, and names both sides.
///
/// Look at: a single row. Adding I to it works, for ndarray broadcasts; it is a mistake all the same.
#[test]
fn with_residual_names_the_sides_of_a_map_that_is_not_square() {
    let square: Array2<f32> = uniform("square", (13, 13));
    let _ = with_residual(square.view()); // no panic
    let row: Array2<f32> = uniform("row", (1, 13));
    let message = panic_message(|| with_residual(row.view()));
    assert_names(&message, &[1, 13]);
    let oblong: Array2<f32> = uniform("oblong", (11, 13));
    let message = panic_message(|| with_residual(oblong.view()));
    assert_names(&message, &[11, 13]);
}

/// `rollout` panics where `discard` is no share between 0 and 1, and names it.
///
/// Look at: a check of `discard` before it is multiplied: a negative number becomes 0 on its way to a `usize`, without
/// a word, and taking more values than there are takes them all. NaN is smaller than nothing and larger than nothing.
#[test]
fn rollout_names_a_discard_that_is_no_share() {
    let layers = [attention("layer", (2, 5, 5))];
    let _ = rollout(&layers, Fusion::Mean, 0.5); // no panic
    for (discard, named) in [(1.5, 1.5), (-0.25, 0.25)] {
        let message = panic_message(|| rollout(&layers, Fusion::Mean, discard));
        assert_names(&message, &[named]);
    }
    let message = panic_message(|| rollout(&layers, Fusion::Mean, f32::NAN));
    assert!(
        message.contains("NaN"),
        "it must name NaN, but it says: {message}"
    );
}

/// `rollout` panics where layers have not the same number of tokens, and names both; and where there are no layers. So
/// does `fuse_heads` where there are no heads.
///
/// Look at: that every layer takes part in the product; and an empty slice.
#[test]
fn layers_that_do_not_fit_are_named() {
    let layers = [attention("small", (2, 5, 5)), attention("large", (2, 7, 7))];
    let _ = rollout(&layers[..1], Fusion::Mean, 0.0); // no panic
    let _ = fuse_heads(layers[0].view(), Fusion::Max);
    let message = panic_message(|| rollout(&layers, Fusion::Mean, 0.0));
    assert_names(&message, &[5, 7]);
    let message = panic_message(|| rollout(&[], Fusion::Mean, 0.0));
    assert!(
        message.contains("layers"),
        "it must say that there are no layers, but it says: {message}"
    );
    let message = panic_message(|| fuse_heads(Array3::zeros((0, 3, 3)).view(), Fusion::Max));
    assert!(
        message.contains("heads"),
        "it must say that there are no heads, but it says: {message}"
    );
}

/// Numbers of tokens, of those in front, and of patches a side that do not agree; and what must be named.
const MISFITS: [(usize, usize, usize, [usize; 2]); 2] =
    [(198, 1, 14, [198, 197]), (17, 2, 4, [17, 18])];

/// `class_map` panics where `prefix` and the grid do not make up all tokens. It names the tokens that there are, and how
/// many there must be.
///
/// Look at: DeiT's 198 tokens with ViT's prefix of 1. Cut to size, the map would be one patch off, and look fine.
#[test]
fn class_map_names_tokens_that_do_not_fill_the_grid() {
    let right: Array2<f32> = uniform("right", (17, 17));
    let _ = class_map(right.view(), 1, (4, 4)); // no panic
    for (n, prefix, side, named) in MISFITS {
        let map: Array2<f32> = uniform("rollout", (n, n));
        let message = panic_message(|| class_map(map.view(), prefix, (side, side)));
        assert_names(&message, &named);
    }
}

/// `attention_distance` panics where `prefix` and the grid do not make up all tokens, as `class_map` does; and where there
/// are no patches.
///
/// Look at: a check before anything is cut off.
#[test]
fn attention_distance_names_tokens_that_do_not_fill_the_grid() {
    let right = attention("right", (1, 17, 17));
    let _ = attention_distance(right.view(), 1, (4, 4), 16); // no panic
    for (n, prefix, side, named) in MISFITS {
        let layer = attention("layer", (1, n, n));
        let message = panic_message(|| attention_distance(layer.view(), prefix, (side, side), 16));
        assert_names(&message, &named);
    }
    let layer = attention("layer", (1, 2, 2));
    let message = panic_message(|| attention_distance(layer.view(), 2, (0, 3), 16));
    assert!(
        message.contains("patches"),
        "it must say that there are no patches, but it says: {message}"
    );
}

/// `upsample` panics where a side has no values, or is to have none. It names both sizes of that side.
///
/// Look at: a check of both sides before anything is divided. A map without values, or of values that are no numbers, is
/// no answer.
#[test]
fn upsample_names_a_side_of_nothing() {
    let map: Array2<f32> = uniform("map", (13, 11));
    let _ = upsample(map.view(), (17, 19)); // no panic
    for (size, named) in [((0, 5), [13, 0]), ((5, 0), [11, 0])] {
        assert_names(&panic_message(|| upsample(map.view(), size)), &named);
    }
    for (size, named) in [((0, 3), [0, 17]), ((3, 0), [0, 19])] {
        let nothing = Array2::zeros(size);
        let message = panic_message(|| upsample(nothing.view(), (17, 19)));
        assert_names(&message, &named);
    }
}
