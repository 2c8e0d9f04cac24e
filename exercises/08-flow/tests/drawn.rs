//! Each function against the reference, on sizes and values that are drawn.

use flow::{attention_network, flow, flow_from, maximum_flow, shares};
use ndarray::{Array2, Array3, Axis};
use rollout::Fusion;
use testkit::drawn;
use testkit::drawn::{Case, Spread};

/// What flows in all is the reference's, in networks of every sort, whose capacities are about a thousandth of a
/// millionth, 1 or a million.
///
/// Look at: pipes in both directions, and flow that must be taken back; a comparison with anything but 0 does not know how
/// small capacities are.
#[test]
fn maximum_flow_agrees_with_the_reference() {
    drawn!("maximum_flow", 12, |case| {
        let nodes = case.size("V", 4..=9);
        let scale = case.pick(&[1e-9, 1.0, 1e6]);
        let pipes = case.pick(&[0.3, 0.5, 0.8]);
        case.note("capacities of about", scale);
        let capacities = Array2::from_shape_simple_fn((nodes, nodes), || {
            let is_there = case.unit() < pipes;
            let capacity = scale * (0.05 + case.unit());
            if is_there { capacity as f32 } else { 0.0 }
        });
        let source = case.size("source", 0..=nodes - 1);
        let sink = case.other_size("sink", 0..=nodes - 1, source);
        let found = maximum_flow(capacities.view(), source, sink);
        case.agrees("value", &found.value);
    });
}

/// The network is the reference's for two to five layers.
///
/// Look at: which layer's pipes lead where, and which of a pipe's two ends is its row.
#[test]
fn attention_network_agrees_with_the_reference() {
    drawn!("attention_network", 8, |case| {
        let (depth, tokens) = (case.size("L", 2..=5), case.size("N", 2..=6));
        let layers: Vec<_> = (0..depth)
            .map(|_| attention(case, 1, tokens).remove_axis(Axis(0)))
            .collect();
        case.agrees("capacities", &attention_network(&layers));
    });
}

/// All flows through two to five layers are the reference's, fused in each way.
///
/// Look at: the order of the layers, the residual, the way from the last layer's tokens down to the image's, and the
/// maximum flow itself.
#[test]
fn flow_agrees_with_the_reference() {
    drawn!("flow", 9, |case| {
        let (depth, heads) = (case.size("L", 2..=5), case.size("h", 2..=3));
        let tokens = case.size("N", 4..=7);
        let layers: Vec<_> = (0..depth).map(|_| attention(case, heads, tokens)).collect();
        let fusion = fusion(case);
        case.agrees("flow", &flow(&layers, fusion));
    });
}

/// The flows of one token are the reference's.
///
/// Look at: the token counts from 0 after the last layer. Each input token is a sink by itself, in a network in which
/// nothing flows yet.
#[test]
fn flow_from_agrees_with_the_reference() {
    drawn!("flow_from", 9, |case| {
        let (depth, heads) = (case.size("L", 2..=5), case.size("h", 2..=3));
        let tokens = case.size("N", 4..=8);
        let token = case.size("token", 0..=tokens - 1);
        let layers: Vec<_> = (0..depth).map(|_| attention(case, heads, tokens)).collect();
        let fusion = fusion(case);
        case.agrees("flow", &flow_from(&layers, fusion, token));
    });
}

/// The shares are the reference's, whatever rows sum to: about 1, a millionth of a millionth, or a million.
///
/// Look at: what each value is divided by.
#[test]
fn shares_agree_with_the_reference() {
    drawn!("shares", 8, |case| {
        let rows = case.size("R", 3..=7);
        let columns = case.other_size("C", 3..=8, rows);
        let mut flow = case.array((rows, columns), Spread::UNIT).mapv(f32::abs);
        for mut row in flow.rows_mut() {
            row *= case.pick(&[1e-12, 0.3, 1.0, 3.0, 1e6]);
        }
        case.agrees("shares", &shares(flow.view()));
    });
}

/// Attention of h heads between N tokens, \[h, N, N\]: a softmax whose logits lie between −12 and 12. Where weights are
/// nearly alike, each flow is all that leaves a token or all that enters one, and says nothing of the layers between.
fn attention(case: &mut Case<'_>, heads: usize, tokens: usize) -> Array3<f32> {
    let shape = (heads, tokens, tokens);
    let mut logit = || 24.0 * case.unit() - 12.0;
    let exponentials = Array3::from_shape_simple_fn(shape, || logit().exp());
    let sums = exponentials.sum_axis(Axis(2)).insert_axis(Axis(2));
    (exponentials / sums).mapv(|weight| weight as f32)
}

fn fusion(case: &mut Case<'_>) -> Fusion {
    let fusion = case.pick(&[Fusion::Mean, Fusion::Max, Fusion::Min]);
    case.note("fusion", format!("{fusion:?}"));
    fusion
}
