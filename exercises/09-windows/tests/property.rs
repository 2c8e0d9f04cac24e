//! Properties that hold for all sizes and values, checked without stored numbers.

use proptest::prelude::*;
use std::fmt;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad_guard};
use testkit::{Tolerance, assert_close, tensor};
use windows::{
    PatchMerging, Swin, SwinBlock, SwinConfig, WindowAttention, parameters, relative_bias,
    relative_index, shift_mask, window_partition, window_reverse,
};

/// Two ways to one result, in f32 and by sums of at most 40 terms of at most 4 or so: each way is off by a few
/// roundings of up to 2e-7. Less than a millionth was seen.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// Batches of maps, the window that cuts them, and a shift of it.
#[derive(Clone)]
struct Maps {
    batch: i64,
    size: (i64, i64),
    window: (i64, i64),
    shift: (i64, i64),
    seed: u32,
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} maps of {:?}, windows of {:?}, shifted by {:?}, seed {}",
            self.batch, self.size, self.window, self.shift, self.seed
        )
    }
}

impl Maps {
    fn tokens(&self, dim: i64) -> Tensor {
        let shape = [self.batch, self.size.0, self.size.1, dim];
        tensor::uniform(&format!("maps {}", self.seed), &shape, Kind::Float) * 2.
    }

    /// The group of a token under shifted windows, as the paper's figure 2 has them: on the map as it is, without a
    /// roll.
    fn group(&self, (row, column): (i64, i64)) -> (i64, i64) {
        let along = |place: i64, window: i64, shift: i64| (place + window - shift) / window;
        (
            along(row, self.window.0, self.shift.0),
            along(column, self.window.1, self.shift.1),
        )
    }

    /// A place of the map, by the seed.
    fn place(&self, salt: u32) -> (i64, i64) {
        let number = i64::from(self.seed.wrapping_mul(2_654_435_761).wrapping_add(salt) >> 8);
        let row = number % self.size.0;
        (row, number / self.size.0 % self.size.1)
    }
}

/// Oblong windows of 2 to 4 tokens a side, `counts` of them along each axis, in oblong maps; shifts of 0 to one less
/// than the window.
fn maps(counts: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Maps> {
    let sides = (2..=4_i64, 2..=4_i64, counts.clone(), counts);
    let shifts = (any::<u32>(), any::<u32>(), any::<u32>());
    (1..=3_i64, sides, shifts).prop_map(|(batch, (rows, columns, down, across), (a, b, seed))| {
        Maps {
            batch,
            size: (rows * down, columns * across),
            window: (rows, columns),
            shift: (i64::from(a) % rows, i64::from(b) % columns),
            seed,
        }
    })
}

/// One to three small stages, some with windows that are larger than the last map.
fn configs() -> impl Strategy<Value = SwinConfig> {
    let sizes = (1..=3_usize, 1..=3_i64, 2..=3_i64, 1..=2_i64, 1..=3_i64);
    let others = (1..=2_i64, 1..=2_i64, any::<bool>());
    (sizes, others).prop_map(
        |((stages, patch, window, heads, width), (depth, channels, is_small))| {
            let last = if is_small { 1 } else { window };
            let first = last << (stages - 1);
            SwinConfig {
                image: patch * first,
                patch,
                channels,
                classes: 2 + width,
                dim: heads * width,
                depths: (0..stages as i64)
                    .map(|stage| 1 + (depth + stage) % 2)
                    .collect(),
                heads: (0..stages).map(|stage| heads << stage).collect(),
                window: if is_small { first } else { window },
                mlp_ratio: depth,
            }
        },
    )
}

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Each window is a rectangle of its map: window number i · (W/Ww) + j holds rows i·Wh to (i+1)·Wh, columns j·Ww to
    /// (j+1)·Ww.
    /// Look at: a view of [B, H, W, D] as windows takes runs of a row, not rectangles: the two axes in the middle must
    /// be swapped.
    #[test]
    fn each_window_is_a_rectangle_of_its_map(maps in maps(1..=3)) {
        let (x, (rows, columns)) = (maps.tokens(3), maps.window);
        let windows = window_partition(&x, maps.window);
        let across = maps.size.1 / columns;
        let of_a_map = maps.size.0 / rows * across;
        for number in 0..windows.size()[0] {
            let (map, number_within) = (number / of_a_map, number % of_a_map);
            let (down, right) = (number_within / across * rows, number_within % across * columns);
            let expected = x.get(map).narrow(0, down, rows).narrow(1, right, columns);
            assert_close!(&windows.get(number), &expected, Tolerance::EXACT);
        }
    }

    /// Maps that are cut and put together again are as they were, and so are windows that are put together and cut.
    /// Look at: `window_reverse` undoes each step; where both have the same mistake, the test before this one fails.
    #[test]
    fn windows_put_together_give_the_map_again(maps in maps(1..=3)) {
        let x = maps.tokens(3);
        let windows = window_partition(&x, maps.window);
        assert_close!(&window_reverse(&windows, maps.size), &x, Tolerance::EXACT);
        let other = tensor::uniform(&format!("windows {}", maps.seed), &windows.size(), Kind::Float);
        let again = window_partition(&window_reverse(&other, maps.size), maps.window);
        assert_close!(&again, &other, Tolerance::EXACT);
    }

    /// A mask separates just those tokens of a window that shifted windows would separate on the map as it is: it is 0
    /// where both belong to one group, −100 where they do not.
    /// Look at: rows and columns before and after the roll: rolled by −s, row r was row (r + s) mod H.
    #[test]
    fn a_mask_separates_what_shifted_windows_would(maps in maps(1..=3)) {
        let ((rows, columns), (height, width)) = (maps.window, maps.size);
        let mask = shift_mask(maps.size, maps.window, maps.shift);
        let mut expected = vec![];
        let places = (0..height / rows).flat_map(|i| (0..width / columns).map(move |j| (i * rows, j * columns)));
        for (down, right) in places {
            let token = |i: i64| {
                let (row, column) = (down + i / columns, right + i % columns);
                maps.group(((row + maps.shift.0) % height, (column + maps.shift.1) % width))
            };
            for i in 0..rows * columns {
                expected.extend((0..rows * columns).map(|j| if token(i) == token(j) { 0_f32 } else { -100.0 }));
            }
        }
        let expected = Tensor::from_slice(&expected).view([-1, rows * columns, rows * columns]);
        assert_close!(&mask, &expected, Tolerance::EXACT);
    }

    /// Pairs of tokens that lie in the same way to each other have one index, all others have another; tokens with
    /// themselves have the middle one, and a pair turned round has the index mirrored at it.
    /// Look at: the factor of the rows' difference: one row down must be more than all columns can differ by.
    #[test]
    fn an_index_is_that_of_the_way_two_tokens_lie(rows in 1..=4_i64, columns in 1..=4_i64) {
        let index = relative_index((rows, columns), 0);
        let positions = (2 * rows - 1) * (2 * columns - 1);
        let mut seen = std::collections::BTreeMap::new();
        for i in 0..rows * columns {
            for j in 0..rows * columns {
                let apart = (i / columns - j / columns, i % columns - j % columns);
                let own = index.int64_value(&[i, j]);
                prop_assert!((0..positions).contains(&own), "index[{}, {}] is {}, of {} rows", i, j, own, positions);
                prop_assert_eq!(*seen.entry(apart).or_insert(own), own, "pairs {:?} apart", apart);
                prop_assert_eq!(own + index.int64_value(&[j, i]), positions - 1, "a pair and the same turned round");
            }
        }
        let different: std::collections::BTreeSet<_> = seen.values().collect();
        prop_assert_eq!(different.len(), seen.len(), "ways to lie, and different indices");
    }

    /// A table with one large entry in each head makes each token look at one neighbour, of its own for each head: with
    /// the row of (1, −1), at the token one row above and one column to the right.
    /// Look at: the sign of both differences, and which head a column of the table belongs to.
    #[test]
    fn one_large_entry_looks_at_one_neighbour(rows in 2..=4_i64, columns in 2..=4_i64, seed: u32) {
        let places = (2 * rows - 1) * (2 * columns - 1);
        let chosen = [i64::from(seed) % places, i64::from(seed / 7) % places];
        let table = Tensor::zeros([places, 2], (Kind::Float, Device::Cpu));
        let (vs, attention) = filled_attention(4, 2, (rows, columns));
        for (head, &entry) in chosen.iter().enumerate() {
            let _ = table.get(entry).get(head as i64).fill_(30.0);
        }
        set(&vs, "relative_position_bias_table", &table);
        for name in ["qkv.weight", "qkv.bias"] {
            let _ = tensor::variable(&vs, name).zero_();
        }
        let tokens = rows * columns;
        let x = tensor::uniform(&format!("x {seed}"), &[1, tokens, 4], Kind::Float);
        let weights = attention.attend(&x, None).1.squeeze_dim(0);
        let bias = relative_bias(&table, (rows, columns), 0);
        for (head, &entry) in chosen.iter().enumerate() {
            let (down, right) = (entry / (2 * columns - 1) - rows + 1, entry % (2 * columns - 1) - columns + 1);
            for i in 0..tokens {
                let key = (i / columns - down, i % columns - right);
                let is_there = (0..rows).contains(&key.0) && (0..columns).contains(&key.1);
                for j in 0..tokens {
                    let is_it = is_there && (j / columns, j % columns) == key;
                    let place = [head as i64, i, j];
                    let own = bias.double_value(&place);
                    let bias = if is_it { 30.0 } else { 0.0 };
                    prop_assert_eq!(own, bias, "bias of head {}, query {}, key {}", head, i, j);
                    // e⁻³⁰ is 1e-13; without a neighbour, all are alike.
                    let share = if is_there { f64::from(u8::from(is_it)) } else { 1.0 / tokens as f64 };
                    let weight = weights.double_value(&place);
                    prop_assert!(
                        (weight - share).abs() < 1e-5,
                        "head {} of token {} gives {} to {}, instead of {}", head, i, weight, j, share
                    );
                }
            }
        }
    }

    /// One number for all relative positions is no preference: it changes nothing, not even if each head has its own.
    /// Look at: the bias is added before the softmax, which does not see what is added to a whole row.
    #[test]
    fn a_constant_table_changes_nothing(rows in 1..=3_i64, columns in 1..=3_i64, heads in 1..=3_i64, seed: u32) {
        let (vs, attention) = filled_attention(2 * heads, heads, (rows, columns));
        let x = tensor::uniform(&format!("x {seed}"), &[3, rows * columns, 2 * heads], Kind::Float) * 3.;
        let places = (2 * rows - 1) * (2 * columns - 1);
        set(&vs, "relative_position_bias_table", &Tensor::zeros([places, heads], (Kind::Float, Device::Cpu)));
        let (y, weights) = attention.attend(&x, None);
        let of_heads = tensor::uniform(&format!("table {seed}"), &[1, heads], Kind::Float) * 5.;
        set(&vs, "relative_position_bias_table", &of_heads.expand([places, heads], false));
        let (y_after, weights_after) = attention.attend(&x, None);
        assert_close!(&weights_after, &weights, F32);
        assert_close!(&y_after, &y, F32);
    }

    /// With a table of zeros and no mask, a window is a sequence, and attention within it that of exercise 03.
    /// Look at: the scale, the softmax's axis, and how q, k, v and heads lie in `qkv`.
    #[test]
    fn a_table_of_zeros_is_plain_attention(rows in 1..=3_i64, columns in 1..=3_i64, heads in 1..=3_i64, seed: u32) {
        let dim = 3 * heads;
        let (vs, attention) = filled_attention(dim, heads, (rows, columns));
        let _ = tensor::variable(&vs, "relative_position_bias_table").zero_();
        let x = tensor::uniform(&format!("x {seed}"), &[2, rows * columns, dim], Kind::Float) * 3.;
        let of = |name: &str| tensor::variable(&vs, name);
        let qkv = x.linear(&of("qkv.weight"), Some(&of("qkv.bias"))).chunk(3, -1);
        let per_head = |it: &Tensor| it.unflatten(-1, [heads, -1]).transpose(1, 2);
        let [q, k, v] = [0, 1, 2].map(|i| per_head(&qkv[i]));
        let weights = (q.matmul(&k.transpose(-2, -1)) / 3_f64.sqrt()).softmax(-1, Kind::Float);
        let joined = weights.matmul(&v).transpose(1, 2).flatten(2, 3);
        let expected = joined.linear(&of("proj.weight"), Some(&of("proj.bias")));
        assert_close!(&attention.forward(&x, None), &expected, F32);
    }

    /// Rolled by whole windows, a map that is not shifted gives its output rolled: what windows hold is all that
    /// counts, not where they lie.
    /// Look at: nothing is rolled or masked where nothing is shifted.
    #[test]
    fn whole_windows_rolled_give_the_output_rolled(maps in maps(1..=3)) {
        let maps = Maps { shift: (0, 0), ..maps };
        let (_vs, block) = filled_block(&maps);
        let by = |x: &Tensor| x.roll([maps.window.0, maps.window.1], [1, 2]);
        let x = maps.tokens(DIM);
        assert_close!(&block.forward(&by(&x)), &by(&block.forward(&x)), F32);
    }

    /// A token changes the outputs of its own group and no others, whatever the shift: with shifted windows, those that
    /// lie within one shifted window on the map as it is. Across the edge of the map, no two tokens are neighbours.
    /// Look at: the mask, for what changes too much; the direction of the roll, and the roll back, for what changes
    /// elsewhere.
    #[test]
    fn a_token_reaches_its_group_and_nothing_else(maps in maps(2..=3)) {
        let (_vs, block) = filled_block(&maps);
        let place = maps.place(1);
        let changed = changed(&maps, place, |x| block.forward(x));
        for row in 0..maps.size.0 {
            for column in 0..maps.size.1 {
                let is_of_group = maps.group((row, column)) == maps.group(place);
                prop_assert_eq!(
                    changed.contains(&(row, column)), is_of_group,
                    "token {:?} changes {:?} (left), and must (right)", place, (row, column)
                );
            }
        }
    }

    /// Through one block news stay within a window; through a second one, which is shifted, they reach others: all
    /// tokens whose group has one of the first window's.
    /// Look at: the shift; without it, the second block is as narrow as the first.
    #[test]
    fn two_blocks_reach_across_windows(maps in maps(2..=3)) {
        let maps = Maps { shift: (maps.window.0 / 2, maps.window.1 / 2), ..maps };
        let plain = Maps { shift: (0, 0), ..maps.clone() };
        let ((_vs, first), (_other, second)) = (filled_block(&plain), filled_block(&maps));
        let place = maps.place(2);
        let changed = changed(&maps, place, |x| second.forward(&first.forward(x)));
        let all = || (0..maps.size.0).flat_map(|row| (0..maps.size.1).map(move |column| (row, column)));
        let news: Vec<_> = all().filter(|&it| plain.group(it) == plain.group(place)).collect();
        let is_told = |it| news.iter().any(|&other| maps.group(it) == maps.group(other));
        let expected: Vec<_> = all().filter(|&it| is_told(it)).collect();
        prop_assert!(expected.len() > news.len(), "the second block reaches further");
        prop_assert_eq!(changed, expected, "token {:?} reaches those on the left, and must those on the right", place);
    }

    /// Each map of a batch gives what it gives alone.
    /// Look at: the windows of one map follow each other, and the mask is that of a map.
    #[test]
    fn each_map_of_a_batch_is_on_its_own(maps in maps(1..=2)) {
        let maps = Maps { batch: 3, ..maps };
        let (_vs, block) = filled_block(&maps);
        let x = maps.tokens(DIM);
        let together = block.forward(&x);
        for i in 0..3 {
            let alone = block.forward(&x.narrow(0, i, 1).contiguous());
            assert_close!(&together.narrow(0, i, 1), &alone, F32);
        }
    }

    /// With branches of 0, a block is the identity, shifted or not.
    /// Look at: x itself goes on; only the branches see it normalised, and rolled.
    #[test]
    fn zeroed_branches_are_the_identity(maps in maps(1..=2)) {
        let (vs, block) = filled_block(&maps);
        for layer in ["attn.proj", "mlp.fc2"] {
            for kind in ["weight", "bias"] {
                let _ = tensor::variable(&vs, &format!("{layer}.{kind}")).zero_();
            }
        }
        let x = maps.tokens(DIM);
        assert_close!(&block.forward(&x), &x, Tolerance::EXACT);
    }

    /// `parameters` counts what a model has, for all sizes, also where a map is smaller than the window.
    /// Look at: which terms have D², D, or the number of relative positions; and the stages' own sizes.
    #[test]
    fn parameters_are_as_many_as_a_model_has(config in configs()) {
        let vs = VarStore::new(Device::Cpu);
        let _swin = Swin::new(&vs.root(), &config);
        let variables = vs.trainable_variables();
        let count: i64 = variables.iter().map(|variable| variable.numel() as i64).sum();
        prop_assert_eq!(parameters(&config), count, "parameters says the left one, the model has the right one");
    }

    /// Logits are the head of the mean of all features, and each image gives what it gives alone.
    /// Look at: the axes of the mean: rows and columns of the map, and neither the batch nor the features.
    #[test]
    fn logits_are_the_head_of_the_mean_of_the_features(config in configs()) {
        let vs = VarStore::new(Device::Cpu);
        let swin = Swin::new(&vs.root(), &config);
        fill(&vs);
        let images = tensor::uniform("images", &[3, config.channels, config.image, config.image], Kind::Float);
        let features = swin.forward_features(&images);
        let of = |name: &str| tensor::variable(&vs, name);
        let mean = features.flatten(1, 2).mean_dim(1, false, Kind::Float);
        let expected = mean.linear(&of("head.fc.weight"), Some(&of("head.fc.bias")));
        assert_close!(&swin.forward(&images), &expected, F32);
        for i in 0..3 {
            let alone = swin.forward(&images.narrow(0, i, 1).contiguous());
            assert_close!(&expected.narrow(0, i, 1), &alone, F32);
        }
    }

    /// A merged token sees its own four, and nothing else.
    /// Look at: the axes that are joined: two of them come from the map, the rows and columns within each 2 × 2.
    #[test]
    fn a_merged_token_sees_its_own_four(rows in 1..=3_i64, columns in 1..=3_i64, seed: u32) {
        let maps = Maps { batch: 2, size: (2 * rows, 2 * columns), window: (2, 2), shift: (0, 0), seed };
        let vs = VarStore::new(Device::Cpu);
        let merging = PatchMerging::new(&vs.root(), DIM);
        fill(&vs);
        let place = maps.place(3);
        let changed = changed(&maps, place, |x| merging.forward(x));
        prop_assert_eq!(changed, vec![(place.0 / 2, place.1 / 2)], "token {:?} changes those on the left", place);
    }
}

/// One block takes maps of several sizes, one after the other. Along an axis that one window covers there is nothing to
/// shift; a map that came before changes nothing.
/// Look at: the shift is decided in each call, and not kept.
#[test]
fn each_call_looks_at_the_map_that_it_gets() {
    let maps = |size, shift| Maps {
        batch: 2,
        size,
        window: (2, 3),
        shift,
        seed: 1,
    };
    let (large, low) = (maps((4, 6), (1, 2)), maps((2, 9), (1, 2)));
    let (_vs, block) = filled_block(&large);
    let first = block.forward(&large.tokens(DIM));
    let (_other, unshifted_rows) = filled_block(&maps((2, 9), (0, 2)));
    let of_low = block.forward(&low.tokens(DIM));
    assert_close!(&of_low, &unshifted_rows.forward(&low.tokens(DIM)), F32);
    let again = block.forward(&large.tokens(DIM));
    assert_close!(&again, &first, F32);
}

const DIM: i64 = 6;
const HEADS: i64 = 2;

/// The places of the first map's output that are others once its token at `place` is another.
fn changed(
    maps: &Maps,
    place: (i64, i64),
    function: impl Fn(&Tensor) -> Tensor,
) -> Vec<(i64, i64)> {
    let x = maps.tokens(DIM);
    let other = x.copy();
    let token = other.get(0).get(place.0).get(place.1);
    token
        .shallow_clone()
        .copy_(&tensor::uniform("another token", &[DIM], Kind::Float));
    let _guard = no_grad_guard();
    let difference = (function(&x) - function(&other)).abs().amax([-1], false);
    // What is not looked at is the same to the bit, but for a sum's order; a weight of 1/16 shows by a hundredth or so.
    let rest = difference.narrow(0, 1, difference.size()[0] - 1);
    assert!(
        rest.numel() == 0 || rest.max().double_value(&[]) < 1e-6,
        "a token of the first map changes another map"
    );
    let size = difference.size();
    let all = (0..size[1]).flat_map(|row| (0..size[2]).map(move |column| (row, column)));
    all.filter(|&(row, column)| difference.double_value(&[0, row, column]) > 1e-6)
        .collect()
}

/// Attention with weights that do not depend on random draws.
fn filled_attention(dim: i64, heads: i64, window: (i64, i64)) -> (VarStore, WindowAttention) {
    let vs = VarStore::new(Device::Cpu);
    let attention = WindowAttention::new(&vs.root(), dim, heads, window);
    fill(&vs);
    (vs, attention)
}

/// A block for the window and the shift of such maps.
fn filled_block(maps: &Maps) -> (VarStore, SwinBlock) {
    let vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), DIM, HEADS, maps.window, maps.shift, 2);
    fill(&vs);
    (vs, block)
}

/// Weights that do not depend on random draws. The norms' are about 1.
fn fill(vs: &VarStore) {
    tensor::fill(vs);
    let _guard = no_grad_guard();
    for (name, mut variable) in tensor::variables(vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = variable.g_add_scalar_(1.0);
        }
    }
}

fn set(vs: &VarStore, name: &str, value: &Tensor) {
    let _guard = no_grad_guard();
    tensor::variable(vs, name).copy_(value);
}
