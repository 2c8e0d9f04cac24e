//! Small inputs against stored values: those of networkx on exact fractions. tests/snapshots/expected.py makes them.

use flow::{attention_network, flow, flow_from, shares};
use ndarray::{Array1, Array2, Array3, Axis, array};
use rollout::Fusion;
use testkit::{Tolerance, assert_close, snapshot, uniform};

/// A flow is a sum of capacities, those of a cut: at most 4 layers of 6 · 6 weights below 1, each off by less than 5 · 2⁻²⁴ of
/// itself from fusing, adding and dividing in f32. All flows are at most 1, so they are off by less than 1e-6. The mildest
/// mistake is off by more than 1e-3.
const FLOW: Tolerance = Tolerance::new(1e-5, 2e-6);

/// Values are moved, never calculated with.
const MOVED: Tolerance = Tolerance::EXACT;

/// A sum of 5 values and a quotient: less than 6 · 2⁻²⁴ of each.
const SHARED: Tolerance = Tolerance::new(1e-6, 0.0);

/// Attention of a softmax whose logits lie between −12 and 12: few pipes are wide, as in a trained model. With weights that
/// are nearly alike, all flows would be saturated, and hardly a mistake would show.
fn attention(name: &str, shape: (usize, usize, usize)) -> Array3<f32> {
    let exponentials = uniform(name, shape).mapv(|value: f32| (12.0 * f64::from(value)).exp());
    let sums = exponentials.sum_axis(Axis(2)).insert_axis(Axis(2));
    (exponentials / sums).mapv(|weight| weight as f32)
}

/// Four layers that are not alike.
fn layers() -> Vec<Array3<f32>> {
    let name = |layer| format!("layer of flow {layer}");
    (0..4)
        .map(|layer| attention(&name(layer), (2, 6, 6)))
        .collect()
}

/// The network of maps: from each token to those one layer below it.
fn layer_by_layer(maps: &[Array2<f32>]) -> Array2<f32> {
    let tokens = maps[0].nrows();
    let nodes = (maps.len() + 1) * tokens;
    Array2::from_shape_fn((nodes, nodes), |(from, to)| {
        if from / tokens == to / tokens + 1 {
            maps[to / tokens][[from % tokens, to % tokens]]
        } else {
            0.0
        }
    })
}

/// The handout's three layers, of one head: weights are quarters.
fn example() -> Vec<Array3<f32>> {
    let quarters = [
        array![[0.0_f32, 3.0, 1.0], [0.0, 0.0, 4.0], [3.0, 1.0, 0.0]],
        array![[0.0, 3.0, 1.0], [4.0, 0.0, 0.0], [3.0, 1.0, 0.0]],
        array![[0.0, 4.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 0.0]],
    ];
    quarters
        .map(|layer| (layer / 4.0).insert_axis(Axis(0)))
        .to_vec()
}

/// The handout's example comes out as it does by hand: the network, all flows, those of token 0, and their shares.
///
/// Look at: the first of the four that is off. A flow of ⅝ from 0 to 2 has never been taken back, or goes through the layers
/// in the wrong order; ¼ lacks the residual; ⅞ runs upside down; ½ is the widest path alone; 1¼ adds up what each path
/// could carry if it were alone.
#[test]
fn the_example_of_the_handout() {
    let layers = example();
    // Halves, quarters and eighths: f32 is exact, but for the shares.
    let exact = Tolerance::new(0.0, 1e-7);

    let half = Array2::<f32>::eye(3) * 0.5;
    let maps: Vec<_> = layers
        .iter()
        .map(|layer| layer.index_axis(Axis(0), 0).mapv(|weight| weight / 2.0) + &half)
        .collect();
    let network = attention_network(&maps);
    assert_close!(&network, &layer_by_layer(&maps), exact);

    let by_hand = array![[0.625_f32, 1.0, 0.75], [0.875, 1.0, 1.0], [0.875, 1.0, 1.0]];
    assert_close!(&flow(&layers, Fusion::Mean), &by_hand, exact);
    assert_close!(
        &flow_from(&layers, Fusion::Mean, 0),
        &by_hand.row(0).to_owned(),
        exact
    );

    let nineteenths = array![5.0_f32, 8.0, 6.0] / 19.0;
    let first: Array1<f32> = shares(by_hand.view()).row(0).to_owned();
    assert_close!(&first, &nineteenths, exact);
}

/// Pipes lead from each layer's tokens to those of the layer below, with the layer's weights, and nowhere else.
///
/// Look at: row l·N + i, column (l − 1)·N + j, for layers\[l − 1\]\[i, j\]. The image's tokens come first.
#[test]
fn pipes_lead_from_each_layer_to_the_one_below() {
    let name = |layer| format!("map {layer}");
    let maps: Vec<Array2<f32>> = (0..3)
        .map(|layer| uniform(&name(layer), (2, 2)).mapv(f32::abs))
        .collect();
    let network = attention_network(&maps);
    assert_close!(&network, &layer_by_layer(&maps), MOVED);
}

/// The flows through four different layers, fused in each way.
///
/// Look at: if all are too small, whether flow can be taken back, and whether the search goes on until there is no path. If
/// only those of the maximum and the minimum are off: rows are to be divided by their sums, as exercise 07's
/// `with_residual` does.
#[test]
fn flows_through_four_layers_fused_by_mean_maximum_and_minimum() {
    let layers = layers();
    snapshot!("flow_mean", &flow(&layers, Fusion::Mean), FLOW);
    snapshot!("flow_max", &flow(&layers, Fusion::Max), FLOW);
    snapshot!("flow_min", &flow(&layers, Fusion::Min), FLOW);
}

/// The flows of one token of 12 through six layers: a network of 84 nodes and 864 pipes.
///
/// Look at: if it takes seconds, how paths are found: breadth-first, or by levels. How many paths a depth-first search
/// takes depends on the capacities.
#[test]
fn flows_of_one_token_through_a_larger_network() {
    let name = |layer| format!("deep layer {layer}");
    let layers: Vec<_> = (0..6)
        .map(|layer| attention(&name(layer), (3, 12, 12)))
        .collect();
    snapshot!("flow_from_one", &flow_from(&layers, Fusion::Min, 7), FLOW);
}

/// Each row is divided by its own sum; a row of zeros stays as it is.
///
/// Look at: the axis of the sum, and 0 / 0.
#[test]
fn shares_of_a_table_with_a_row_of_zeros() {
    let mut table = uniform("flow to share", (3, 5)).mapv(f32::abs);
    table.row_mut(1).fill(0.0);
    snapshot!("shares", &shares(table.view()), SHARED);
}
