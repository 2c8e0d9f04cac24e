//! Values: some done by hand, the rest stored from timm (`snapshots/expected.py`).

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::{Tolerance, assert_close, snapshot, tensor};
use windows::{
    Cost, PatchMerging, Swin, SwinBlock, SwinConfig, WindowAttention, cost, relative_bias,
    relative_index, shift_mask, window_partition, window_reverse,
};

/// Stored values are right to the last digit of f32. One's own are sums of up to 384 terms of at most 4 or so, in an
/// order that differs from machine to machine: each term adds a rounding error of up to 2e-7, and such errors mostly
/// cancel. A millionth was seen; the named mistakes are off by 1e-3 and more.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// The handout's map of 4 × 6 tokens, numbered row by row, becomes four windows of 2 × 3, and these the map again.
/// Look at: the handout's example. The second window is right of the first, and each is a rectangle of the map.
#[test]
fn windows_of_the_handouts_map_are_those_done_by_hand() {
    let map = Tensor::arange(24, (Kind::Float, Device::Cpu)).view([1, 4, 6, 1]);
    let expected = Tensor::from_slice2(&[
        [0_f32, 1., 2., 6., 7., 8.],
        [3., 4., 5., 9., 10., 11.],
        [12., 13., 14., 18., 19., 20.],
        [15., 16., 17., 21., 22., 23.],
    ])
    .view([4, 2, 3, 1]);
    assert_close!(&window_partition(&map, (2, 3)), &expected, Tolerance::EXACT);
    assert_close!(&window_reverse(&expected, (4, 6)), &map, Tolerance::EXACT);
}

/// The handout's mask: windows of 2 × 3 in the 4 × 6 map, shifted by one row and one column. The first window masks
/// nothing; in the second, the last column came from the left edge; in the third, the last row from the top; the last
/// has four regions.
/// Look at: the handout's table of regions; then which pairs of a window's tokens differ.
#[test]
fn the_mask_of_the_handouts_map_is_the_one_done_by_hand() {
    let regions = [
        [0, 0, 0, 0, 0, 0],
        [1, 1, 2, 1, 1, 2],
        [3, 3, 3, 6, 6, 6],
        [4, 4, 5, 7, 7, 8],
    ];
    let masked = regions.iter().flat_map(|window| {
        let pairs = window.iter().flat_map(|i| window.map(move |j| (*i, j)));
        pairs.map(|(i, j)| if i == j { 0_f32 } else { -100.0 })
    });
    let masked: Vec<_> = masked.collect();
    let expected = Tensor::from_slice(&masked).view([4, 6, 6]);
    let mask = shift_mask((4, 6), (2, 3), (1, 1));
    assert_close!(&mask, &expected, Tolerance::EXACT);
}

/// Masks are timm's: of windows of 3 × 3 shifted by 1 and 2, of oblong windows shifted by less than half, and of
/// columns that are shifted alone.
/// Look at: where the regions are cut; the shift is counted from the far edge, and each axis has its own.
#[test]
fn masks_match_timm() {
    snapshot!(
        "mask",
        &shift_mask((6, 6), (3, 3), (1, 2)),
        Tolerance::EXACT
    );
    snapshot!(
        "mask_of_oblong_windows",
        &shift_mask((6, 8), (2, 4), (1, 1)),
        Tolerance::EXACT
    );
    snapshot!(
        "mask_of_shifted_columns",
        &shift_mask((4, 6), (2, 3), (0, 1)),
        Tolerance::EXACT
    );
}

/// The handout's index of 2 × 2 windows, and the first row of that of 2 × 3 ones.
/// Look at: the formula. The query is the row of the matrix, and differences are query − key.
#[test]
fn indices_of_the_handouts_windows_are_those_done_by_hand() {
    let expected =
        Tensor::from_slice2(&[[4_i64, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]);
    assert_close!(&relative_index((2, 2), 0), &expected, Tolerance::EXACT);
    let expected = Tensor::from_slice(&[7_i64, 6, 5, 2, 1, 0]);
    let first = relative_index((2, 3), 0).get(0);
    assert_close!(&first, &expected, Tolerance::EXACT);
}

/// With a class token, the index is timm's: three rows more, for the class token as query, as key, and for itself.
/// Look at: which of the three is the first row of the matrix, and which the first column.
#[test]
fn the_index_with_a_class_token_matches_timm() {
    let index = relative_index((2, 3), 1);
    snapshot!("relative_index", &index, Tolerance::EXACT);
}

/// Biases are timm's for a table of three heads, without and with a class token: numbers of the table, so to the last
/// digit.
/// Look at: the index first. If that is right, the axis of the heads, which must be moved, not viewed, to the front.
#[test]
fn biases_match_timm() {
    let table = tensor::uniform("table", &[15, 3], Kind::Float);
    let bias = relative_bias(&table, (2, 3), 0);
    snapshot!("relative_bias", &bias, Tolerance::EXACT);
    let table = tensor::uniform("table", &[18, 3], Kind::Float);
    let bias = relative_bias(&table, (2, 3), 1);
    snapshot!("relative_bias_with_class_token", &bias, Tolerance::EXACT);
}

/// `WindowAttention` gives what timm's gives, for two maps of six windows, with and without the mask of a shifted map.
/// Look at: without a mask: the bias, and that it is added to the scaled logits. With the mask alone: to which windows
/// each of its matrices belongs; the windows of a map follow each other.
#[test]
fn window_attention_matches_timm() {
    let (_vs, attention) = filled_attention();
    let y = attention.forward(&windows(), None);
    snapshot!("window_attention", &y, F32);
    let y = attention.forward(&windows(), Some(&mask()));
    snapshot!("window_attention_masked", &y, F32);
}

/// `attend` gives the weights that timm computes on the way, and the output that `forward` gives.
/// Look at: what is added to the logits, and when: before the softmax, after the scaling.
#[test]
fn the_weights_of_window_attention_match_timm() {
    let (_vs, attention) = filled_attention();
    let (output, weights) = attention.attend(&windows(), Some(&mask()));
    snapshot!("window_attention_weights", &weights, F32);
    let expected = attention.forward(&windows(), Some(&mask()));
    assert_close!(&output, &expected, F32);
}

/// `SwinBlock` gives what timm's gives: not shifted, shifted along both axes, and along columns alone.
/// Look at: the first that fails. Only shifted ones: roll, mask, and the roll back.
#[test]
fn swin_blocks_match_timm() {
    let x = map(4, 9);
    let (_vs, block) = filled_block((0, 0));
    snapshot!("swin_block", &block.forward(&x), F32);
    let (_vs, block) = filled_block((1, 2));
    snapshot!("swin_block_shifted", &block.forward(&x), F32);
    let (_vs, block) = filled_block((0, 1));
    snapshot!("swin_block_columns_shifted", &block.forward(&x), F32);
}

/// Rows of a map that is as high as a window are not shifted, as in timm's block; columns are.
/// Look at: the map that came, each axis by itself.
#[test]
fn a_block_of_a_low_map_matches_timm() {
    let (_vs, block) = filled_block((1, 1));
    let y = block.forward(&map(2, 6));
    snapshot!("swin_block_of_a_low_map", &y, F32);
}

/// `SwinBlock` gives what timm's gives for small tokens, too.
/// Look at: epsilon. Swin has 1e-5, the library's default, where exercise 04's blocks have 1e-6.
#[test]
fn blocks_have_swins_epsilon() {
    let (_vs, block) = filled_block((0, 1));
    let x = tensor::uniform("x", &[2, 4, 9, 12], Kind::Float) * SMALL;
    snapshot!("swin_block_of_small_tokens", &block.forward(&x), F32);
}

/// `PatchMerging` gives what timm's gives, for tokens of about 1, and for small ones.
/// Look at: the order of the four neighbours, (0, 0), (1, 0), (0, 1), (1, 1); and the norm comes before the linear
/// layer. Small tokens only: epsilon, which is 1e-5.
#[test]
fn patch_merging_matches_timm() {
    let (_vs, merging) = filled_merging();
    let x = tensor::uniform("x", &[2, 4, 6, 6], Kind::Float);
    snapshot!("patch_merging", &merging.forward(&(&x * 4.)), F32);
    let y = merging.forward(&(x * SMALL));
    snapshot!("patch_merging_of_small_tokens", &y, F32);
}

/// A block of Swin-T's third stage, 14 × 14 tokens of 384 with twelve heads: a token of the last window.
/// Look at: smaller tests first. Where only this one fails, something grows with the map or D.
#[test]
fn a_block_of_swin_tiny_matches_timm() {
    let vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), 384, 12, (7, 7), (3, 3), 4);
    fill(&vs);
    let x = tensor::uniform("map", &[1, 14, 14, 384], Kind::Float) * 4.;
    let y = block.forward(&x).select(1, 9).select(1, 12);
    snapshot!("swin_tiny_stage_3", &y, F32);
}

/// `forward_features` gives timm's map: three stages with two blocks each, of which the second is shifted, but in the
/// last stage.
/// Look at: the patches, which are normalised; the order of merging and blocks; which blocks are shifted; and the last
/// norm.
#[test]
fn features_of_a_swin_match_timm() {
    let (_vs, swin) = filled_swin();
    let images = tensor::uniform("images", &[2, 2, 24, 24], Kind::Float);
    snapshot!("swin_features", &swin.forward_features(&images), F32);
}

/// The logits are timm's.
/// Look at: the test of the features. Where it passes: the mean is taken over the whole map, before the head.
#[test]
fn logits_of_a_swin_match_timm() {
    let (_vs, swin) = filled_swin();
    let images = tensor::uniform("images", &[2, 2, 24, 24], Kind::Float);
    snapshot!("swin_logits", &swin.forward(&images), F32);
}

/// The multiplications of attention on Swin-T's first map, over all of it and within windows of 7: the handout's
/// numbers.
/// Look at: equations 1 and 2. M is the side of a window, so a token looks at M² others.
#[test]
fn costs_are_those_of_the_handout() {
    let expected = Cost {
        global: 2_003_828_736,
        windowed: 145_108_992,
    };
    assert_eq!(cost((56, 56), 96, 7), expected, "yours is on the left");
    // By hand: 6 tokens, 4 · 6 · 25 + 2 · 36 · 5 and 4 · 6 · 25 + 2 · 4 · 6 · 5.
    let expected = Cost {
        global: 960,
        windowed: 840,
    };
    assert_eq!(cost((2, 3), 5, 2), expected, "yours is on the left");
}

/// Tokens of this size have a variance of about 3e-7, less than epsilon.
const SMALL: f64 = 1.0 / 1024.0;

fn windows() -> Tensor {
    tensor::uniform("windows", &[12, 6, 12], Kind::Float) * 4.
}

/// The mask of a map of 4 × 9 in windows of 2 × 3, shifted by 1 and 2, from the regions of rows and columns: it must
/// not depend on `shift_mask`.
fn mask() -> Tensor {
    let (rows, columns) = ([0, 0, 1, 2], [0, 0, 0, 0, 0, 0, 1, 2, 2]);
    let mut all = vec![];
    for (down, across) in (0..2).flat_map(|down| (0..3).map(move |across| (down, across))) {
        let tokens = (0..6).map(|i| (rows[2 * down + i / 3], columns[3 * across + i % 3]));
        let tokens: Vec<_> = tokens.collect();
        for i in &tokens {
            all.extend(tokens.iter().map(|j| if i == j { 0_f32 } else { -100.0 }));
        }
    }
    Tensor::from_slice(&all).view([6, 6, 6])
}

fn map(rows: i64, columns: i64) -> Tensor {
    tensor::uniform("x", &[2, rows, columns, 12], Kind::Float) * 4.
}

fn filled_attention() -> (VarStore, WindowAttention) {
    let vs = VarStore::new(Device::Cpu);
    let attention = WindowAttention::new(&vs.root(), 12, 3, (2, 3));
    fill(&vs);
    (vs, attention)
}

fn filled_block(shift: (i64, i64)) -> (VarStore, SwinBlock) {
    let vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), 12, 3, (2, 3), shift, 4);
    fill(&vs);
    (vs, block)
}

fn filled_swin() -> (VarStore, Swin) {
    let config = SwinConfig {
        image: 24,
        patch: 2,
        channels: 2,
        classes: 5,
        dim: 4,
        depths: vec![2, 2, 2],
        heads: vec![1, 2, 4],
        window: 3,
        mlp_ratio: 2,
    };
    let vs = VarStore::new(Device::Cpu);
    let swin = Swin::new(&vs.root(), &config);
    fill(&vs);
    (vs, swin)
}

fn filled_merging() -> (VarStore, PatchMerging) {
    let vs = VarStore::new(Device::Cpu);
    let merging = PatchMerging::new(&vs.root(), 6);
    fill(&vs);
    (vs, merging)
}

/// Weights that do not depend on random draws. The norms' are about 1.
fn fill(vs: &VarStore) {
    tensor::fill(vs);
    for (name, mut variable) in tensor::variables(vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
}
