//! Each function against the reference, on sizes and values that are drawn.

use flow::{attention_network, flow, flow_from, maximum_flow, shares};
use ndarray::{Array2, Array3, Axis};
use rollout::Fusion;
use testkit::drawn;
use testkit::drawn::{Case, Spread};

/// The value is the reference's, in two networks for each case: a small one of every sort, and a larger one of layers, from
/// which flow must be taken back. Capacities are about a thousandth of a millionth, 1 or a million.
///
/// Look at: pipes in both directions, and flow that must be taken back; a comparison with anything but 0 does not know how
/// small capacities are.
#[test]
fn maximum_flow_agrees_with_the_reference() {
    drawn!("maximum_flow", 12, |case| {
        let scale = case.pick(&[1e-9, 1.0, 1e6]);
        case.note("capacities of about", scale);
        for network in [any_network(case), layered_network(case)] {
            let capacities = network
                .capacities
                .mapv(|capacity| (scale * capacity) as f32);
            let found = maximum_flow(capacities.view(), network.source, network.sink);
            case.agrees("value", &found.value);
        }
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
            .map(|_| attention(case, (1, tokens, tokens), 12.0).remove_axis(Axis(0)))
            .collect();
        case.agrees("capacities", &attention_network(&layers));
    });
}

/// All flows through three to five layers are the reference's, fused in each way.
///
/// Look at: the order of the layers, the residual, the way from the last layer's tokens down to the image's, and the
/// maximum flow itself.
#[test]
fn flow_agrees_with_the_reference() {
    drawn!("flow", 12, |case| {
        let tokens = case.size("N", 4..=7);
        let (layers, fusion) = layers(case, tokens);
        case.agrees("flow", &flow(&layers, fusion));
    });
}

/// The flows of one token are the reference's.
///
/// Look at: the token counts from 0 after the last layer. Each input token is a sink by itself, in a network in which
/// nothing flows yet.
#[test]
fn flow_from_agrees_with_the_reference() {
    drawn!("flow_from", 12, |case| {
        let tokens = case.size("N", 5..=8);
        let token = case.size("token", 0..=tokens - 1);
        let (layers, fusion) = layers(case, tokens);
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

/// A network and its two ends.
struct Network {
    capacities: Array2<f64>,
    source: usize,
    sink: usize,
}

/// 4 to 9 nodes with some or most of all pipes between them: cycles, pipes in both directions, into the source, out of
/// the sink, and from a node to itself.
fn any_network(case: &mut Case<'_>) -> Network {
    let nodes = case.size("V", 4..=9);
    let pipes = case.pick(&[0.3, 0.5, 0.8]);
    let capacities = Array2::from_shape_simple_fn((nodes, nodes), || {
        let is_there = case.unit() < pipes;
        let capacity = 0.05 + case.unit();
        if is_there { capacity } else { 0.0 }
    });
    let source = case.size("source", 0..=nodes - 1);
    Network {
        capacities,
        source,
        sink: case.other_size("sink", 0..=nodes - 1, source),
    }
}

/// A source, four or five layers of 5 to 7 nodes, and a sink, numbered in any order. Three pipes lead from each node to the
/// next layer, and all nodes of the first and last layer are joined to an end, by pipes three times as wide.
///
/// So the narrowest cut is a ragged one between the ends, not next to either of them; and with as little choice, nearly
/// every path is in the way of others: whoever takes no flow back finds the value in one network of ten.
fn layered_network(case: &mut Case<'_>) -> Network {
    let (layers, width) = (
        case.size("layers", 4..=5),
        case.size("nodes of a layer", 5..=7),
    );
    let nodes = layers * width + 2;
    let numbers = shuffled(case, nodes);
    let (ends, between) = numbers.split_at(2);
    let (source, sink) = (ends[0], ends[1]);
    let between: Vec<_> = between.chunks(width).collect();
    let mut capacities = Array2::zeros((nodes, nodes));
    for pair in between.windows(2) {
        for &u in pair[0] {
            for v in shuffled(case, width).into_iter().take(3) {
                capacities[[u, pair[1][v]]] = 1.0 + case.unit();
            }
        }
    }
    for (&first, &last) in between[0].iter().zip(between[layers - 1]) {
        capacities[[source, first]] = 3.0 * (1.0 + case.unit());
        capacities[[last, sink]] = 3.0 * (1.0 + case.unit());
    }
    Network {
        capacities,
        source,
        sink,
    }
}

/// The numbers below `count`, in any order.
fn shuffled(case: &mut Case<'_>, count: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..count).map(|number| (case.unit(), number)).collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    numbers.into_iter().map(|(_, number)| number).collect()
}

/// The attention of some layers between N tokens, and how heads are fused.
///
/// With two layers no path is in another's way. With many, or with pipes that a fusion widens, all that leaves a token or
/// all that enters one gets through, whatever lies between. And if attention is so sharp that a minimum over heads leaves
/// next to nothing, hardly two paths meet. Each fusion has layers in between, on which neither end alone nor flow that is
/// never taken back gives the values.
fn layers(case: &mut Case<'_>, tokens: usize) -> (Vec<Array3<f32>>, Fusion) {
    let fusion = case.pick(&[Fusion::Mean, Fusion::Max, Fusion::Min]);
    case.note("fusion", format!("{fusion:?}"));
    let (most, largest) = match fusion {
        Fusion::Mean => (4, 10.0),
        Fusion::Max => (3, 6.0),
        Fusion::Min => (5, 3.0),
    };
    let (depth, heads) = (case.size("L", 3..=most), case.size("h", 2..=3));
    let layers = (0..depth).map(|_| attention(case, (heads, tokens, tokens), largest));
    (layers.collect(), fusion)
}

/// Attention of h heads between N tokens, \[h, N, N\]: a softmax whose logits lie between −`largest` and `largest`.
fn attention(case: &mut Case<'_>, shape: (usize, usize, usize), largest: f64) -> Array3<f32> {
    let mut logit = || largest * (2.0 * case.unit() - 1.0);
    let exponentials = Array3::from_shape_simple_fn(shape, || logit().exp());
    let sums = exponentials.sum_axis(Axis(2)).insert_axis(Axis(2));
    (exponentials / sums).mapv(|weight| weight as f32)
}
