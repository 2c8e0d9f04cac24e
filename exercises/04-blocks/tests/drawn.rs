//! Each function against the reference, on sizes and values that are drawn; dropout, stochastic depth and initial values
//! against their distributions.

use blocks::{Block, Mlp, drop_path, layer_norm, rms_norm};
use std::cell::RefCell;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad_guard};
use testkit::distribution::{
    PooledValues, Row, assert_drawn_apart, assert_independent, assert_numbers, assert_one_by_one,
    assert_share, assert_uniform,
};
use testkit::drawn::{Case, Spread};
use testkit::{AsValues, Tolerance, assert_close, drawn, tensor};

/// Output and gradients are the reference's, for none to two leading axes, in f32 and f64.
///
/// Look at: the axis of the means, and where gamma, beta and epsilon come in.
#[test]
fn layer_norm_agrees_with_the_reference() {
    drawn!("layer_norm", 8, |case| {
        let (x, [gamma, beta]) = tokens(case, Spread::new(1.0, 2.0));
        let eps = case.pick(&[1e-6, 1e-2, 0.3]);
        let inputs = named(&[("x", &x), ("gamma", &gamma), ("beta", &beta)]);
        let forward = || layer_norm(&x, &gamma, &beta, eps);
        let y = case.gradients_agree(&x.size(), forward, &inputs, &["x", "gamma", "beta"]);
        case.agrees("y", &y);
    });
}

/// Tokens whose mean is some ten thousand times their standard deviation. The variance as the mean of the squares without
/// the square of the mean is a difference of two numbers that agree in their first eight digits, which is all that f32 has;
/// as the mean of the squared distances it keeps them.
///
/// Look at: how the variance is calculated; the mean is taken away before anything is squared.
#[test]
fn layer_norm_agrees_where_the_mean_is_large() {
    drawn!("layer_norm_of_a_large_mean", 8, |case| {
        let std = case.pick(&[0.1, 1.0, 30.0]);
        let mean = std * case.number("mean / std", 5e3, 2e4) * case.pick(&[-1.0, 1.0]);
        let (x, [gamma, beta]) = tokens(case, Spread::new(mean, std));
        let y = layer_norm(&x.detach(), &gamma.detach(), &beta.detach(), 1e-6);
        case.agrees("y", &y);
    });
}

/// Tokens so small that epsilon is larger than their variance, and some so large that it is nothing beside it.
///
/// Look at: epsilon; it is added to the variance, under the root.
#[test]
fn layer_norm_agrees_for_small_and_large_tokens() {
    drawn!("layer_norm_of_small_and_large_tokens", 8, |case| {
        let std = case.pick(&[1e-5, 1e-4, 1e-3, 1e12]);
        let (x, [gamma, beta]) = tokens(case, Spread::of(std));
        let y = layer_norm(&x.detach(), &gamma.detach(), &beta.detach(), 1e-6);
        case.agrees("y", &y);
    });
}

/// Output and gradients are the reference's, for none to two leading axes, in f32 and f64.
///
/// Look at: the mean of the squares; no mean is taken away.
#[test]
fn rms_norm_agrees_with_the_reference() {
    drawn!("rms_norm", 8, |case| {
        let (x, [gamma, _]) = tokens(case, Spread::new(1.0, 2.0));
        let eps = case.pick(&[1e-6, 1e-2, 0.3]);
        let inputs = named(&[("x", &x), ("gamma", &gamma)]);
        let forward = || rms_norm(&x, &gamma, eps);
        let y = case.gradients_agree(&x.size(), forward, &inputs, &["x", "gamma"]);
        case.agrees("y", &y);
    });
}

/// Tokens whose squares are smaller than epsilon, and tokens whose squares are large, but finite in f32.
///
/// Look at: epsilon; it is added to the mean of the squares, under the root.
#[test]
fn rms_norm_agrees_for_small_and_large_tokens() {
    drawn!("rms_norm_of_small_and_large_tokens", 8, |case| {
        let std = case.pick(&[1e-5, 1e-4, 1e-3, 1e12]);
        let (x, [gamma, _]) = tokens(case, Spread::of(std));
        let y = rms_norm(&x.detach(), &gamma.detach(), 1e-6);
        case.agrees("y", &y);
    });
}

/// Stochastic depth drops whole samples, a share of p, each by itself and anew in each call; the others, and their gradients, are
/// divided by 1 − p. Without training, and for p = 0, it gives back what it got.
///
/// Look at: the shape of what is drawn, [B, 1, ..], the share that is kept, and the division.
#[test]
fn drop_path_drops_samples_by_chance() {
    const SAMPLES: i64 = 1200;
    // Over all cases: the samples kept in each call.
    let all = RefCell::new(vec![]);
    drawn!("drop_path", 6, |case| {
        let kind = case.kind();
        let p = case.pick(&[0.1, 0.25, 0.35, 0.65, 0.75, 0.9]);
        case.note("p", p);
        let axes: Vec<_> = (0..case.size("further axes", 0..=2))
            .map(|_| case.axis("size", 2..=3))
            .collect();
        let shape = [&[SAMPLES], &axes[..]].concat();
        let x = without_zeros(case, &shape, kind).set_requires_grad(true);
        let cotangent = without_zeros(case, &shape, kind);
        let inputs = named(&[("x", &x)]);
        let drop = || {
            let vjp = testkit::gradient::vjp(|| drop_path(&x, p, true), &inputs, &cotangent);
            case.compares();
            let factors = (vjp.output / x.detach()).reshape([SAMPLES, -1]);
            let gradient = &vjp.gradients["x"] / &cotangent;
            // Two roundings, of the division and of the product.
            let rounding = Tolerance::new(if kind == Kind::Float { 1e-6 } else { 1e-12 }, 0.0);
            let kept = factors.select(1, 0).ne(0.0);
            let expected = (kept.to_kind(kind) / (1.0 - p))
                .unsqueeze(1)
                .expand_as(&factors);
            assert_close!(&factors, &expected, rounding);
            assert_close!(&gradient.reshape([SAMPLES, -1]), &expected, rounding);
            tensor::bits(&kept)
        };
        let (first, second) = (drop(), drop());
        for kept in [&first, &second] {
            assert_share("samples kept", count(kept), kept.len(), 1.0 - p);
            all.borrow_mut().push(Row::of(kept, 1.0 - p));
            assert_one_by_one("samples", kept, p);
        }
        assert_independent("two calls", &first, &second, p);
        let x = x.detach();
        assert_close!(&drop_path(&x, p, false), &x, Tolerance::EXACT);
        assert_close!(&drop_path(&x, 0.0, true), &x, Tolerance::EXACT);
    });
    assert_numbers("samples kept in all cases", &all.borrow());
}

/// Output and gradients of an `Mlp` are the reference's for drawn weights, in training and in evaluation, in f32 and f64.
/// Numbers between the linear layers are up to ten or so, where the GELU is nearly the identity, or nearly 0.
///
/// Look at: the activation between the two linear layers.
#[test]
fn mlp_agrees_with_the_reference() {
    drawn!("mlp", 6, |case| {
        let (dim, hidden) = (case.axis("D", 2..=7), case.axis("hidden", 3..=11));
        let mut vs = VarStore::new(Device::Cpu);
        let mlp = Mlp::new(&vs.root(), dim, hidden);
        let inputs = inputs(case, &mut vs, dim);
        let train = case.pick(&[false, true]);
        let x = &inputs[0].1;
        let all = ["x", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
        let forward = || mlp.forward_t(x, train);
        let y = case.gradients_agree(&x.size(), forward, &inputs, &all);
        case.agrees("y", &y);
    });
}

/// Output and gradients of a block are the reference's for drawn weights, in training and in evaluation, in f32 and f64.
///
/// Look at: what is normalised, by which norm, and what is added to what.
#[test]
fn block_agrees_with_the_reference() {
    drawn!("block", 8, |case| {
        let (mut vs, block, dim) = block(case);
        let inputs = inputs(case, &mut vs, dim);
        let train = case.pick(&[false, true]);
        let x = &inputs[0].1;
        let some = [
            case.pick(&["norm1.weight", "norm2.weight", "attn.qkv.bias"]),
            case.pick(&["attn.qkv.weight", "attn.proj.weight", "norm1.bias"]),
            case.pick(&["mlp.fc1.weight", "mlp.fc2.weight", "norm2.bias"]),
        ];
        let named = [&["x"], &some[..]].concat();
        let forward = || block.forward_t(x, train);
        let y = case.gradients_agree(&x.size(), forward, &inputs, &named);
        case.agrees("y", &y);
    });
}

/// `attend` gives the reference's output and weights of each head, whatever dropout the block has.
///
/// Look at: attention sees the tokens behind the first norm; `attend` evaluates.
#[test]
fn attend_agrees_with_the_reference() {
    drawn!("attend", 6, |case| {
        let (mut vs, block, dim) = block(case);
        let block = block.with_dropout(0.5, 0.5);
        let inputs = inputs(case, &mut vs, dim);
        let (y, weights) = block.attend(&inputs[0].1.detach());
        case.agrees("y", &y);
        case.agrees("weights", &weights);
    });
}

/// Tokens whose mean is some millions of times their standard deviation, before both norms, in f64. The library's norm keeps
/// half of the digits; one that takes the variance as the mean of the squares without the square of the mean keeps hardly any.
///
/// Look at: the norms, if they are not the library's. The mean is taken away before anything is squared.
#[test]
fn block_agrees_where_the_mean_is_large() {
    drawn!("block_of_a_large_mean", 4, |case| {
        let (mut vs, block, dim) = block(case);
        let mean = case.number("mean / std", 2e6, 1e7) * case.pick(&[-1.0, 1.0]);
        let spread = Spread::new(mean, 1.0);
        let x = tokens_and_weights(case, &mut vs, dim, Kind::Double, spread);
        assert_evaluation_agrees(case, &block, &x, 0.0);
    });
}

/// Weights of attention so large that logits are thousands, whose exponentials are infinite, or all 0, also in f64.
/// Whoever writes attention again within the block must subtract each row's largest logit before the exponential.
///
/// Look at: the softmax, if it is not that of exercise 03.
#[test]
fn block_agrees_for_large_logits() {
    drawn!("block_of_large_logits", 4, |case| {
        let (mut vs, block, dim) = block(case);
        let spread = Spread::new(0.5, 3.0);
        let x = tokens_and_weights(case, &mut vs, dim, Kind::Double, spread);
        tensor::change(&vs, "qkv", |it| it * 100.0);
        assert_evaluation_agrees(case, &block, &x, OF_LARGE_LOGITS);
    });
}

/// In training, dropout takes single numbers of attention's output and stochastic depth takes whole samples of it; what is
/// left is divided by both shares that are kept.
///
/// Look at: the order, dropout first; and that both draw anew in each call.
#[test]
fn attentions_branch_is_dropped_by_chance() {
    let all = <[RefCell<Vec<Row>>; 2]>::default();
    drawn!("chance_behind_attention", 4, |case| {
        let ((p, q), dim) = (probabilities(case), 2 * case.axis("d", 2..=3));
        let mut vs = VarStore::new(Device::Cpu);
        let block = Block::new(&vs.root(), dim, 2, 1).with_dropout(p, q);
        vs.double();
        case.fill(&vs);
        for name in ["mlp.fc2.weight", "mlp.fc2.bias"] {
            set(&vs, name, &Tensor::zeros_like(&tensor::variable(&vs, name)));
        }
        let x = case.tensor(&[SAMPLES, 3, dim], Kind::Double, Spread::UNIT);
        let whole = block.forward_t(&x, false) - &x;
        let masks = [(); 2].map(|()| {
            let added = block.forward_t(&x, true) - &x;
            case.compares();
            let factors = added / &whole * ((1.0 - p) * (1.0 - q)); // 1 or 0
            let kept = factors.gt(0.5);
            assert_close!(&factors, &kept.to_kind(Kind::Double), QUOTIENT);
            kept
        });
        for kept in &masks {
            assert_dropped(kept, p, q);
        }
        assert_independent_masks(&masks, p, q);
        let samples = sample_rows(case, &block, &x, q);
        all[0].borrow_mut().extend(samples);
        all[1].borrow_mut().extend(rows(case, block, &x, p));
    });
    assert_numbers("samples kept in all cases", &all[0].borrow());
    assert_numbers("numbers kept in all cases", &all[1].borrow());
}

/// In training, dropout takes single numbers between the MLP's linear layers, behind the GELU, and single numbers of its output;
/// stochastic depth takes whole samples of it. What is left is divided by all shares that are kept.
///
/// Each number of the output is here the sum of two numbers between the layers, so that it shows which of them were taken.
///
/// Look at: the three places, and what each divides by.
#[test]
fn the_mlps_branch_is_dropped_by_chance() {
    let all = <[RefCell<Vec<Row>>; 3]>::default();
    drawn!("chance_behind_the_mlp", 4, |case| {
        let ((p, q), dim) = (probabilities(case), 2 * case.axis("d", 2..=3));
        let mut vs = VarStore::new(Device::Cpu);
        let block = Block::new(&vs.root(), dim, 2, 2).with_dropout(p, q);
        vs.double();
        case.fill(&vs);
        for name in ["attn.proj.weight", "attn.proj.bias", "mlp.fc2.bias"] {
            set(&vs, name, &Tensor::zeros_like(&tensor::variable(&vs, name)));
        }
        let x = case.tensor(&[SAMPLES, 3, dim], Kind::Double, Spread::UNIT);
        // Row i of fc2 takes the hidden numbers i and D + i; each half alone says what it takes of them.
        let eye = Tensor::eye(dim, (Kind::Double, Device::Cpu));
        let part = |left: f64, right: f64, train: bool| {
            let weight = Tensor::cat(&[&eye * left, &eye * right], 1);
            set(&vs, "mlp.fc2.weight", &weight);
            block.forward_t(&x, train) - &x
        };
        let (a, b) = (part(1.0, 0.0, false), part(0.0, 0.7, false));
        let added = part(1.0, 0.7, true) * ((1.0 - p) * (1.0 - p) * (1.0 - q));
        case.compares();
        // A hundred-millionth: no two of 0, a, b and a + b are as near to each other, but for a few numbers in a thousand.
        let near = |expected: &Tensor| (&added - expected).abs().lt(1e-8);
        let (none, left) = (near(&a.zeros_like()), near(&a));
        let (right, both) = (near(&b), near(&(&a + &b)));
        let clear = a.abs().gt(1e-7).logical_and(&b.abs().gt(1e-7));
        let clear = clear.logical_and(&(&a + &b).abs().gt(1e-7));
        let clear = clear.logical_and(&(&a - &b).abs().gt(1e-7));
        let any = none.logical_or(&left).logical_or(&right).logical_or(&both);
        let neither = any.logical_not().sum(Kind::Int64).int64_value(&[]);
        assert_eq!(
            neither, 0,
            "the left number of values is none of those that the handout's three places can give"
        );
        let here = any_of_the_sample(&none.logical_not()).logical_and(&clear);
        let of_kept = |mask: &Tensor| tensor::bits(&mask.masked_select(&here));
        let share = |what: &str, mask: &Tensor, expected: f64| {
            let mask = of_kept(mask);
            assert_share(what, count(&mask), mask.len(), expected);
        };
        let r = 1.0 - p;
        share("numbers whose both parts are kept", &both, r * r * r);
        share("numbers whose first part alone is kept", &left, r * r * p);
        share("numbers whose second part alone is kept", &right, r * r * p);
        let samples = samples(&none.logical_not());
        assert_share("samples kept", count(&samples), samples.len(), 1.0 - q);
        // An output of 1, whatever is taken between the layers.
        let weight = tensor::variable(&vs, "mlp.fc2.weight");
        set(&vs, "mlp.fc2.weight", &Tensor::zeros_like(&weight));
        let ones = Tensor::ones_like(&tensor::variable(&vs, "mlp.fc2.bias"));
        set(&vs, "mlp.fc2.bias", &ones);
        let samples = sample_rows(case, &block, &x, q);
        all[0].borrow_mut().extend(samples);
        all[1].borrow_mut().extend(rows(case, block, &x, p));
        let between = rows_between_layers(case, p);
        all[2].borrow_mut().extend(between);
    });
    assert_numbers("samples kept in all cases", &all[0].borrow());
    assert_numbers("numbers of the output kept in all cases", &all[1].borrow());
    assert_numbers(
        "numbers between the layers kept in all cases",
        &all[2].borrow(),
    );
}

/// Initial weights and biases are uniform in ±1/√(inputs), all of them drawn one by one, and others in each new module.
///
/// Look at: the configuration given to `nn::linear`, for weights and for biases.
#[test]
fn mlps_initial_weights_are_uniform_and_independent() {
    let pooled = <[PooledValues; 2]>::default();
    drawn!("initial_weights_of_mlp", 4, |case| {
        let (dim, hidden) = (case.axis("D", 8..=20), case.axis("hidden", 21..=44));
        assert_initialised(case, &pooled, dim, hidden, |vs| {
            Mlp::new(&vs.root(), dim, hidden);
        });
    });
    pooled[0].assert_uniform("√inputs · initial weights");
    pooled[1].assert_uniform("√inputs · initial biases");
}

/// A block's norms start as 1 and 0; all other weights and biases are uniform in ±1/√(inputs), all of them drawn one by one,
/// and others in each new block.
///
/// Look at: the configuration given to `nn::linear`, for weights and for biases.
#[test]
fn blocks_initial_weights_are_uniform_and_independent() {
    let pooled = <[PooledValues; 2]>::default();
    drawn!("initial_weights_of_block", 4, |case| {
        let (heads, ratio) = (case.axis("h", 2..=4), case.axis("r", 2..=4));
        let dim = heads * case.axis("d", 4..=9);
        assert_initialised(case, &pooled, dim, ratio * dim, |vs| {
            Block::new(&vs.root(), dim, heads, ratio);
        });
    });
    pooled[0].assert_uniform("√inputs · initial weights");
    pooled[1].assert_uniform("√inputs · initial biases");
}

/// Samples that chance is watched on.
const SAMPLES: i64 = 240;

/// A quotient of two differences in f64, of numbers of about 1 that leave at least 1e-5 or so.
const QUOTIENT: Tolerance = Tolerance::new(0.0, 1e-8);

/// Dropout and stochastic depth, neither near one half, where what is kept and what is dropped would look the same.
fn probabilities(case: &mut Case<'_>) -> (f64, f64) {
    let (p, q) = (case.pick(&[0.1, 0.2, 0.3]), case.pick(&[0.15, 0.3, 0.7]));
    case.note("dropout", p);
    case.note("drop_path", q);
    (p, q)
}

/// The numbers that dropout keeps in several calls of a block without stochastic depth, which would hide how many there are: drawn
/// one by one, they are not as many each time.
fn rows(case: &Case<'_>, block: Block, x: &Tensor, p: f64) -> [Row; 4] {
    let block = block.with_dropout(p, 0.0);
    let whole = block.forward_t(x, false) - x;
    [(); 4].map(|()| {
        let factors = (block.forward_t(x, true) - x) / &whole * (1.0 - p); // 1 or 0
        case.compares();
        Row::of(&tensor::bits(&factors.gt(0.5)), 1.0 - p)
    })
}

/// The numbers that dropout keeps between the MLP's layers in several calls of a block, which dropout of the output hides in
/// part: drawn one by one, they are not as many each time.
///
/// They are all one constant, and each of a token's outputs is their sum, so that any output that is kept says how many there are.
fn rows_between_layers(case: &Case<'_>, p: f64) -> [Row; 4] {
    /// Outputs, which all are dropped for one token in 10¹² at most; and as many numbers between the layers.
    const DIM: i64 = 24;
    let mut vs = VarStore::new(Device::Cpu);
    let block = Block::new(&vs.root(), DIM, 2, 1).with_dropout(p, 0.0);
    vs.double();
    tensor::set_all(&vs, |name| match name {
        "mlp.fc1.bias" | "mlp.fc2.weight" => 1.0,
        _ => 0.0,
    });
    let x = Tensor::zeros([SAMPLES, 3, DIM], (Kind::Double, Device::Cpu));
    let each = block.forward_t(&x, false).max() / DIM;
    [(); 4].map(|()| {
        let sums = block.forward_t(&x, true).amax([-1].as_slice(), false);
        case.compares();
        let kept = sums / &each * ((1.0 - p) * (1.0 - p)); // from 0 to DIM
        assert_close!(&kept, &kept.round(), QUOTIENT);
        Row {
            hits: kept.round().sum(Kind::Double).double_value(&[]) as usize,
            of: kept.numel() * DIM as usize,
            p: 1.0 - p,
        }
    })
}

/// The samples that stochastic depth keeps in several calls of a block: drawn one by one, they are not as many each time.
fn sample_rows(case: &Case<'_>, block: &Block, x: &Tensor, q: f64) -> [Row; 5] {
    [(); 5].map(|()| {
        let added = block.forward_t(x, true) - x;
        case.compares();
        Row::of(&samples(&added.ne(0.0)), 1.0 - q)
    })
}

/// Fails unless, of a mask of \[B, N, D\], whole samples are dropped with probability `q`, and of the others single numbers
/// with probability `p`.
fn assert_dropped(kept: &Tensor, p: f64, q: f64) {
    let here = any_of_the_sample(kept);
    let samples = samples(kept);
    assert_share("samples kept", count(&samples), samples.len(), 1.0 - q);
    assert_one_by_one("samples", &samples, q);
    let numbers = tensor::bits(&kept.masked_select(&here));
    assert_share(
        "numbers kept of the samples kept",
        count(&numbers),
        numbers.len(),
        1.0 - p,
    );
    assert_one_by_one("numbers", &numbers, p);
    // Token by token, too: numbers of one column of two tokens.
    let token = |n: i64| tensor::bits(&kept.select(1, n).masked_select(&here.select(1, n)));
    assert_independent("two tokens", &token(0), &token(1), p);
}

/// Fails unless two calls drew anew.
fn assert_independent_masks([first, second]: &[Tensor; 2], p: f64, q: f64) {
    let (here, there) = (any_of_the_sample(first), any_of_the_sample(second));
    assert_independent("samples of two calls", &samples(first), &samples(second), q);
    let both = here.logical_and(&there);
    let numbers = |mask: &Tensor| tensor::bits(&mask.masked_select(&both));
    assert_independent("numbers of two calls", &numbers(first), &numbers(second), p);
}

/// For each sample of a mask of \[B, N, D\], whether anything of it is kept.
fn samples(kept: &Tensor) -> Vec<bool> {
    tensor::bits(&any_of_the_sample(kept).select(2, 0).select(1, 0))
}

/// For each number, whether anything of its sample is kept.
fn any_of_the_sample(kept: &Tensor) -> Tensor {
    kept.any_dim(2, true).any_dim(1, true).expand_as(kept)
}

/// Fails unless norms start as 1 and 0, and linear layers as PyTorch's, in each of two modules anew; adds weights and biases,
/// in bounds, to those of other cases.
fn assert_initialised(
    case: &Case<'_>,
    pooled: &[PooledValues; 2],
    dim: i64,
    hidden: i64,
    make: impl Fn(&VarStore),
) {
    let mut drawn = vec![];
    for module in ["first", "second"] {
        let vs = VarStore::new(Device::Cpu);
        make(&vs);
        case.compares();
        for (name, variable) in tensor::variables(&vs) {
            let values = AsValues::values(&variable).data;
            if name.starts_with("norm") {
                let value = if name.ends_with("weight") { 1.0 } else { 0.0 };
                assert!(
                    values.iter().all(|&it| it == value),
                    "{name} must start as {value}"
                );
                continue;
            }
            let inputs = if name.contains("fc2") { hidden } else { dim };
            let bound = 1.0 / (inputs as f64).sqrt();
            let scaled: Vec<_> = values.iter().map(|value| value / bound).collect();
            drawn.push((format!("{name} of the {module} module"), scaled));
        }
    }
    for (name, values) in &drawn {
        assert_uniform(&format!("√inputs · {name}"), values, 1.0);
        pooled[usize::from(name.contains("bias"))].add(values.iter().copied());
    }
    let biases = drawn.iter().filter(|(name, _)| name.contains("bias"));
    let biases: Vec<_> = biases.flat_map(|(_, values)| values.clone()).collect();
    assert_uniform("√inputs · all biases", &biases, 1.0);
    assert_drawn_apart(&drawn);
}

fn count(bits: &[bool]) -> usize {
    bits.iter().filter(|&&bit| bit).count()
}

/// Normally distributed numbers, but none as near to 0 as 0.1.
fn without_zeros(case: &mut Case<'_>, shape: &[i64], kind: Kind) -> Tensor {
    let values = case.tensor(shape, kind, Spread::UNIT);
    let far = values.sign() * 0.1;
    values + far
}

/// Tokens behind none to two leading axes, and gamma and beta.
fn tokens(case: &mut Case<'_>, spread: Spread) -> (Tensor, [Tensor; 2]) {
    let kind = case.kind();
    let leading: Vec<_> = (0..case.size("leading axes", 0..=2))
        .map(|_| case.axis("leading", 2..=4))
        .collect();
    let dim = case.axis("D", 4..=13);
    let x = case.tensor(&[&leading[..], &[dim]].concat(), kind, spread);
    let [gamma, beta] = [(); 2].map(|()| case.tensor(&[dim], kind, Spread::new(0.5, 1.0)));
    let leaf = |it: Tensor| it.set_requires_grad(true);
    (leaf(x), [leaf(gamma), leaf(beta)])
}

fn named(tensors: &[(&str, &Tensor)]) -> Vec<(String, Tensor)> {
    let tensors = tensors.iter();
    tensors
        .map(|(name, tensor)| ((*name).to_owned(), tensor.shallow_clone()))
        .collect()
}

/// A block of drawn sizes, and its D.
fn block(case: &mut Case<'_>) -> (VarStore, Block, i64) {
    let (heads, ratio) = (case.axis("h", 2..=3), case.axis("r", 1..=3));
    let (vs, dim) = (VarStore::new(Device::Cpu), heads * case.axis("d", 2..=3));
    let block = Block::new(&vs.root(), dim, heads, ratio);
    (vs, block, dim)
}

/// Tokens of this spread, and drawn values for all variables.
fn tokens_and_weights(
    case: &mut Case<'_>,
    vs: &mut VarStore,
    dim: i64,
    kind: Kind,
    spread: Spread,
) -> Tensor {
    if kind == Kind::Double {
        vs.double();
    }
    case.fill(vs);
    let shape = [case.axis("B", 1..=3), case.axis("N", 2..=5), dim];
    case.tensor(&shape, kind, spread)
}

/// In f64, logits of up to 1e5 are off by some 1e-11, weights by as much, and outputs by some hundred times that.
const OF_LARGE_LOGITS: f64 = 1e-8;

/// Fails unless output and weights are the reference's in evaluation, within `absolute` more than usual.
fn assert_evaluation_agrees(case: &Case<'_>, block: &Block, x: &Tensor, absolute: f64) {
    case.agrees_within("y", &block.forward_t(x, false), absolute);
    let (y, weights) = block.attend(x);
    case.agrees_within("y", &y, absolute);
    case.agrees_within("weights", &weights, absolute);
}

/// Tokens and all variables, with drawn values.
fn inputs(case: &mut Case<'_>, vs: &mut VarStore, dim: i64) -> Vec<(String, Tensor)> {
    let kind = case.kind();
    let x = tokens_and_weights(case, vs, dim, kind, Spread::new(0.5, 3.0));
    let mut inputs = vec![("x".to_owned(), x.set_requires_grad(true))];
    inputs.extend(tensor::variables(vs));
    inputs
}

fn set(vs: &VarStore, name: &str, value: &Tensor) {
    let _guard = no_grad_guard();
    tensor::variable(vs, name).copy_(value);
}
