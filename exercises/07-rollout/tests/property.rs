//! Properties of attention of every size, with any values.

use ndarray::{Array1, Array2, Array3, Axis, Slice, concatenate};
use proptest::prelude::*;
use rollout::{
    Fusion, attention_distance, class_map, fuse_heads, rollout, upsample, with_residual,
};
use std::fmt;
use testkit::{Tolerance, assert_close, uniform};

/// Rows of up to 7 positive numbers, added up and divided by their sum, in up to 4 layers, and the products of these: each
/// step is off by less than 10 · 2⁻²⁴ of weights that are below 1, so all by less than 5e-6.
const ROLLED_OUT: Tolerance = Tolerance::new(0.0, 5e-6);

/// On sides of up to 8, s(i) in f32 is off by up to 3 · 8 · 2⁻²⁴ = 1.4e-6, and neighbours differ by up to 2; the products
/// and sums add 1e-6.
const UPSAMPLED: Tolerance = Tolerance::new(0.0, 1e-5);

/// Two sums of up to 16 positive terms, a quotient and a mean of 16: less than 60 · 2⁻²⁴ of distances of up to 85 pixels
/// (4 patches of 16 aslant): 3e-4.
const DISTANCE: Tolerance = Tolerance::new(4e-6, 1e-6);

/// Weights between 0.25 and 2.25, whose rows sum to 1 where that is asked for.
fn attention(name: &str, shape: (usize, usize, usize), sum_to_one: bool) -> Array3<f32> {
    let weights: Array3<f32> = uniform(name, shape) + 1.25;
    if !sum_to_one {
        return weights;
    }
    let sums = weights.sum_axis(Axis(2)).insert_axis(Axis(2));
    weights / sums
}

fn fusions() -> impl Strategy<Value = Fusion> {
    prop_oneof![Just(Fusion::Mean), Just(Fusion::Max), Just(Fusion::Min)]
}

/// Shares of which every count is a number that f32 and f64 agree on.
fn shares() -> impl Strategy<Value = f32> {
    (0..=4_u8).prop_map(|quarters| f32::from(quarters) / 4.0)
}

/// The attention of some layers.
struct Layers(Vec<Array3<f32>>);

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (heads, tokens, _) = self.0[0].dim();
        let layers = self.0.len();
        write!(f, "{layers} layers of {heads} heads and {tokens} tokens")
    }
}

prop_compose! {
    /// 1 to 4 layers of 1 to 3 heads, for 2 to 7 tokens.
    fn layers()(
        depth in 1..=4_usize,
        heads in 1..=3_usize,
        n in 2..=7_usize,
        seed in any::<u32>(),
    ) -> Layers {
        let layer = |l| attention(&format!("layer {l} of {seed}"), (heads, n, n), true);
        Layers((0..depth).map(layer).collect())
    }
}

/// Tokens in front, rows and columns of patches, a patch's side in pixels, and a seed for attention between them.
struct Places {
    prefix: usize,
    grid: (usize, usize),
    patch: usize,
    seed: u32,
}

impl Places {
    fn patches(&self) -> usize {
        self.grid.0 * self.grid.1
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            prefix,
            grid: (rows, columns),
            patch,
            ..
        } = self;
        write!(
            f,
            "{prefix} tokens in front of {rows} × {columns} patches of {patch} pixels"
        )
    }
}

prop_compose! {
    /// Up to 2 tokens in front of up to 4 × 4 patches of up to 16 pixels.
    fn places()(
        prefix in 0..=2_usize,
        rows in 1..=4_usize,
        columns in 1..=4_usize,
        patch in 1..=16_usize,
        seed in any::<u32>(),
    ) -> Places {
        Places { prefix, grid: (rows, columns), patch, seed }
    }
}

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// The shares of the input tokens in an output token sum to 1, with any fusion and any share discarded.
    ///
    /// Look at: the last step of each layer. The mean hides it if it is missing; maximum, minimum and `discard` do not.
    #[test]
    fn each_row_of_a_rollout_sums_to_one(Layers(layers) in layers(), fusion in fusions(), discard in shares()) {
        let sums = rollout(&layers, fusion, discard).sum_axis(Axis(1));
        assert_close!(&sums, &Array1::<f32>::ones(sums.len()), ROLLED_OUT);
    }

    /// If in all layers each token attends only to itself, each output token is its input token: identity in, identity
    /// out, with any fusion, and even if these weights are discarded: there is still the residual.
    ///
    /// Look at: the residual, and that rows are brought back to sum 1 after it was added.
    #[test]
    fn layers_that_only_look_at_themselves_change_nothing(
        depth in 1..=4_usize,
        heads in 1..=3_usize,
        n in 1..=7_usize,
        fusion in fusions(),
        discard in shares(),
    ) {
        let identity: Array2<f32> = Array2::eye(n);
        let layer = Array3::from_shape_fn((heads, n, n), |(_, i, j)| identity[[i, j]]);
        let layers = vec![layer; depth];
        assert_close!(&rollout(&layers, fusion, discard), &identity, ROLLED_OUT);
    }

    /// One layer, rolled out, is its fused heads with the residual.
    ///
    /// Look at: what the product begins with. Nothing but the layers is in it.
    #[test]
    fn one_layer_gives_its_own_map(Layers(layers) in layers(), fusion in fusions()) {
        let fused = fuse_heads(layers[0].view(), fusion);
        let rolled_out = rollout(&layers[..1], fusion, 0.0);
        assert_close!(&rolled_out, &with_residual(fused.view()), ROLLED_OUT);
    }

    /// A rollout of all layers is the rollout of the later ones, times that of the earlier ones.
    ///
    /// Look at: the order. A column vector of tokens stands on the right, so the layer that it meets first does, too.
    #[test]
    fn later_layers_are_multiplied_from_the_left(
        Layers(earlier) in layers(),
        Layers(later) in layers(),
        fusion in fusions(),
        discard in shares(),
    ) {
        let n = earlier[0].dim().1.min(later[0].dim().1);
        let cut = |layers: &[Array3<f32>]| -> Vec<Array3<f32>> {
            let square = |layer: &Array3<f32>| {
                let rows = layer.slice_axis(Axis(1), Slice::from(..n));
                rows.slice_axis(Axis(2), Slice::from(..n)).to_owned()
            };
            layers.iter().map(square).collect()
        };
        let (earlier, later) = (cut(&earlier), cut(&later));
        let all = rollout(&[earlier.clone(), later.clone()].concat(), fusion, discard);
        let product = rollout(&later, fusion, discard).dot(&rollout(&earlier, fusion, discard));
        assert_close!(&all, &product, ROLLED_OUT);
    }

    /// With everything discarded, each token keeps what it takes from the class token, and itself.
    ///
    /// Look at: column 0 of the fused map, weights *to* the class token. They are not among those that are counted and
    /// sorted. Row 0, what the class token looks at, is.
    #[test]
    fn weights_to_the_class_token_are_never_discarded(n in 1..=6_usize, seed in any::<u32>()) {
        let layer = attention(&format!("layer {seed}"), (1, n, n), false);
        let left = Array2::from_shape_fn((n, n), |(i, j)| {
            let kept = if j == 0 { layer[[0, i, 0]] } else { 0.0 };
            kept + if i == j { 1.0 } else { 0.0 }
        });
        let sums = left.sum_axis(Axis(1)).insert_axis(Axis(1));
        assert_close!(&rollout(&[layer], Fusion::Mean, 1.0), &(left / sums), ROLLED_OUT);
    }

    /// The map is the class token's row: what it takes from each patch, row by row.
    ///
    /// Look at: which of the two axes is the one that takes. And tokens in front of the patches have no place in the map.
    #[test]
    fn the_map_holds_what_the_class_token_takes_from_each_patch(places in places()) {
        let grid = places.grid;
        let prefix = places.prefix.max(1);
        let n = prefix + places.patches();
        let rollout = Array2::from_shape_fn((n, n), |(i, j)| (n * i + j) as f32);
        let numbers = Array2::from_shape_fn(grid, |(row, column)| (prefix + row * grid.1 + column) as f32);
        assert_close!(&class_map(rollout.view(), prefix, grid), &numbers, Tolerance::EXACT);
    }

    /// A map that is the same everywhere stays so in every size, and every map stays as it is in its own size.
    ///
    /// Look at: the shares of the old values, which must sum to 1, at the edges too. In its own size, s(i) is i.
    #[test]
    fn upsampling_keeps_constants_and_sizes_that_stay(
        h in 1..=8_usize,
        w in 1..=8_usize,
        rows in 1..=8_usize,
        columns in 1..=8_usize,
        seed in any::<u32>(),
    ) {
        let map: Array2<f32> = uniform(&format!("map {seed}"), (h, w));
        assert_close!(&upsample(map.view(), (h, w)), &map, UPSAMPLED);
        let value = map[[0, 0]];
        let constant = Array2::from_elem((h, w), value);
        let resized = upsample(constant.view(), (rows, columns));
        assert_close!(&resized, &Array2::from_elem((rows, columns), value), UPSAMPLED);
    }

    /// A head of which each patch looks only at itself reaches 0 pixels; one that looks everywhere alike, the mean
    /// distance of all pairs of patches.
    ///
    /// Look at: distance 0 counts too. The mean is over all patches, not only the others.
    #[test]
    fn a_head_that_looks_at_itself_reaches_nowhere_and_one_that_looks_everywhere_the_mean(
        places in places(),
    ) {
        let Places { prefix, grid: (rows, columns), patch, .. } = places;
        let patches = places.patches();
        let n = prefix + patches;
        let heads = Array3::from_shape_fn((2, n, n), |(head, i, j)| match head {
            0 => if i == j { 1.0 } else { 0.0 },
            _ => 1.0 / n as f32,
        });
        let mut sum = 0.0;
        for i in 0..patches {
            for j in 0..patches {
                let down = (i / columns).abs_diff(j / columns);
                let across = (i % columns).abs_diff(j % columns);
                sum += ((down * down + across * across) as f64).sqrt();
            }
        }
        let mean = patch as f64 * sum / (patches * patches) as f64;
        let distance = attention_distance(heads.view(), prefix, (rows, columns), patch);
        assert_close!(&distance, &ndarray::arr1(&[0.0, mean as f32]), DISTANCE);
    }

    /// The weights between patches and the tokens in front change no distance: only the weights of patches for one
    /// another do.
    ///
    /// Look at: both axes lose the first `prefix` tokens. Then each row is divided by its own sum.
    #[test]
    fn distances_do_not_depend_on_what_goes_to_the_tokens_in_front(places in places()) {
        let Places { prefix, grid, patch, seed } = places;
        let patches = places.patches();
        let alone = attention(&format!("alone {seed}"), (2, patches, patches), true);
        let taken = attention(&format!("taken {seed}"), (2, patches, prefix), false);
        let in_front = attention(&format!("in front {seed}"), (2, prefix, prefix + patches), false);
        let sums = taken.sum_axis(Axis(2)).insert_axis(Axis(2)) + 1.0;
        let rows = concatenate![Axis(2), taken, alone] / sums;
        let all = concatenate![Axis(1), in_front, rows];
        let distance = attention_distance(all.view(), prefix, grid, patch);
        assert_close!(&distance, &attention_distance(alone.view(), 0, grid, patch), DISTANCE);
    }

    /// A patch that gives everything to the class token counts 0 in the mean over patches, and is no reason for a NaN.
    ///
    /// Look at: 0 / 0.
    #[test]
    fn a_patch_that_looks_at_no_patch_counts_nothing(places in places(), at in 0..16_usize) {
        let Places { grid, patch, seed, .. } = places;
        let patches = places.patches();
        let at = at % patches;
        let mut layer = attention(&format!("layer {seed}"), (1, patches, patches), true);
        // Looking only at itself is a distance of 0, too.
        layer.index_axis_mut(Axis(1), at).fill(0.0);
        let mut at_itself = layer.clone();
        at_itself[[0, at, at]] = 1.0;
        let distance = attention_distance(layer.view(), 0, grid, patch);
        assert_close!(&distance, &attention_distance(at_itself.view(), 0, grid, patch), DISTANCE);
    }
}
