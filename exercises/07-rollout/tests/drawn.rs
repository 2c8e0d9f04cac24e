//! Each function against the reference, on sizes and values that are drawn.

use ndarray::{Array3, Axis};
use rollout::{
    Fusion, attention_distance, class_map, fuse_heads, rollout, upsample, with_residual,
};
use testkit::drawn;
use testkit::drawn::{Case, Spread};

/// Places between two pixels that were computed in f32 are off by up to 1e-6, and a map's values differ by up to 4 or so from
/// one pixel to the next.
const IN_F32: f64 = 4e-6;

/// The map is the reference's for two to five heads, fused in each way.
///
/// Look at: the axis of the heads, the first.
#[test]
fn fuse_heads_agrees_with_the_reference() {
    drawn!("fuse_heads", 9, |case| {
        let (heads, tokens) = (case.size("h", 2..=5), case.size("N", 3..=8));
        let attention = attention(case, heads, tokens);
        let fusion = fusion(case);
        case.agrees("attention", &fuse_heads(attention.view(), fusion));
    });
}

/// The map is the reference's, whatever its rows sum to: about 1, a millionth, or a million.
///
/// Look at: what each row is divided by, and when the identity is added.
#[test]
fn with_residual_agrees_with_the_reference() {
    drawn!("with_residual", 8, |case| {
        let tokens = case.size("N", 3..=9);
        let mut attention = attention(case, 1, tokens).remove_axis(Axis(0));
        for mut row in attention.rows_mut() {
            row *= case.pick(&[1e-6, 0.3, 1.0, 3.0, 1e6]);
        }
        case.agrees("attention", &with_residual(attention.view()));
    });
}

/// The rollout of two to five layers is the reference's, fused in each way, with nothing, some or most of the weights
/// discarded.
///
/// Look at: the order of the product; which weights are discarded, how many, and before what.
#[test]
fn rollout_agrees_with_the_reference() {
    drawn!("rollout", 9, |case| {
        let (depth, heads) = (case.size("L", 2..=5), case.size("h", 2..=3));
        let tokens = case.size("N", 4..=7);
        let layers: Vec<_> = (0..depth).map(|_| attention(case, heads, tokens)).collect();
        let (fusion, discard) = (fusion(case), case.pick(&[0.0, 0.2, 0.55, 0.9]));
        case.note("discard", discard);
        case.agrees("rollout", &rollout(&layers, fusion, discard));
    });
}

/// The map is the reference's for oblong grids behind one to three tokens.
///
/// Look at: which row is the class token's, how many columns stand in front, and which side of the grid comes first.
#[test]
fn class_map_agrees_with_the_reference() {
    drawn!("class_map", 8, |case| {
        let (prefix, grid) = (case.size("prefix", 1..=3), grid(case));
        let tokens = prefix + grid.0 * grid.1;
        let weights = case.array((tokens, tokens), Spread::UNIT);
        case.agrees("map", &class_map(weights.view(), prefix, grid));
    });
}

/// Maps that grow and shrink along either side are the reference's.
///
/// Look at: s(i), half a pixel off at both ends, and cut off at the border of the old map; and which side is which.
#[test]
fn upsample_agrees_with_the_reference() {
    drawn!("upsample", 9, |case| {
        let (h, w) = (case.size("h", 2..=5), case.size("w", 2..=6));
        let rows = case.other_size("rows", 2..=11, h);
        let columns = case.other_size("columns", 2..=11, w);
        let map = case.array((h, w), Spread::UNIT);
        case.agrees_within("map", &upsample(map.view(), (rows, columns)), IN_F32);
    });
}

/// Each head's distance is the reference's for oblong grids behind one to three tokens.
///
/// Look at: which rows and columns are patches', the place of a patch in the grid, and the order of the two means.
#[test]
fn attention_distance_agrees_with_the_reference() {
    drawn!("attention_distance", 8, |case| {
        let (heads, prefix) = (case.size("h", 2..=4), case.size("prefix", 1..=3));
        let (grid, patch) = (grid(case), case.size("patch", 2..=32));
        let attention = attention(case, heads, prefix + grid.0 * grid.1);
        let distance = attention_distance(attention.view(), prefix, grid, patch);
        case.agrees("distance", &distance);
    });
}

/// Some patches look nearly at the tokens in front alone: what they give to patches is 1e-9 or 1e-30 of that, and still counts as
/// if it were all. Whoever adds a small number to the sum, to not divide by 0, counts them as near.
///
/// Look at: what is divided by what where there is little; only where there is nothing, a patch counts 0.
#[test]
fn attention_distance_agrees_where_little_goes_to_patches() {
    drawn!("attention_distance_of_little", 8, |case| {
        let (heads, prefix) = (case.size("h", 2..=3), case.size("prefix", 1..=2));
        let (grid, patch) = (grid(case), case.size("patch", 2..=32));
        let mut attention = attention(case, heads, prefix + grid.0 * grid.1);
        for mut head in attention.outer_iter_mut() {
            for mut row in head.rows_mut() {
                let share = case.pick(&[0.0, 1e-30, 1e-9, 1e-9]);
                row.iter_mut()
                    .skip(prefix)
                    .for_each(|weight| *weight *= share);
            }
        }
        let distance = attention_distance(attention.view(), prefix, grid, patch);
        case.agrees("distance", &distance);
    });
}

/// Weights of h heads between N tokens, \[h, N, N\]: about 2/N each.
///
/// They are multiples of 2⁻²⁰ times a power of 2, so that sums over heads are exact, and f32 and f64 agree on which of two is
/// smaller.
fn attention(case: &mut Case<'_>, heads: usize, tokens: usize) -> Array3<f32> {
    let unit = 4.0 / tokens.next_power_of_two() as f64 / f64::from(1 << 20);
    let steps = f64::from(1 << 20);
    let mut weight = || ((steps * case.unit()).floor() + 1.0) * unit;
    Array3::from_shape_simple_fn((heads, tokens, tokens), || weight() as f32)
}

/// An oblong grid.
fn grid(case: &mut Case<'_>) -> (usize, usize) {
    let rows = case.size("grid's rows", 2..=4);
    (rows, case.other_size("grid's columns", 2..=5, rows))
}

fn fusion(case: &mut Case<'_>) -> Fusion {
    let fusion = case.pick(&[Fusion::Mean, Fusion::Max, Fusion::Min]);
    case.note("fusion", format!("{fusion:?}"));
    fusion
}
