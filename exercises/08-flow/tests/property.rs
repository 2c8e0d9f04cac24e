//! Properties of flows through networks of every sort, and through attention.

use flow::{Flow, flow, flow_from, maximum_flow, shares};
use ndarray::{Array1, Array2, Array3, Axis, array};
use proptest::prelude::*;
use rollout::Fusion;
use std::fmt;
use testkit::{Tolerance, assert_close, assert_shape, uniform};

/// Capacities are sixteenths below 4, and up to 36 of them are added: f32 is exact. What is calculated in another way may
/// round the least bit of a sum below 100.
const EXACTLY: Tolerance = Tolerance::new(0.0, 1e-5);

/// Up to 5 layers of 5 · 5 weights below 1, each off by less than 5 · 2⁻²⁴ of itself, in sums that are at most 1, or, for
/// what enters a token, at most 5.
const FLOWS: Tolerance = Tolerance::new(2e-6, 2e-6);

/// A network and its two ends.
struct Network {
    capacities: Array2<f32>,
    source: usize,
    sink: usize,
}

impl Network {
    fn flow(&self) -> Flow {
        maximum_flow(self.capacities.view(), self.source, self.sink)
    }

    /// The capacities of the pipes that lead from the source's side to the other.
    fn cut(&self, source_side: &[bool]) -> f32 {
        let pipes = self.capacities.indexed_iter();
        let across = pipes.filter(|((u, v), _)| source_side[*u] && !source_side[*v]);
        across.map(|(_, capacity)| capacity).sum()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capacities,
            source,
            sink,
        } = self;
        write!(f, "from {source} to {sink} through\n{capacities}")
    }
}

prop_compose! {
    /// 2 to 6 nodes with some or most of all pipes between them: cycles, pipes in both directions, into the source, out of
    /// the sink, and from a node to itself.
    fn networks()(
        nodes in 2..=6_usize,
        source in 0..6_usize,
        steps in 0..5_usize,
        pipes in prop::sample::select(vec![0.3_f32, 0.5, 0.8]),
        seed in any::<u32>(),
    ) -> Network {
        let is_there = uniform(&format!("is there {seed}"), (nodes, nodes));
        let capacities = uniform(&format!("capacity {seed}"), (nodes, nodes));
        let capacities = capacities.mapv(|value: f32| (32.0 * (value + 1.0)).floor() / 16.0 + 0.0625);
        let is_there = is_there.mapv(|value: f32| if value < 2.0 * pipes - 1.0 { 1.0 } else { 0.0 });
        let source = source % nodes;
        let sink = (source + 1 + steps % (nodes - 1)) % nodes;
        Network { capacities: capacities * is_there, source, sink }
    }
}

/// Attention of a softmax whose logits lie between −12 and 12: few pipes are wide, so that flows are not all saturated.
fn attention(name: &str, shape: (usize, usize, usize)) -> Array3<f32> {
    let exponentials = uniform(name, shape).mapv(|value: f32| (12.0 * f64::from(value)).exp());
    let sums = exponentials.sum_axis(Axis(2)).insert_axis(Axis(2));
    (exponentials / sums).mapv(|weight| weight as f32)
}

/// Half of the mean over heads, and half of each token itself: rows sum to 1, for those of a softmax do.
fn map(layer: &Array3<f32>) -> Array2<f32> {
    let heads = layer.len_of(Axis(0)) as f32;
    let tokens = layer.len_of(Axis(1));
    layer.sum_axis(Axis(0)) / (2.0 * heads) + Array2::<f32>::eye(tokens) * 0.5
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
    /// 1 to 4 layers of 1 to 3 heads, for 2 to 5 tokens.
    fn layers()(
        depth in 1..=4_usize,
        heads in 1..=3_usize,
        n in 2..=5_usize,
        seed in any::<u32>(),
    ) -> Layers {
        let layer = |l| attention(&format!("layer {l} of {seed}"), (heads, n, n));
        Layers((0..depth).map(layer).collect())
    }
}

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Through each pipe flows no less than nothing and no more than its capacity; at each node between the ends, what comes
    /// in goes out; and what leaves the source on the whole is the value.
    ///
    /// Look at: what has been sent is the capacity without what is left, where that is positive. Where it is negative, flow
    /// runs through the pipe that leads back.
    #[test]
    fn flow_fits_into_the_pipes_and_what_comes_in_goes_out(network in networks()) {
        let found = network.flow();
        assert_shape!(&found.flow, *network.capacities.shape());
        for ((u, v), &sent) in found.flow.indexed_iter() {
            let capacity = network.capacities[[u, v]];
            prop_assert!(
                (0.0..=capacity * (1.0 + 1e-6)).contains(&sent),
                "{sent} flows through the pipe {u} → {v} of capacity {capacity}"
            );
        }
        let mut net = found.flow.sum_axis(Axis(1)) - found.flow.sum_axis(Axis(0));
        prop_assert!(
            (net[network.source] - found.value).abs() <= 1e-5 && (net[network.sink] + found.value).abs() <= 1e-5,
            "{} leaves the source, {} enters the sink, and the value is {}",
            net[network.source],
            -net[network.sink],
            found.value
        );
        net[network.source] = 0.0;
        net[network.sink] = 0.0;
        assert_close!(&net, &Array1::<f32>::zeros(net.len()), EXACTLY);
    }

    /// The source is on its own side of the cut and the sink on the other, and the pipes from side to side have the value
    /// as their capacity: no flow can be larger than a cut, so this flow is a maximum and this cut a minimum.
    ///
    /// Look at: the last search, which does not reach the sink. On the source's side is what it reaches through what is
    /// left. If cut and flow differ, there was a path left.
    #[test]
    fn the_value_is_the_capacity_of_the_cut(network in networks()) {
        let Flow { value, source_side, .. } = network.flow();
        prop_assert_eq!(source_side.len(), network.capacities.nrows(), "nodes with a side");
        prop_assert!(source_side[network.source], "the source is not on its side of the cut");
        prop_assert!(!source_side[network.sink], "the sink is on the source's side of the cut");
        assert_close!(&value, &network.cut(&source_side), EXACTLY);
    }

    /// If all pipes between two parts of a network lead back to the source's part, nothing flows.
    ///
    /// Look at: a pipe has a direction. And a search that finds no path must end with what is known by then.
    #[test]
    fn where_there_is_no_way_nothing_flows(mut network in networks(), part in 0..64_u32) {
        let is_near = |node: usize| node == network.source || (node != network.sink && part >> node & 1 == 1);
        for ((u, v), capacity) in network.capacities.indexed_iter_mut() {
            if is_near(u) && !is_near(v) {
                *capacity = 0.0;
            }
        }
        let Flow { value, source_side, .. } = network.flow();
        assert_close!(&value, &0.0_f32, Tolerance::EXACT);
        prop_assert!(source_side[network.source] && !source_side[network.sink]);
        assert_close!(&network.cut(&source_side), &0.0_f32, Tolerance::EXACT);
    }

    /// Pipes that are wider or narrower by one factor let as much more or less through, be it a millionth of a millionth; and
    /// where one pipe alone grows, by up to as much more.
    ///
    /// Look at: whatever is compared with another number than 0, and rounded to whole numbers.
    #[test]
    fn the_value_grows_with_the_capacities(
        network in networks(),
        (u, v) in (0..6_usize, 0..6_usize),
    ) {
        let value = network.flow().value;
        for factor in [2.0_f32.powi(-40), 2.0_f32.powi(20)] {
            let scaled = Network { capacities: &network.capacities * factor, ..network };
            assert_close!(&(scaled.flow().value / factor), &value, EXACTLY);
        }
        let nodes = network.capacities.nrows();
        let mut capacities = network.capacities.clone();
        capacities[[u % nodes, v % nodes]] += 1.0;
        let wider = Network { capacities, ..network }.flow().value;
        prop_assert!(
            (value - 1e-5..=value + 1.0 + 1e-5).contains(&wider),
            "{value} flows, and {wider} where one pipe is wider by 1"
        );
    }

    /// If all pipes are turned round and source and sink swapped, as much flows.
    ///
    /// Look at: nothing that you do may know more of one end than of the other.
    #[test]
    fn as_much_flows_the_other_way_if_all_pipes_are_turned_round(network in networks()) {
        let turned = Network {
            capacities: network.capacities.t().to_owned(),
            source: network.sink,
            sink: network.source,
        };
        assert_close!(&turned.flow().value, &network.flow().value, EXACTLY);
    }

    /// One layer gives its own map, as rollout does: there is one pipe from each token to each token.
    ///
    /// Look at: the capacities, half the fused heads and half the identity; and that what one sink took is there again for
    /// the next.
    #[test]
    fn one_layer_gives_its_own_map(Layers(layers) in layers()) {
        assert_close!(&flow(&layers[..1], Fusion::Mean), &map(&layers[0]), FLOWS);
    }

    /// Two layers give the sum over all tokens between of the narrower of two pipes.
    ///
    /// Look at: each path has a token of its own between its ends, so no path is in another's way. With three layers there is
    /// no such formula.
    #[test]
    fn two_layers_give_sums_of_minima(Layers(layers) in layers(), seed in any::<u32>()) {
        let first = &layers[0];
        let second = attention(&format!("second {seed}"), first.dim());
        let (below, above) = (map(first), map(&second));
        let tokens = below.nrows();
        let sums = Array2::from_shape_fn((tokens, tokens), |(i, j)| {
            (0..tokens).map(|k| above[[i, k]].min(below[[k, j]])).sum::<f32>()
        });
        assert_close!(&flow(&[first.clone(), second], Fusion::Mean), &sums, FLOWS);
    }

    /// No less flows than rollout says, for a rollout is a flow: each share of a token goes on in the next layer's shares.
    /// No more flows than 1, what leaves a token, and than what the first layer's pipes let into a token of the image. And
    /// half of each token flows straight down to itself.
    ///
    /// Look at: the first of the three that fails. Too little: flow that cannot be taken back, or a search that ends too
    /// early. Too much: pipes that are used both ways, or paths that are in each other's way.
    #[test]
    fn flow_lies_between_rollout_and_what_the_narrowest_layers_let_through(Layers(layers) in layers()) {
        let found = flow(&layers, Fusion::Mean);
        let maps: Vec<_> = layers.iter().map(map).collect();
        let entering = maps[0].sum_axis(Axis(0));
        let rollout = maps.into_iter().reduce(|below, layer| layer.dot(&below)).unwrap_or_default();
        for ((i, j), &value) in found.indexed_iter() {
            let (least, most) = (rollout[[i, j]], entering[j].min(1.0));
            prop_assert!(value >= least - 1e-5, "{value} flows from {i} to {j}, and rollout says {least}");
            prop_assert!(value <= most + 1e-5, "{value} flows from {i} to {j}, and only {most} can");
            prop_assert!(i != j || value >= 0.5 - 1e-5, "{value} flows from {i} to itself");
        }
    }

    /// A layer whose tokens look only at themselves changes nothing, wherever it is put in.
    ///
    /// Look at: its tokens have one pipe each, of capacity 1, straight down. What else would a path meet there?
    #[test]
    fn a_layer_that_looks_at_itself_changes_nothing(
        Layers(layers) in layers(),
        place in 0..5_usize,
    ) {
        let identity: Array2<f32> = Array2::eye(layers[0].len_of(Axis(1)));
        let mut more = layers.clone();
        more.insert(place % (layers.len() + 1), identity.insert_axis(Axis(0)));
        let before = flow(&layers, Fusion::Mean);
        assert_close!(&flow(&more, Fusion::Mean), &before, FLOWS);
    }

    /// Layers in the opposite order, each with queries and keys swapped, give the flows the other way: the same network, turned
    /// round. Columns of these layers sum to 1 as rows do.
    ///
    /// Look at: the order of the layers, and which end of a pipe is the later token. One mistake alone shows here.
    #[test]
    fn layers_turned_round_give_the_flows_the_other_way(
        depth in 1..=4_usize,
        n in 2..=5_usize,
        seed in any::<u32>(),
    ) {
        // A mean of shifts: in each row and each column, each shift's weight once.
        let layer = |l: usize| {
            let weights = attention(&format!("shifts {l} of {seed}"), (1, 1, n));
            let order = uniform(&format!("order {l} of {seed}"), n);
            let mut places: Vec<usize> = (0..n).collect();
            places.sort_by(|&a, &b| f32::total_cmp(&order[a], &order[b]));
            Array3::from_shape_fn((1, n, n), |(_, i, j)| weights[[0, 0, (places[i] + j) % n]])
        };
        let layers: Vec<_> = (0..depth).map(layer).collect();
        let turned: Vec<_> = layers.iter().rev().map(|layer| layer.clone().permuted_axes([0, 2, 1])).collect();
        let other_way = flow(&turned, Fusion::Mean);
        assert_close!(&other_way.t().to_owned(), &flow(&layers, Fusion::Mean), FLOWS);
    }

    /// Tokens by other names have the same flows by other names.
    ///
    /// Look at: nothing may depend on a token's number, neither which paths are found first nor which sink comes first.
    #[test]
    fn tokens_by_other_names_have_the_same_flows(Layers(layers) in layers(), seed in any::<u32>()) {
        let tokens = layers[0].len_of(Axis(1));
        let order = uniform(&format!("names {seed}"), tokens);
        let mut names: Vec<usize> = (0..tokens).collect();
        names.sort_by(|&a, &b| f32::total_cmp(&order[a], &order[b]));
        let renamed: Vec<_> = layers
            .iter()
            .map(|layer| layer.select(Axis(1), &names).select(Axis(2), &names))
            .collect();
        let before = flow(&layers, Fusion::Mean).select(Axis(0), &names).select(Axis(1), &names);
        assert_close!(&flow(&renamed, Fusion::Mean), &before, FLOWS);
    }

    /// The flows of one token are its row of all flows, with each fusion.
    ///
    /// Look at: the token's node after the last layer, and that nothing is left over from one flow for the next.
    #[test]
    fn the_flows_of_a_token_are_its_row(
        Layers(layers) in layers(),
        token in 0..6_usize,
        fusion in prop_oneof![Just(Fusion::Mean), Just(Fusion::Max), Just(Fusion::Min)],
    ) {
        let token = token % layers[0].len_of(Axis(1));
        let row = flow(&layers, fusion).row(token).to_owned();
        assert_close!(&flow_from(&layers, fusion, token), &row, FLOWS);
    }

    /// Shares of a row sum to 1 and are to each other as the flows; a row of zeros stays one.
    ///
    /// Look at: rows, not columns; and 0 / 0.
    #[test]
    fn shares_of_a_row_sum_to_one(
        rows in 1..=5_usize,
        columns in 1..=5_usize,
        zeros in 0..5_usize,
        seed in any::<u32>(),
    ) {
        let mut table = uniform(&format!("table {seed}"), (rows, columns)).mapv(|value: f32| value + 1.25);
        table.row_mut(zeros % rows).fill(0.0);
        let found = shares(table.view());
        let mut sums = Array1::<f32>::ones(rows);
        sums[zeros % rows] = 0.0;
        assert_close!(&found.sum_axis(Axis(1)), &sums, FLOWS);
        let whole = table.sum_axis(Axis(1)).insert_axis(Axis(1));
        assert_close!(&(found * whole), &table, EXACTLY);
    }
}

/// In the handout's example ¾ flows from token 0 after the last layer to token 2 of the image, and the cut says that it cannot
/// be more: ⅛ + ½ + ⅛ into token 2's column.
///
/// Look at: after the first paths of three pipes nothing more gets through, unless some of it is taken back: ⅝ flows.
#[test]
fn the_flow_and_the_cut_of_the_handout() {
    let mut capacities = Array2::<f32>::zeros((12, 12));
    let eighths = [
        array![[4.0_f32, 3.0, 1.0], [0.0, 4.0, 4.0], [3.0, 1.0, 4.0]],
        array![[4.0, 3.0, 1.0], [4.0, 4.0, 0.0], [3.0, 1.0, 4.0]],
        array![[4.0, 4.0, 0.0], [0.0, 5.0, 3.0], [4.0, 0.0, 4.0]],
    ];
    for (below, layer) in eighths.iter().enumerate() {
        for ((i, j), eighth) in layer.indexed_iter() {
            capacities[[3 * below + 3 + i, 3 * below + j]] = eighth / 8.0;
        }
    }
    let network = Network {
        capacities,
        source: 9,
        sink: 2,
    };
    let Flow {
        value, source_side, ..
    } = network.flow();
    assert_close!(&value, &0.75_f32, EXACTLY);
    assert_close!(&network.cut(&source_side), &0.75_f32, EXACTLY);
}

/// More layers let more through if all look everywhere alike: with N = 4, ⅛, ½, ⅞ and 1 off the diagonal after 1, 2, 3 and 4
/// layers. Rollout tends to ¼.
///
/// Look at: flows are values of their own, and rows of them sum to more than 1. `shares` divides them, `flow` does not.
#[test]
fn flows_through_uniform_layers_grow_to_one() {
    let layer = Array3::from_elem((2, 4, 4), 0.25_f32);
    for (depth, eighths) in [(1, 1.0), (2, 4.0), (3, 7.0), (4, 8.0)] {
        let found = flow(&vec![layer.clone(); depth], Fusion::Mean);
        let off_the_diagonal: f32 = eighths / 8.0;
        assert_close!(&found[[0, 1]], &off_the_diagonal, FLOWS);
        assert_close!(&found[[3, 2]], &off_the_diagonal, FLOWS);
    }
}
