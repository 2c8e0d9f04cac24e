//! Each function against the reference, on sizes and values that are drawn.

use ndarray::arr1;
use patchify::{cost, embed, patchify, unpatchify};
use testkit::drawn;
use testkit::drawn::Spread;

/// The patches are the reference's for oblong images, one to three channels, and any grid that divides both sides.
///
/// Look at: which axes are cut in two, and in which order they are joined.
#[test]
fn patchify_agrees_with_the_reference() {
    drawn!("patchify", 8, |case| {
        let (b, c) = (case.size("B", 1..=3), case.size("C", 1..=3));
        let grid = case.size("grid", 2..=4);
        let p = case.size("rows of a patch", 2..=4);
        let q = case.other_size("columns of a patch", 2..=5, p);
        let images = case.array((b, c, grid * p, grid * q), Spread::UNIT);
        case.agrees("patches", &patchify(images.view(), grid));
    });
}

/// The images are the reference's for two or three channels and patches of any side.
///
/// Look at: the side of a patch, which follows from its length and the channels; then the order of the axes.
#[test]
fn unpatchify_agrees_with_the_reference() {
    drawn!("unpatchify", 8, |case| {
        let (b, channels) = (case.size("B", 1..=3), case.size("channels", 2..=3));
        let grid = case.size("grid", 2..=4);
        let p = case.other_size("side of a patch", 2..=5, grid);
        let patches = case.array((b, grid * grid, channels * p * p), Spread::UNIT);
        case.agrees("images", &unpatchify(patches.view(), channels, grid));
    });
}

/// The tokens are the reference's.
///
/// Look at: which axis of the weight is summed over, and that the bias is added once to each token.
#[test]
fn embed_agrees_with_the_reference() {
    drawn!("embed", 8, |case| {
        let (b, n) = (case.size("B", 1..=3), case.size("N", 2..=7));
        let (k, d) = (case.size("K", 3..=25), case.size("D", 2..=7));
        let patches = case.array((b, n, k), Spread::UNIT);
        let (weight, bias) = (
            case.array((d, k), Spread::UNIT),
            case.array(d, Spread::UNIT),
        );
        let tokens = embed(patches.view(), weight.view(), bias.view());
        case.agrees("tokens", &tokens);
    });
}

/// Bright patches, all about a thousand, whose weights nearly cancel: a token is a small difference of large sums. What is
/// rounded to fewer digits than f32 has, or held in 16 bits on the way, is lost.
///
/// Look at: the type that sums are kept in.
#[test]
fn embed_agrees_where_large_terms_cancel() {
    drawn!("embed_of_large_terms", 8, |case| {
        let (n, half, d) = (
            case.size("N", 2..=5),
            case.size("K / 2", 4..=12),
            case.size("D", 2..=5),
        );
        let patches = case.array((1, n, 2 * half), Spread::new(1000.0, 1.0));
        let mut weight = case.array((d, 2 * half), Spread::UNIT);
        for mut row in weight.rows_mut() {
            for k in 0..half {
                row[half + k] = -row[k];
            }
        }
        let bias = case.array(d, Spread::UNIT);
        let tokens = embed(patches.view(), weight.view(), bias.view());
        case.agrees("tokens", &tokens);
    });
}

/// The four counts are the reference's.
///
/// Look at: the formulas; the class token is a token, and the bias has parameters.
#[test]
fn cost_agrees_with_the_reference() {
    drawn!("cost", 8, |case| {
        let (side, patch) = (
            case.size("patches per side", 2..=30),
            case.size("patch", 2..=32),
        );
        let (channels, dim) = (case.size("channels", 1..=5), case.size("dim", 3..=1300));
        let cost = cost(side * patch, patch, channels, dim);
        let counts = [cost.patches, cost.tokens, cost.params, cost.attention_flops];
        case.agrees("cost", &arr1(&counts.map(|count| count as i64)));
    });
}
