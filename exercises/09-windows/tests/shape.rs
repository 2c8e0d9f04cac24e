//! Sizes: of windows, masks, biases and outputs, of the variables and their initial values; and the panics of sizes
//! that do not fit.

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::{Tolerance, assert_close, assert_names, assert_shape, panic_message, tensor};
use vit::INITIAL_STD;
use windows::{
    PatchMerging, Swin, SwinBlock, SwinConfig, WindowAttention, parameters, relative_bias,
    relative_index, shift_mask, window_partition, window_reverse,
};

/// Maps become nW windows each, of the size asked for, and windows become maps of the size asked for; in the type that
/// came.
/// Look at: which axes are joined. The windows of all maps are one axis, the first.
#[test]
fn windows_and_maps_have_the_sizes_asked_for() {
    for kind in [Kind::Float, Kind::Double] {
        let x = tensor::uniform("x", &[2, 4, 9, 5], kind);
        let windows = window_partition(&x, (2, 3));
        assert_shape!(&windows, [12, 2, 3, 5]);
        let maps = window_reverse(&tensor::uniform("windows", &[12, 2, 3, 5], kind), (4, 9));
        assert_shape!(&maps, [2, 4, 9, 5]);
        assert_eq!(
            (windows.kind(), maps.kind()),
            (kind, kind),
            "{kind:?} went in, the left came out"
        );
    }
}

/// A mask has a matrix for each window, in f32.
/// Look at: M is the number of a window's tokens, Wh · Ww.
#[test]
fn a_mask_has_a_matrix_for_each_window() {
    let mask = shift_mask((4, 9), (2, 3), (1, 2));
    assert_shape!(&mask, [6, 6, 6]);
    assert_eq!(mask.kind(), Kind::Float, "a mask is f32, the right");
}

/// An index is one matrix of i64, a bias has a matrix for each head; a class token makes them one row and one column
/// larger.
/// Look at: the heads come first in a bias, and it has the type of its table.
#[test]
fn indices_and_biases_have_the_shapes_of_the_docs() {
    for prefix in [0, 1] {
        let side = 6 + prefix as usize;
        let index = relative_index((2, 3), prefix);
        assert_shape!(&index, [side, side]);
        assert_eq!(index.kind(), Kind::Int64, "an index is i64, the right");
        let table = tensor::uniform("table", &[15 + 3 * prefix, 4], Kind::Double);
        let bias = relative_bias(&table, (2, 3), prefix);
        assert_shape!(&bias, [4, side, side]);
        assert_eq!(
            bias.kind(),
            Kind::Double,
            "a bias has the type of its table"
        );
    }
}

/// Attention keeps the shape, with a mask and without, and `attend` gives the weights of each head in each window.
/// Look at: what `attend` returns: the output, and the weights behind the softmax.
#[test]
fn attention_keeps_the_shape_and_gives_the_weights_of_each_window() {
    let windows = tensor::uniform("windows", &[12, 6, 8], Kind::Float);
    let mask = Tensor::zeros([6, 6, 6], (Kind::Float, Device::Cpu));
    let vs = VarStore::new(Device::Cpu);
    let attention = WindowAttention::new(&vs.root(), 8, 4, (2, 3));
    for mask in [None, Some(&mask)] {
        assert_shape!(&attention.forward(&windows, mask), [12, 6, 8]);
        let (output, weights) = attention.attend(&windows, mask);
        assert_shape!(&output, [12, 6, 8]);
        assert_shape!(&weights, [12, 4, 6, 6]);
    }
}

/// A block keeps the shape of the map, shifted or not.
/// Look at: the map is cut into windows and put together again.
#[test]
fn a_block_keeps_the_shape_of_the_map() {
    let x = tensor::uniform("x", &[2, 4, 6, 8], Kind::Float);
    for shift in [(0, 0), (1, 1)] {
        let vs = VarStore::new(Device::Cpu);
        let block = SwinBlock::new(&vs.root(), 8, 4, (2, 3), shift, 2);
        assert_shape!(&block.forward(&x), [2, 4, 6, 8]);
    }
}

/// Merging halves both sides and doubles the dimension, in two variables: a norm, and a linear layer without a bias.
/// Look at: the features of four tokens are joined, and the linear layer leads from 4·D to 2·D.
#[test]
fn merging_halves_the_sides_and_has_the_variables_of_checkpoints() {
    let vs = VarStore::new(Device::Cpu);
    let merging = PatchMerging::new(&vs.root(), 8);
    let x = tensor::uniform("x", &[2, 4, 6, 8], Kind::Float);
    assert_shape!(&merging.forward(&x), [2, 2, 3, 16]);
    let timm: [(&str, &[i64]); 3] = [
        ("norm.bias", &[32]),
        ("norm.weight", &[32]),
        ("reduction.weight", &[16, 32]),
    ];
    assert_eq!(
        names_and_shapes(&vs),
        owned(&timm),
        "PatchMerging has the variables on the left, timm those on the right"
    );
}

/// The variables bear the names and shapes of the tables in the docs, no more and no fewer.
/// Look at: the paths; index and mask are no variables.
#[test]
fn variables_have_the_names_and_shapes_that_checkpoints_have() {
    let vs = VarStore::new(Device::Cpu);
    let _block = SwinBlock::new(&vs.root(), 8, 4, (2, 3), (1, 1), 2);
    let timm: [(&str, &[i64]); 13] = [
        ("attn.proj.bias", &[8]),
        ("attn.proj.weight", &[8, 8]),
        ("attn.qkv.bias", &[24]),
        ("attn.qkv.weight", &[24, 8]),
        ("attn.relative_position_bias_table", &[15, 4]),
        ("mlp.fc1.bias", &[16]),
        ("mlp.fc1.weight", &[16, 8]),
        ("mlp.fc2.bias", &[8]),
        ("mlp.fc2.weight", &[8, 16]),
        ("norm1.bias", &[8]),
        ("norm1.weight", &[8]),
        ("norm2.bias", &[8]),
        ("norm2.weight", &[8]),
    ];
    assert_eq!(
        names_and_shapes(&vs),
        owned(&timm),
        "SwinBlock has the variables on the left, timm those on the right"
    );

    let vs = VarStore::new(Device::Cpu);
    let _attention = WindowAttention::new(&vs.root(), 8, 4, (2, 3));
    let of_attention = timm[..5].iter().map(|&(name, shape)| {
        let name = name.trim_start_matches("attn.");
        (name, shape)
    });
    let of_attention: Vec<_> = of_attention.collect();
    assert_eq!(
        names_and_shapes(&vs),
        owned(&of_attention),
        "WindowAttention has the variables on the left, timm those on the right"
    );
}

/// `Swin` has the variables of its parts below timm's names: mergings stand in front of a stage's blocks, the first
/// stage has none; where the map is smaller than the window, tables are of smaller windows.
/// Look at: the paths; the sizes of each stage; and how large its map is.
#[test]
fn variables_of_a_swin_have_the_names_and_shapes_that_checkpoints_have() {
    let config = SwinConfig {
        image: 8,
        depths: vec![1, 2],
        heads: vec![1, 2],
        window: 4,
        ..small()
    };
    let vs = VarStore::new(Device::Cpu);
    let _swin = Swin::new(&vs.root(), &config);
    let block = |place: &str, d: i64, heads: i64, positions: i64| {
        let names: [(&str, &[i64]); 13] = [
            ("attn.proj.bias", &[d]),
            ("attn.proj.weight", &[d, d]),
            ("attn.qkv.bias", &[3 * d]),
            ("attn.qkv.weight", &[3 * d, d]),
            ("attn.relative_position_bias_table", &[positions, heads]),
            ("mlp.fc1.bias", &[2 * d]),
            ("mlp.fc1.weight", &[2 * d, d]),
            ("mlp.fc2.bias", &[d]),
            ("mlp.fc2.weight", &[d, 2 * d]),
            ("norm1.bias", &[d]),
            ("norm1.weight", &[d]),
            ("norm2.bias", &[d]),
            ("norm2.weight", &[d]),
        ];
        names.map(|(name, shape)| (format!("{place}.{name}"), shape.to_vec()))
    };
    let mut timm = owned(&[
        ("head.fc.bias", &[5]),
        ("head.fc.weight", &[5, 8]),
        ("layers.1.downsample.norm.bias", &[16]),
        ("layers.1.downsample.norm.weight", &[16]),
        ("layers.1.downsample.reduction.weight", &[8, 16]),
        ("norm.bias", &[8]),
        ("norm.weight", &[8]),
        ("patch_embed.norm.bias", &[4]),
        ("patch_embed.norm.weight", &[4]),
        ("patch_embed.proj.bias", &[4]),
        ("patch_embed.proj.weight", &[4, 2, 2, 2]),
    ]);
    timm.extend(block("layers.0.blocks.0", 4, 1, 49));
    // A map of 2 × 2 tokens has a window of 2 × 2.
    timm.extend(block("layers.1.blocks.0", 8, 2, 9));
    timm.extend(block("layers.1.blocks.1", 8, 2, 9));
    timm.sort();
    assert_eq!(
        names_and_shapes(&vs),
        timm,
        "Swin has the variables on the left, timm those on the right"
    );
}

/// Features are the map of the last stage, with its dimension, and logits are a row for each image; for batches of any
/// size, and for images of another size than the one that the model was made for.
/// Look at: each merging halves both sides and doubles the dimension; nothing depends on the size that `config` says.
#[test]
fn features_are_the_last_map_and_logits_a_row_for_each_image() {
    let vs = VarStore::new(Device::Cpu);
    let swin = Swin::new(&vs.root(), &small());
    for (batch, height, width) in [(1, 24, 24), (3, 24, 24), (2, 48, 24)] {
        let images = tensor::uniform("images", &[batch, 2, height, width], Kind::Float);
        let [rows, columns] = [height, width].map(|side| side as usize / 8);
        let features = swin.forward_features(&images);
        assert_shape!(&features, [batch as usize, rows, columns, 16]);
        assert_shape!(&swin.forward(&images), [batch as usize, 5]);
    }
}

/// The usual models have the sizes of the table in the docs.
/// Look at: the row of the one that fails.
#[test]
fn the_usual_models_have_the_sizes_of_the_paper() {
    let of_paper = |dim, third: i64, heads: [i64; 4]| SwinConfig {
        image: 224,
        patch: 4,
        channels: 3,
        classes: 1000,
        dim,
        depths: vec![2, 2, third, 2],
        heads: heads.to_vec(),
        window: 7,
        mlp_ratio: 4,
    };
    for (config, expected) in [
        (SwinConfig::tiny(), of_paper(96, 6, [3, 6, 12, 24])),
        (SwinConfig::small(), of_paper(96, 18, [3, 6, 12, 24])),
        (SwinConfig::base(), of_paper(128, 18, [4, 8, 16, 32])),
        (SwinConfig::large(), of_paper(192, 18, [6, 12, 24, 48])),
    ] {
        assert_eq!(config, expected, "yours is on the left");
    }
    let expected = SwinConfig {
        image: 28,
        patch: 2,
        channels: 1,
        classes: 10,
        depths: vec![2, 2],
        heads: vec![2, 4],
        ..of_paper(32, 0, [0; 4])
    };
    assert_eq!(SwinConfig::mnist(), expected, "yours is on the left");
}

/// The usual models have as many parameters as timm counts, to the unit: 28 million to 197 million.
/// Look at: tables, norms and biases; and that each stage has another dimension, and other heads.
#[test]
fn the_usual_models_have_as_many_parameters_as_timm_counts() {
    for (name, config, count) in [
        ("mnist", SwinConfig::mnist(), 136_854),
        ("tiny", SwinConfig::tiny(), 28_288_354),
        ("small", SwinConfig::small(), 49_606_258),
        ("base", SwinConfig::base(), 87_768_224),
        ("large", SwinConfig::large(), 196_532_476),
    ] {
        assert_eq!(
            parameters(&config),
            count,
            "{name} has the number on the right"
        );
    }
}

/// Patches that do not divide the image, windows that do not divide a map, a map that cannot be merged, and another
/// number of heads than of depths panic when the model is made, and name both numbers.
/// Look at: checks of each stage's map, before anything is made.
#[test]
fn sizes_that_make_no_swin_panic_with_both_numbers() {
    let make = |config: SwinConfig| {
        let vs = VarStore::new(Device::Cpu);
        panic_message(|| Swin::new(&vs.root(), &config))
    };
    for (message, numbers) in [
        (
            make(SwinConfig {
                image: 1000,
                patch: 48,
                ..small()
            }),
            [1000, 48],
        ),
        (
            make(SwinConfig {
                image: 40,
                ..small()
            }),
            [20, 3],
        ),
        (
            make(SwinConfig {
                image: 30,
                ..small()
            }),
            [15, 2],
        ),
        (
            make(SwinConfig {
                heads: vec![1; 7],
                ..small()
            }),
            [3, 7],
        ),
    ] {
        assert_names(&message, &numbers);
    }
}

/// Maps of 12 × 12, 6 × 6 and 3 × 3 tokens in windows of 3 × 3, of which one covers the last; two channels, five
/// classes.
fn small() -> SwinConfig {
    SwinConfig {
        image: 24,
        patch: 2,
        channels: 2,
        classes: 5,
        dim: 4,
        depths: vec![2, 2, 2],
        heads: vec![1, 2, 4],
        window: 3,
        mlp_ratio: 2,
    }
}

fn names_and_shapes(vs: &VarStore) -> Vec<(String, Vec<i64>)> {
    let variables = tensor::variables(vs).into_iter();
    variables
        .map(|(name, variable)| (name, variable.size()))
        .collect()
}

fn owned(table: &[(&str, &[i64])]) -> Vec<(String, Vec<i64>)> {
    let rows = table.iter();
    rows.map(|&(name, shape)| (name.to_owned(), shape.to_vec()))
        .collect()
}

/// Weights and tables of a block start as `trunc_normal` draws them, all biases as 0, the norms as 1 and 0. That goes
/// for the MLP as well, which exercise 04 initialised otherwise.
/// Look at: the fields of the MLP are public: `mlp.fc1.ws` can be written to.
#[test]
fn initial_values_are_swins_in_the_mlp_too() {
    let vs = VarStore::new(Device::Cpu);
    let _block = SwinBlock::new(&vs.root(), 64, 4, (4, 3), (1, 1), 2);
    assert_initial_values(&vs);
}

/// All weights and tables of a Swin start as `trunc_normal` draws them, all biases as 0, the norms as 1 and 0: in each
/// block, in each merging, in the head, and in the patches' convolution.
/// Look at: the convolution, which starts otherwise by itself.
#[test]
fn initial_values_are_swins_in_the_patches_and_mergings_too() {
    let config = SwinConfig {
        dim: 32,
        classes: 10,
        window: 6,
        ..small()
    };
    let vs = VarStore::new(Device::Cpu);
    let _swin = Swin::new(&vs.root(), &config);
    assert_initial_values(&vs);
}

fn assert_initial_values(vs: &VarStore) {
    for (name, variable) in tensor::variables(vs) {
        if name.ends_with("bias") {
            assert_close!(&variable, &variable.zeros_like(), Tolerance::EXACT);
        } else if name.contains("norm") {
            assert_close!(&variable, &variable.ones_like(), Tolerance::EXACT);
        } else {
            assert_truncated_normal(&name, &variable);
        }
    }
}

/// The values lie within two standard deviations and have the one that is left after the cut, 0.88 · 0.02.
///
/// These are random draws, at least 100 of each. The standard deviation of so many varies by 5.5 % of itself, so the 35
/// % granted are more than six times that; PyTorch's initial values, and zeros, are farther off.
fn assert_truncated_normal(name: &str, variable: &Tensor) {
    let values = variable.detach().to_kind(Kind::Double) / INITIAL_STD;
    let largest = values.abs().max().double_value(&[]);
    // Rounding to f32 may carry the cut itself 6e-8 of it too far.
    assert!(
        largest <= 2.0 + 1e-6,
        "{name} holds a number {largest:.3} standard deviations from 0"
    );
    let spread = values.std(false).double_value(&[]) / 0.8796;
    assert!(
        (spread - 1.0).abs() < 0.35,
        "the standard deviation of {name} is {spread:.3} times what it is after the cut"
    );
}

/// Cutting and putting together panic and name both numbers if windows do not divide a map, or if there are windows left
/// over, instead of leaving tokens out.
/// Look at: checks with `assert!` of both axes, before anything is cut.
#[test]
fn sides_that_windows_do_not_divide_panic_with_both_numbers() {
    let windows = tensor::uniform("windows", &[8, 16, 3, 4], Kind::Float);
    // Those that fit.
    let _ = (
        window_partition(&map(32, 6), (16, 3)),
        window_reverse(&windows, (32, 6)),
    );
    for (message, numbers) in [
        (
            panic_message(|| window_partition(&map(40, 6), (16, 3))),
            [40, 16],
        ),
        (
            panic_message(|| window_partition(&map(3, 40), (3, 16))),
            [40, 16],
        ),
        (
            panic_message(|| window_reverse(&windows, (40, 6))),
            [40, 16],
        ),
        (
            panic_message(|| window_reverse(&windows, (16, 25))),
            [25, 3],
        ),
        (panic_message(|| window_reverse(&windows, (48, 3))), [8, 3]),
    ] {
        assert_names(&message, &numbers);
    }
}

/// Masks and blocks of maps that windows do not divide panic and name both numbers.
/// Look at: the check of `window_partition`; where the map goes through it first, no other is needed.
#[test]
fn masks_and_blocks_of_maps_that_do_not_fit_panic_with_both_numbers() {
    let vs = VarStore::new(Device::Cpu);
    let block = SwinBlock::new(&vs.root(), 4, 2, (16, 3), (1, 1), 2);
    for message in [
        panic_message(|| shift_mask((40, 6), (16, 3), (1, 1))),
        panic_message(|| block.forward(&map(40, 6))),
    ] {
        assert_names(&message, &[40, 16]);
    }
}

/// Merging panics if a side is odd, and names it and 2, instead of leaving a row or a column out.
/// Look at: a check with `assert!` of both axes.
#[test]
fn odd_sides_panic_in_merging() {
    let vs = VarStore::new(Device::Cpu);
    let merging = PatchMerging::new(&vs.root(), 4);
    let _ = merging.forward(&map(4, 6)); // no panic
    for message in [
        panic_message(|| merging.forward(&map(35, 6))),
        panic_message(|| merging.forward(&map(6, 35))),
    ] {
        assert_names(&message, &[35, 2]);
    }
}

fn map(rows: i64, columns: i64) -> Tensor {
    tensor::uniform("x", &[2, rows, columns, 4], Kind::Float)
}

/// A table of other windows panics, and names both numbers; so does a prefix of 2.
/// Look at: a check with `assert!` before the table is read: what is too long can be read, at wrong rows.
#[test]
fn tables_of_other_windows_panic_with_both_numbers() {
    let table = tensor::uniform("table", &[37, 2], Kind::Float);
    for (message, numbers) in [
        (
            panic_message(|| relative_bias(&table, (3, 4), 0)),
            &[37, 35][..],
        ),
        (
            panic_message(|| relative_bias(&table, (3, 4), 1)),
            &[37, 38],
        ),
        (panic_message(|| relative_index((3, 4), 2)), &[2]),
    ] {
        assert_names(&message, numbers);
    }
}

/// Heads that do not divide the dimension, windows of another size and a mask of other maps panic, and name both
/// numbers.
/// Look at: checks with `assert!` before anything is made.
#[test]
fn heads_windows_and_masks_that_do_not_fit_panic_with_both_numbers() {
    let vs = VarStore::new(Device::Cpu);
    let attention = WindowAttention::new(&(vs.root() / "attention"), 8, 4, (3, 4));
    let windows = |count: i64, tokens: i64| tensor::uniform("x", &[count, tokens, 8], Kind::Float);
    let mask = Tensor::zeros([5, 12, 12], (Kind::Float, Device::Cpu));
    for (message, numbers) in [
        (
            panic_message(|| WindowAttention::new(&vs.root(), 1000, 48, (2, 2))),
            [1000, 48],
        ),
        (
            panic_message(|| attention.forward(&windows(10, 16), None)),
            [16, 12],
        ),
        (
            panic_message(|| attention.forward(&windows(12, 12), Some(&mask))),
            [12, 5],
        ),
    ] {
        assert_names(&message, &numbers);
    }
}

/// A shift that is as large as its window, or larger, panics when a block is made, and names both.
/// Look at: a check with `assert!` of each axis.
#[test]
fn shifts_as_large_as_the_window_panic_with_both_numbers() {
    let vs = VarStore::new(Device::Cpu);
    let block = |shift| SwinBlock::new(&vs.root(), 8, 4, (14, 15), shift, 2);
    for (message, numbers) in [
        (panic_message(|| block((14, 0))), &[14][..]),
        (panic_message(|| block((0, 33))), &[33, 15]),
    ] {
        assert_names(&message, numbers);
    }
}
