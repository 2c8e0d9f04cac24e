//! Each function against the reference, on sizes and values that are drawn; initial values against their distribution.

use std::ops::RangeInclusive;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::distribution::PooledValues;
use testkit::drawn::{Case, Spread};
use testkit::initialisation::assert_initial_values;
use testkit::{drawn, tensor};
use vit::INITIAL_STD;
use windows::{
    PatchMerging, Swin, SwinBlock, SwinConfig, WindowAttention, cost, parameters, relative_bias,
    relative_index, shift_mask, window_partition, window_reverse,
};

/// Windows and gradient are the reference's for oblong maps in oblong windows, in f32 and f64.
///
/// Look at: in which order the axes are taken apart, and which two are swapped.
#[test]
fn window_partition_agrees_with_the_reference() {
    drawn!("window_partition", 8, |case| {
        let (kind, map) = (case.kind(), Map::drawn(case));
        let x = map.tokens(case, kind).set_requires_grad(true);
        let inputs = [("x".to_owned(), x.shallow_clone())];
        let (rows, columns) = map.window;
        let shape = [map.batch * map.windows(), rows, columns, map.dim];
        let forward = || window_partition(&x, map.window);
        let windows = case.gradients_agree(&shape, forward, &inputs, &["x"]);
        case.agrees("windows", &windows);
    });
}

/// Maps and gradient are the reference's for windows of other numbers than their own would be.
///
/// Look at: the steps of `window_partition`, each undone, in the opposite order.
#[test]
fn window_reverse_agrees_with_the_reference() {
    drawn!("window_reverse", 8, |case| {
        let (kind, map) = (case.kind(), Map::drawn(case));
        let (rows, columns) = map.window;
        let shape = [map.batch * map.windows(), rows, columns, map.dim];
        let windows = case.tensor(&shape, kind, Spread::UNIT);
        let windows = windows.set_requires_grad(true);
        let inputs = [("windows".to_owned(), windows.shallow_clone())];
        let shape = [map.batch, map.size.0, map.size.1, map.dim];
        let forward = || window_reverse(&windows, map.size);
        let x = case.gradients_agree(&shape, forward, &inputs, &["windows"]);
        case.agrees("x", &x);
    });
}

/// Masks are the reference's for oblong maps, windows and shifts, also where an axis is not shifted.
///
/// Look at: where each axis is cut, and that both are.
#[test]
fn shift_mask_agrees_with_the_reference() {
    drawn!("shift_mask", 8, |case| {
        // 33,040 different masks: 20 maps for each of 56 windows, and as many shifts as a window has tokens. The largest
        // answer has 20 · 72² values.
        let window = window(case, 2..=9);
        let map = Map::of_windows(case, window, 5);
        let shift = map.shift(case);
        case.agrees("mask", &shift_mask(map.size, map.window, shift));
    });
}

/// Indices are the reference's for windows of many sizes, three of them in each case, with a class token and without.
///
/// Look at: the factor of the rows' difference, and the sign of both differences.
#[test]
fn relative_index_agrees_with_the_reference() {
    // 2191 windows, and 4382 different indices: a table of them would be longer than the function that it replaces. Larger
    // windows have indices that are not accepted as the answer to a few numbers: they are of more than 2 MiB.
    let windows = windows_of_up_to(500);
    drawn!("relative_index", 8, |case| {
        for place in ["first", "second", "third"] {
            let window = case.pick(&windows);
            case.note(
                &format!("{place} window"),
                format!("{}x{}", window.0, window.1),
            );
            let prefix = case.axis("prefix", 0..=1);
            case.agrees("index", &relative_index(window, prefix));
        }
    });
}

/// Biases and the table's gradient are the reference's, for two to four heads, in f32 and f64.
///
/// Look at: the index, and the axis of the heads.
#[test]
fn relative_bias_agrees_with_the_reference() {
    let windows = windows_of_up_to(60);
    drawn!("relative_bias", 8, |case| {
        let (kind, window) = (case.kind(), case.pick(&windows));
        case.note("window", format!("{}x{}", window.0, window.1));
        let prefix = case.axis("prefix", 0..=1);
        let heads = case.axis("h", 2..=4);
        let rows = (2 * window.0 - 1) * (2 * window.1 - 1) + 3 * prefix;
        let table = case.tensor(&[rows, heads], kind, Spread::UNIT);
        let table = table.set_requires_grad(true);
        let inputs = [("table".to_owned(), table.shallow_clone())];
        let side = window.0 * window.1 + prefix;
        let forward = || relative_bias(&table, window, prefix);
        let bias = case.gradients_agree(&[heads, side, side], forward, &inputs, &["table"]);
        case.agrees("bias", &bias);
    });
}

/// Output and gradients are the reference's for drawn weights, with a mask and without, in f32 and f64.
///
/// Look at: what is added to the logits, and to which windows a mask belongs.
#[test]
fn window_attention_agrees_with_the_reference() {
    drawn!("window_attention", 8, |case| {
        let (_vs, attention, inputs, mask) = attention(case, |case| case.kind());
        let named = [
            "x",
            "relative_position_bias_table",
            case.pick(&["qkv.weight", "qkv.bias"]),
            case.pick(&["proj.weight", "proj.bias"]),
        ];
        let x = &inputs[0].1;
        let forward = || attention.forward(x, mask.as_ref());
        let y = case.gradients_agree(&x.size(), forward, &inputs, &named);
        case.agrees("y", &y);
    });
}

/// `attend` gives the reference's output and weights of each head, with a mask and without.
///
/// Look at: that the weights are those after the softmax, with an axis for the heads.
#[test]
fn attend_agrees_with_the_reference() {
    drawn!("attend", 6, |case| {
        let (_vs, attention, inputs, mask) = attention(case, |case| case.kind());
        let (y, weights) = attention.attend(&inputs[0].1.detach(), mask.as_ref());
        case.agrees("y", &y);
        case.agrees("weights", &weights);
    });
}

/// Large tokens give logits of thousands, whose exponentials are infinite, or all 0, also in f64; attention is no less defined
/// there, with a mask and without.
///
/// Look at: the softmax. Each row's largest logit is subtracted before the exponential; the library's does so.
#[test]
fn window_attention_agrees_for_large_logits() {
    drawn!("window_attention_of_large_logits", 4, |case| {
        let (_vs, attention, inputs, mask) = attention(case, |_| Kind::Double);
        // Logits are as large as the squares of tokens.
        let x = inputs[0].1.detach() * 40.0;
        case.agrees_within("y", &attention.forward(&x, mask.as_ref()), OF_LARGE_LOGITS);
        let (y, weights) = attention.attend(&x, mask.as_ref());
        case.agrees_within("y", &y, OF_LARGE_LOGITS);
        case.agrees_within("weights", &weights, OF_LARGE_LOGITS);
    });
}

/// Output and gradients of a block are the reference's, shifted along both axes, along one, or not at all, in f32 and
/// f64.
///
/// Look at: roll, windows, mask, and back; then what is added to what.
#[test]
fn swin_block_agrees_with_the_reference() {
    drawn!("swin_block", 8, |case| {
        let (mut vs, block, map) = swin_block(case);
        let kind = case.kind();
        let inputs = inputs(case, &mut vs, &map, kind);
        let named = [
            "x",
            "attn.relative_position_bias_table",
            case.pick(&["norm1.weight", "norm2.bias", "attn.qkv.bias"]),
            case.pick(&["attn.qkv.weight", "attn.proj.weight", "norm2.weight"]),
            case.pick(&["mlp.fc1.weight", "mlp.fc2.weight", "norm1.bias"]),
        ];
        let x = &inputs[0].1;
        let y = case.gradients_agree(&x.size(), || block.forward(x), &inputs, &named);
        case.agrees("y", &y);
    });
}

/// Tokens whose mean is some millions of times their standard deviation, before both norms, in f64. The library's norm keeps
/// half of the digits; one that takes the variance as the mean of the squares without the square of the mean keeps hardly any.
///
/// Look at: the norms, if they are not the library's. The mean is taken away before anything is squared.
#[test]
fn swin_block_agrees_where_the_mean_is_large() {
    drawn!("swin_block_of_a_large_mean", 4, |case| {
        let (mut vs, block, map) = swin_block(case);
        let x = inputs(case, &mut vs, &map, Kind::Double)[0].1.detach() + large_mean(case);
        case.agrees("y", &block.forward(&x));
    });
}

/// Weights of attention so large that logits are thousands, whose exponentials are infinite, or all 0, also in f64.
///
/// Look at: the softmax, if it is not that of `WindowAttention`.
#[test]
fn swin_block_agrees_for_large_logits() {
    drawn!("swin_block_of_large_logits", 4, |case| {
        let (mut vs, block, map) = swin_block(case);
        let x = inputs(case, &mut vs, &map, Kind::Double)[0].1.detach();
        tensor::change(&vs, "qkv", |it| it * 100.0);
        case.agrees_within("y", &block.forward(&x), OF_LARGE_LOGITS);
    });
}

/// Output and gradients of merging are the reference's for oblong maps, in f32 and f64.
///
/// Look at: the order of the four neighbours, and that norm and linear layer see them joined.
#[test]
fn patch_merging_agrees_with_the_reference() {
    drawn!("patch_merging", 8, |case| {
        let (mut vs, merging, map) = merging(case);
        let kind = case.kind();
        let inputs = inputs(case, &mut vs, &map, kind);
        let named = ["x", "norm.weight", "norm.bias", "reduction.weight"];
        let x = &inputs[0].1;
        let (rows, columns) = map.size;
        let shape = [map.batch, rows / 2, columns / 2, 2 * map.dim];
        let y = case.gradients_agree(&shape, || merging.forward(x), &inputs, &named);
        case.agrees("y", &y);
    });
}

/// Tokens whose mean is some millions of times their standard deviation, in f64. The library's norm keeps half of the digits; one
/// that takes the variance as the mean of the squares without the square of the mean keeps hardly any.
///
/// Look at: the norm, if it is not the library's. The mean is taken away before anything is squared.
#[test]
fn patch_merging_agrees_where_the_mean_is_large() {
    drawn!("patch_merging_of_a_large_mean", 4, |case| {
        let (mut vs, merging, map) = merging(case);
        let x = inputs(case, &mut vs, &map, Kind::Double)[0].1.detach() + large_mean(case);
        case.agrees("y", &merging.forward(&x));
    });
}

/// Counts are the reference's for maps of any size.
///
/// Look at: both equations, and which square is of what.
#[test]
fn cost_agrees_with_the_reference() {
    drawn!("cost", 8, |case| {
        let size = (case.axis("H", 2..=80), case.axis("W", 2..=80));
        let (dim, window) = (case.axis("D", 8..=400), case.axis("window", 2..=12));
        let count = cost(size, dim, window);
        let count = Tensor::from_slice(&[count.global, count.windowed]);
        case.agrees("cost", &count);
    });
}

/// Initial weights and tables of attention are those of `trunc_normal`, all of them drawn one by one and others in each
/// new module; biases are 0.
///
/// Look at: the table is drawn, too: it does not start at 0.
#[test]
fn initial_values_of_attention_have_their_distribution() {
    let pooled = PooledValues::default();
    drawn!("initial_values_of_attention", 4, |case| {
        let (heads, window) = (case.axis("h", 2..=4), small_window(case));
        let dim = heads * case.axis("d", 4..=7);
        pooled.add(assert_initialised(case, |vs| {
            WindowAttention::new(&vs.root(), dim, heads, window);
        }));
    });
    pooled.assert_uniform(PLACES);
}

/// Initial weights and tables of a block are those of `trunc_normal`, all of them drawn one by one and others in each
/// new block; biases are 0, and norms have weights of 1.
///
/// Look at: the MLP's linear layers, too, which start otherwise by themselves.
#[test]
fn initial_values_of_a_block_have_their_distribution() {
    let pooled = PooledValues::default();
    drawn!("initial_values_of_a_block", 4, |case| {
        let (heads, window) = (case.axis("h", 2..=4), small_window(case));
        let (dim, ratio) = (heads * case.axis("d", 4..=7), case.axis("r", 1..=3));
        pooled.add(assert_initialised(case, |vs| {
            SwinBlock::new(&vs.root(), dim, heads, window, (0, 0), ratio);
        }));
    });
    pooled.assert_uniform(PLACES);
}

/// The initial weight of merging is that of `trunc_normal`, each number drawn by itself and others in each new module;
/// its norm has weights of 1 and biases of 0.
///
/// Look at: the linear layer's weight, which the library draws otherwise.
#[test]
fn initial_values_of_merging_have_their_distribution() {
    let pooled = PooledValues::default();
    drawn!("initial_values_of_merging", 4, |case| {
        let dim = case.axis("D", 8..=16);
        pooled.add(assert_initialised(case, |vs| {
            PatchMerging::new(&vs.root(), dim);
        }));
    });
    pooled.assert_uniform(PLACES);
}

/// Logits and gradients of a Swin are the reference's, for two stages of one or two blocks, in f32 and f64; also where
/// the second map is smaller than the window.
///
/// Look at: patches and their norm, merging in front of blocks, which blocks are shifted, the last norm, and the mean.
#[test]
fn swin_agrees_with_the_reference() {
    drawn!("swin", 6, |case| {
        let config = swin_config(case);
        let kind = case.kind();
        let (_vs, swin, inputs) = swin(case, &config, kind);
        let images = &inputs[0].1;
        let named = [
            "images",
            case.pick(&["patch_embed.proj.weight", "patch_embed.norm.bias"]),
            case.pick(&["layers.1.downsample.reduction.weight", "norm.weight"]),
            case.pick(&["head.fc.weight", "head.fc.bias"]),
            "layers.0.blocks.0.attn.relative_position_bias_table",
        ];
        let shape = [images.size()[0], config.classes];
        let logits = case.gradients_agree(&shape, || swin.forward(images), &inputs, &named);
        case.agrees("logits", &logits);
    });
}

/// Features are the reference's: the last stage's map, behind the last norm.
///
/// Look at: what comes behind the last block.
#[test]
fn features_agree_with_the_reference() {
    drawn!("features", 6, |case| {
        let config = swin_config(case);
        let kind = case.kind();
        let (_vs, swin, inputs) = swin(case, &config, kind);
        let features = swin.forward_features(&inputs[0].1.detach());
        case.agrees("features", &features);
    });
}

/// Biases move every token to a mean of millions: before the norm of the patches, through the first stage to its merging, and
/// through the second from its first block on. In f64, the library's norm keeps half of the digits; one that takes the variance as
/// the mean of the squares without the square of the mean keeps hardly any.
///
/// Look at: each norm that is not the library's. The mean is taken away before anything is squared.
#[test]
fn swin_agrees_where_the_mean_is_large() {
    drawn!("swin_of_a_large_mean", 3, |case| {
        let config = swin_config(case);
        let (vs, swin, inputs) = swin(case, &config, Kind::Double);
        let mean = large_mean(case);
        for bias in [
            "patch_embed.proj.bias",
            "patch_embed.norm.bias",
            "layers.1.blocks.0.attn.proj.bias",
        ] {
            tensor::change(&vs, bias, |it| it + mean);
        }
        let images = inputs[0].1.detach();
        case.agrees("logits", &swin.forward(&images));
        case.agrees("features", &swin.forward_features(&images));
    });
}

/// Weights of attention so large that logits are thousands, whose exponentials are infinite, or all 0, also in f64.
///
/// Look at: the softmax, if it is not that of `WindowAttention`.
#[test]
fn swin_agrees_for_large_logits_of_attention() {
    drawn!("swin_of_large_logits_of_attention", 3, |case| {
        let config = swin_config(case);
        let (vs, swin, inputs) = swin(case, &config, Kind::Double);
        tensor::change(&vs, "qkv", |it| it * 100.0);
        let images = inputs[0].1.detach();
        case.agrees_within("logits", &swin.forward(&images), OF_LARGE_LOGITS);
        case.agrees_within("features", &swin.forward_features(&images), OF_LARGE_LOGITS);
    });
}

/// The number of parameters is the reference's for one to four stages of any size.
///
/// Look at: each part of the table of variables, and what differs from stage to stage.
#[test]
fn parameters_agree_with_the_reference() {
    drawn!("parameters", 8, |case| {
        let stages = case.size("stages", 1..=4);
        let (patch, window) = (case.axis("patch", 2..=8), case.axis("window", 2..=7));
        let heads = case.axis("heads", 1..=4);
        // The last map is of one window, or, where it is smaller, of its own.
        let last = case.pick(&[window, 2 * window, 1]);
        case.note("side of the last map", last);
        let first = last << (stages - 1);
        let config = SwinConfig {
            image: patch * first,
            patch,
            channels: case.axis("C", 1..=4),
            classes: case.axis("K", 2..=2000),
            dim: heads * case.axis("d", 4..=32),
            depths: (0..stages).map(|_| case.axis("depth", 1..=18)).collect(),
            heads: (0..stages).map(|stage| heads << stage).collect(),
            window: if last == 1 { first } else { window },
            mlp_ratio: case.axis("r", 1..=5),
        };
        case.agrees("parameters", &parameters(&config));
    });
}

/// Initial weights and tables of a Swin are those of `trunc_normal`, all of them drawn one by one and others in each
/// new model; biases are 0, and norms have weights of 1.
///
/// Look at: the convolution of the patches, too, which starts otherwise by itself.
#[test]
fn initial_values_of_a_swin_have_their_distribution() {
    let pooled = PooledValues::default();
    drawn!("initial_values_of_a_swin", 4, |case| {
        let config = SwinConfig {
            dim: 12,
            ..swin_config(case)
        };
        pooled.add(assert_initialised(case, |vs| {
            Swin::new(&vs.root(), &config);
        }));
    });
    pooled.assert_uniform(PLACES);
}

/// Two stages, whose second map is of one window, of four, or smaller than the window.
fn swin_config(case: &mut Case<'_>) -> SwinConfig {
    let patch = case.axis("patch", 2..=3);
    let (window, last) = case.pick(&[(2, 2), (3, 3), (2, 4), (4, 2)]);
    case.note("window", window);
    case.note("side of the last map", last);
    let heads = case.axis("h", 1..=2);
    SwinConfig {
        image: patch * 2 * last,
        patch,
        channels: case.axis("C", 1..=3),
        classes: case.axis("K", 3..=5),
        dim: heads * case.axis("d", 2..=3),
        depths: vec![case.axis("depth 0", 1..=2), case.axis("depth 1", 1..=2)],
        heads: vec![heads, 2 * heads],
        window,
        mlp_ratio: case.axis("r", 1..=3),
    }
}

/// A Swin of drawn weights, images, and both by name.
fn swin(
    case: &mut Case<'_>,
    config: &SwinConfig,
    kind: Kind,
) -> (VarStore, Swin, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let swin = Swin::new(&vs.root(), config);
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(&vs);
    let shape = [
        case.axis("B", 1..=3),
        config.channels,
        config.image,
        config.image,
    ];
    let images = case.tensor(&shape, kind, Spread::UNIT);
    let mut inputs = vec![("images".to_owned(), images.set_requires_grad(true))];
    inputs.extend(tensor::variables(&vs));
    (vs, swin, inputs)
}

/// The measure of initial values: uniform in ±1 where they are drawn as they are to be.
const PLACES: &str = "initial values, as places between both ends of the distribution,";

/// Fails unless two modules have Swin's initial values, drawn anew in each; returns their places.
fn assert_initialised(case: &Case<'_>, make: impl Fn(&VarStore)) -> Vec<f64> {
    let models = ["first", "second"].map(|model| {
        let vs = VarStore::new(Device::Cpu);
        make(&vs);
        case.compares();
        (model, vs)
    });
    assert_initial_values(&models, INITIAL_STD)
}

/// A batch of maps that a window divides.
struct Map {
    batch: i64,
    size: (i64, i64),
    window: (i64, i64),
    dim: i64,
}

impl Map {
    /// Up to three oblong windows along each axis.
    fn drawn(case: &mut Case<'_>) -> Self {
        let window = small_window(case);
        Self::of_windows(case, window, 3)
    }

    /// One to `most` of these windows along each axis, and not as many along both.
    fn of_windows(case: &mut Case<'_>, window: (i64, i64), most: usize) -> Self {
        let down = case.axis("windows down", 1..=most);
        let across = case.other_size("windows across", 1..=most, down as usize) as i64;
        Self {
            batch: case.axis("B", 1..=3),
            size: (down * window.0, across * window.1),
            window,
            dim: case.axis("D", 1..=4),
        }
    }

    fn windows(&self) -> i64 {
        self.size.0 * self.size.1 / (self.window.0 * self.window.1)
    }

    /// A shift along each axis, from 0 to one less than the window.
    fn shift(&self, case: &mut Case<'_>) -> (i64, i64) {
        let (rows, columns) = self.window;
        let down = case.axis("shift of rows", 0..=rows as usize - 1);
        (
            down,
            case.axis("shift of columns", 0..=columns as usize - 1),
        )
    }

    fn tokens(&self, case: &mut Case<'_>, kind: Kind) -> Tensor {
        let shape = [self.batch, self.size.0, self.size.1, self.dim];
        case.tensor(&shape, kind, Spread::new(0.5, 2.0))
    }
}

/// Rows and columns of a window, never as many of both.
fn window(case: &mut Case<'_>, sides: RangeInclusive<usize>) -> (i64, i64) {
    let rows = case.size("Wh", sides.clone());
    (rows as i64, case.other_size("Ww", sides, rows) as i64)
}

/// A window of six to twelve tokens.
fn small_window(case: &mut Case<'_>) -> (i64, i64) {
    window(case, 2..=4)
}

/// All windows of two or more rows and columns and up to this many tokens.
fn windows_of_up_to(tokens: i64) -> Vec<(i64, i64)> {
    let with_rows = |rows| (2..=tokens / rows).map(move |columns| (rows, columns));
    (2..=tokens).flat_map(with_rows).collect()
}

/// Attention of drawn sizes, its windows and variables, and a mask, or none. A mask may hold any numbers.
fn attention(
    case: &mut Case<'_>,
    kind: impl Fn(&mut Case<'_>) -> Kind,
) -> (
    VarStore,
    WindowAttention,
    Vec<(String, Tensor)>,
    Option<Tensor>,
) {
    let (heads, window) = (case.axis("h", 2..=3), small_window(case));
    let (dim, tokens) = (heads * case.axis("d", 2..=4), window.0 * window.1);
    let (batch, of_a_map) = (case.axis("B", 2..=3), case.axis("nW", 2..=4));
    let mut vs = VarStore::new(Device::Cpu);
    let attention = WindowAttention::new(&vs.root(), dim, heads, window);
    let kind = kind(case);
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(&vs);
    let x = case.tensor(&[batch * of_a_map, tokens, dim], kind, Spread::of(2.0));
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    inputs.extend(tensor::variables(&vs));
    let mask = case.tensor(&[of_a_map, tokens, tokens], Kind::Float, Spread::of(2.0));
    let is_masked = case.pick(&[true, true, false]);
    case.note("mask", is_masked);
    (vs, attention, inputs, is_masked.then_some(mask))
}

/// A block of drawn sizes, and the maps that it takes.
fn swin_block(case: &mut Case<'_>) -> (VarStore, SwinBlock, Map) {
    let map = Map::drawn(case);
    let (heads, ratio) = (case.axis("h", 2..=3), case.axis("r", 1..=3));
    let dim = heads * case.axis("d", 2..=3);
    let map = Map { dim, ..map };
    let shift = map.shift(case);
    let vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), map.dim, heads, map.window, shift, ratio);
    (vs, block, map)
}

/// A merging of drawn size, and the oblong maps that it takes.
fn merging(case: &mut Case<'_>) -> (VarStore, PatchMerging, Map) {
    let rows = 2 * case.axis("H / 2", 1..=4);
    let columns = 2 * case.other_size("W / 2", 1..=4, rows as usize / 2) as i64;
    let map = Map {
        batch: case.axis("B", 1..=3),
        size: (rows, columns),
        window: (2, 2),
        dim: case.axis("D", 2..=5),
    };
    let vs = VarStore::new(Device::Cpu);
    let merging = PatchMerging::new(&vs.root(), map.dim);
    (vs, merging, map)
}

/// In f64, logits of up to 1e5 are off by some 1e-11, and a second block makes that up to 1e5 times as much.
const OF_LARGE_LOGITS: f64 = 1e-6;

/// A mean of millions, above 0 or below.
fn large_mean(case: &mut Case<'_>) -> f64 {
    case.number("mean", 2e6, 1e7) * case.pick(&[-1.0, 1.0])
}

/// A map's tokens and all variables, with drawn values.
fn inputs(case: &mut Case<'_>, vs: &mut VarStore, map: &Map, kind: Kind) -> Vec<(String, Tensor)> {
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(vs);
    let x = map.tokens(case, kind).set_requires_grad(true);
    let mut inputs = vec![("x".to_owned(), x)];
    inputs.extend(tensor::variables(vs));
    inputs
}
