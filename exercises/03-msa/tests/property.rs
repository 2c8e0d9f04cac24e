//! Properties that hold for all sizes and values, checked without stored numbers.

use msa::{HeadwiseMsa, Msa, attention};
use proptest::prelude::*;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use testkit::strategies::token_batch;
use testkit::{Tolerance, assert_close, tensor};

/// Two ways to one result, in f32 and by sums of at most 20 terms of at most 4 or so: each way is off by a few
/// roundings of up to 2e-7. Less than a millionth was seen.
const F32: Tolerance = Tolerance::new(1e-5, 5e-6);

/// Logits of about 10⁴ in f64 are off by 10⁴ · 1e-16 a term, and the weights by as much. In f32 it would be 1e-3.
const F64_AT_LARGE_LOGITS: Tolerance = Tolerance::new(1e-9, 1e-10);

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// A query that is equal to one key, and far from all others, gets that key's value and nothing else.
    /// Look at: which of q and k has a row for each token that asks, and that the weights are not transposed.
    #[test]
    fn a_query_looks_up_the_value_of_its_key(n in 3..=8_i64, seed: u32) {
        // Keys are long and at right angles; query i is key i − 1. Turned the other way it would be key i + 1.
        let k = Tensor::eye(n, (Kind::Float, Device::Cpu)) * 20.;
        let q = k.roll([1], [0]);
        let v = tensor::uniform(&format!("values {seed}"), &[n, n], Kind::Float);
        let (output, weights) = attention(&q, &k, &v);
        assert_close!(&weights, &(q / 20.), F32);
        assert_close!(&output, &v.roll([1], [0]), F32);
    }

    /// Adding one vector to every key adds the same number to all logits of a query, which softmax does not see; not
    /// even where the logits become so large that their exponentials are infinite.
    /// Look at: the axis of the softmax, and use the library's, which subtracts the largest logit first.
    #[test]
    fn one_vector_added_to_every_key_changes_nothing(n in 1..=6_i64, d in 1..=5_i64, seed: u32) {
        let [q, k, v] = ["q", "k", "v"].map(|name| {
            tensor::uniform(&format!("{name} {seed}"), &[2, n, d], Kind::Double) * 2.
        });
        let everywhere = tensor::uniform(&format!("added {seed}"), &[1, 1, d], Kind::Double) * 1e4;
        let (output, weights) = attention(&q, &k, &v);
        let (output_after, weights_after) = attention(&q, &(&k + everywhere), &v);
        assert_close!(&weights_after, &weights, F64_AT_LARGE_LOGITS);
        assert_close!(&output_after, &output, F64_AT_LARGE_LOGITS);
    }

    /// Logits are q·k/√d: four times as many columns, the new ones all zero, halve them, and doubling q makes up for it.
    /// Look at: what the logits are divided by, and that it happens before the softmax.
    #[test]
    fn logits_are_divided_by_the_root_of_the_width(n in 2..=6_i64, d in 1..=5_i64, seed: u32) {
        let [q, k, v] = ["q", "k", "v"].map(|name| {
            tensor::uniform(&format!("{name} {seed}"), &[n, d], Kind::Float) * 2.
        });
        let widened = |t: &Tensor| t.constant_pad_nd([0, 3 * d]);
        let (output, weights) = attention(&q, &k, &v);
        let (wide_output, wide_weights) = attention(&widened(&(q * 2.)), &widened(&k), &widened(&v));
        assert_close!(&wide_weights, &weights, F32);
        assert_close!(&wide_output, &widened(&output), F32);
    }

    /// Each token's weights are at least 0 and sum to 1, in each head.
    /// Look at: the axis of the softmax, the last one, and that nothing multiplies the weights after it.
    #[test]
    fn each_tokens_weights_sum_to_one(batch in token_batch()) {
        let (_vs, msa) = filled_msa(&batch.x, batch.heads);
        let (_, weights) = msa.attend(&(&batch.x * 4.));
        let sums = weights.sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float);
        assert_close!(&sums, &Tensor::ones_like(&sums), F32);
        assert!(weights.min().double_value(&[]) >= 0.0, "a weight is negative");
    }

    /// Attention knows no order: tokens in another order give the same outputs in that order, and weights with rows
    /// and columns in that order.
    /// Look at: how heads are split and merged. A reshape that puts numbers of different tokens together is at fault.
    #[test]
    fn tokens_in_another_order_give_outputs_in_that_order(batch in token_batch(), seed: u32) {
        let (_vs, msa) = filled_msa(&batch.x, batch.heads);
        let x = &batch.x * 4.;
        let order = tensor::uniform(&format!("order {seed}"), &[x.size()[1]], Kind::Float).argsort(0, false);
        let (output, weights) = msa.attend(&x);
        let (output_after, weights_after) = msa.attend(&x.index_select(1, &order));
        assert_close!(&output_after, &output.index_select(1, &order), F32);
        assert_close!(&weights_after, &weights.index_select(2, &order).index_select(3, &order), F32);
    }

    /// If all tokens are the same, it does not matter how they attend: the output is the token's value, sent through
    /// the output map.
    /// Look at: which third of `qkv` is taken for v, how heads are merged, and that `proj` is used.
    #[test]
    fn identical_tokens_get_their_value_through_the_output_map(batch in token_batch()) {
        let (vs, msa) = filled_msa(&batch.x, batch.heads);
        let dim = batch.x.size()[2];
        let x = batch.x.narrow(1, 0, 1).expand_as(&batch.x).contiguous() * 4.;

        let third = |name: &str| tensor::variable(&vs, name).narrow(0, 2 * dim, dim);
        let value = x.linear(&third("qkv.weight"), Some(&third("qkv.bias")));
        let expected = value.linear(&tensor::variable(&vs, "proj.weight"), Some(&tensor::variable(&vs, "proj.bias")));
        assert_close!(&msa.forward(&x), &expected, F32);
    }

    /// Sequences of a batch know nothing of each other: each one alone gives what it gives among the others.
    /// Look at: the first axis; it must stay first, and no sum may run over it.
    #[test]
    fn each_sequence_of_a_batch_is_on_its_own(batch in token_batch()) {
        let (_vs, msa) = filled_msa(&batch.x, batch.heads);
        let x = &batch.x * 4.;
        let (output, weights) = msa.attend(&x);
        for i in 0..x.size()[0] {
            let (alone, weights_alone) = msa.attend(&x.narrow(0, i, 1).contiguous());
            assert_close!(&output.narrow(0, i, 1), &alone, F32);
            assert_close!(&weights.narrow(0, i, 1), &weights_alone, F32);
        }
    }

    /// `HeadwiseMsa` is the `Msa` whose q, k and v maps are zero outside of the heads' own d × d blocks, and whose
    /// output map does nothing.
    /// Look at: the snapshots, to see which of the two is at fault; then which columns are which head's.
    #[test]
    fn msa_with_block_diagonal_maps_is_headwise(batch in token_batch()) {
        let dim = batch.x.size()[2];
        let x = &batch.x * 4.;
        let headwise_vs = VarStore::new(Device::Cpu);
        let headwise = HeadwiseMsa::new(&headwise_vs.root(), dim, batch.heads);
        tensor::fill(&headwise_vs);

        let (vs, msa) = filled_msa(&batch.x, batch.heads);
        let small = |map: &str, kind: &str| -> Vec<Tensor> {
            let name = |head| format!("{map}_mappings.{head}.{kind}");
            (0..batch.heads).map(|head| tensor::variable(&headwise_vs, &name(head))).collect()
        };
        let weights = ["q", "k", "v"].map(|map| Tensor::block_diag(&small(map, "weight")));
        let biases = ["q", "k", "v"].map(|map| Tensor::cat(&small(map, "bias"), 0));
        tensor::variable(&vs, "qkv.weight").copy_(&Tensor::cat(&weights, 0));
        tensor::variable(&vs, "qkv.bias").copy_(&Tensor::cat(&biases, 0));
        tensor::variable(&vs, "proj.weight").copy_(&Tensor::eye(dim, (Kind::Float, Device::Cpu)));
        let _ = tensor::variable(&vs, "proj.bias").zero_();

        assert_close!(&msa.forward(&x), &headwise.forward(&x), F32);
    }
}

/// An `Msa` for such tokens, with weights that do not depend on random draws.
fn filled_msa(x: &Tensor, heads: i64) -> (VarStore, Msa) {
    let vs = VarStore::new(Device::Cpu);
    let msa = Msa::new(&vs.root(), x.size()[2], heads);
    tensor::fill(&vs);
    (vs, msa)
}
