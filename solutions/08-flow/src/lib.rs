//! Attention flow, the maximum flow from a token to a patch: the solution. README.md says why it is so.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};
use rollout::{Fusion, fuse_heads, with_residual};
use std::collections::VecDeque;

/// A maximum flow from the source to the sink of a network, and a minimum cut, which proves that it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The value of the flow: the net flow out of the source, which is the net flow into the sink.
    pub value: f32,
    /// The flow through each pipe, \[V, V\]: at \[u, v\] that through u → v, no less than 0, no more than its capacity. Where
    /// there are pipes in both directions, what flows both ways may be left out.
    pub flow: Array2<f32>,
    /// The source's side of a minimum cut, \[V\], true for each node on it: the capacities of the pipes that lead from this
    /// side to the other add up to `value`.
    pub source_side: Vec<bool>,
}

/// A maximum flow from `source` to `sink` through a network of pipes.
///
/// ```text
/// 0 ≤ flow[u, v] ≤ capacities[u, v]                       for each pipe
/// Σᵤ flow[u, v] = Σᵤ flow[v, u]                           for each node v but the source and the sink
/// value = Σᵥ flow[source, v] − Σᵥ flow[v, source]         as large as it can be
/// ```
///
/// Any network will do: with cycles, with pipes in both directions, into the source, out of the sink, or without a way
/// from one to the other. A pipe from a node to itself carries nothing. Calculate in f64, and count a pipe as
/// usable while its residual capacity is above 0.
///
/// Shapes: `capacities` \[V, V\], at \[u, v\] the capacity of the pipe u → v, 0 for none.
///
/// # Panics
/// Panics if `capacities` is not square, naming both sides; if `source` or `sink` is not below V, naming it and V; if they
/// are the same node, naming it; or if a capacity is negative, infinite or NaN, naming it.
///
/// Source: Edmonds & Karp 1972, *Theoretical Improvements in Algorithmic Efficiency for Network Flow Problems*
/// (doi:10.1145/321694.321699), for shortest augmenting paths; Ford & Fulkerson 1956, *Maximal Flow through a Network*
/// (doi:10.4153/CJM-1956-045-5), for the cut.
pub fn maximum_flow(capacities: ArrayView2<'_, f32>, source: usize, sink: usize) -> Flow {
    assert_network(capacities, source, sink);
    let capacities = capacities.mapv(f64::from); // [V, V]
    let neighbours = neighbours(&capacities);
    let mut residual = capacities.clone(); // [V, V]
    let mut value = 0.0;
    let before = loop {
        let before = shortest_paths(&residual, &neighbours, source);
        let Some(path) = path_to(sink, source, &before) else {
            break before;
        };
        let left = path.iter().map(|&pipe| residual[pipe]);
        let bottleneck = left.fold(f64::INFINITY, f64::min);
        for (u, v) in path {
            residual[(u, v)] -= bottleneck; // exactly 0 at the bottleneck itself
            residual[(v, u)] += bottleneck;
        }
        value += bottleneck;
    };
    let flow = (capacities - residual).mapv(|sent| sent.max(0.0) as f32); // [V, V]
    Flow {
        value: value as f32,
        flow,
        source_side: before.iter().map(Option::is_some).collect(), // [V]
    }
}

/// The nodes that a pipe leads to from each node, or from which one comes: the ways of the residual network are among
/// these.
fn neighbours(capacities: &Array2<f64>) -> Vec<Vec<usize>> {
    let nodes = 0..capacities.nrows();
    let joined = |u, v| capacities[(u, v)] > 0.0 || capacities[(v, u)] > 0.0;
    nodes
        .clone()
        .map(|u| nodes.clone().filter(|&v| joined(u, v)).collect())
        .collect()
}

/// Breadth-first search through what is left: for each node that can be reached, the node before it on a shortest path.
/// The source is before itself.
fn shortest_paths(
    residual: &Array2<f64>,
    neighbours: &[Vec<usize>],
    source: usize,
) -> Vec<Option<usize>> {
    let mut before = vec![None; neighbours.len()];
    before[source] = Some(source);
    let mut queue = VecDeque::from([source]);
    while let Some(u) = queue.pop_front() {
        for &v in &neighbours[u] {
            if before[v].is_none() && residual[(u, v)] > 0.0 {
                before[v] = Some(u);
                queue.push_back(v);
            }
        }
    }
    before
}

/// The pipes of the path that was found, from the sink back to the source; none if there is no path.
fn path_to(sink: usize, source: usize, before: &[Option<usize>]) -> Option<Vec<(usize, usize)>> {
    let mut path = vec![];
    let mut v = sink;
    while v != source {
        let u = before[v]?;
        path.push((u, v));
        v = u;
    }
    Some(path)
}

fn assert_network(capacities: ArrayView2<'_, f32>, source: usize, sink: usize) {
    let (nodes, columns) = capacities.dim();
    assert!(
        nodes == columns,
        "capacities of {nodes} nodes to {columns} are not square"
    );
    for (name, end) in [("source", source), ("sink", sink)] {
        assert!(end < nodes, "there is no {name} {end} among {nodes} nodes");
    }
    assert!(source != sink, "node {source} is both source and sink");
    for ((u, v), capacity) in capacities.indexed_iter() {
        assert!(
            *capacity >= 0.0 && capacity.is_finite(),
            "the pipe {u} → {v} cannot have the capacity {capacity}"
        );
    }
}

/// One network of all layers: a node for each token after each number of layers, and a pipe for each weight.
///
/// ```text
/// node l·N + i                             token i after l layers: l = 0 is the image, l = L after the last layer
/// pipe l·N + i → (l − 1)·N + j             capacity layers[l − 1][i, j], which token i after l layers takes from token j
///                                          after l − 1
/// ```
///
/// There are no other pipes: all lead from a layer to the one below.
///
/// Shapes: `layers` L × \[N, N\], the first nearest to the image → \[(L+1)·N, (L+1)·N\].
///
/// # Panics
/// Panics if there are no layers; or if a layer is not square or the layers differ in N, naming both numbers.
///
/// Source: Abnar & Zuidema 2020, *Quantifying Attention Flow in Transformers* (arXiv:2005.00928), section 3.
pub fn attention_network(layers: &[Array2<f32>]) -> Array2<f32> {
    let tokens = layers.first().expect("there are no layers").nrows();
    let nodes = (layers.len() + 1) * tokens;
    let mut capacities = Array2::zeros((nodes, nodes));
    for (below, layer) in layers.iter().enumerate() {
        let (rows, columns) = layer.dim();
        assert!(
            rows == tokens && columns == tokens,
            "layer {below} is {rows} × {columns} in a network of {tokens} tokens"
        );
        for ((i, j), &weight) in layer.indexed_iter() {
            capacities[((below + 1) * tokens + i, below * tokens + j)] = weight;
        }
    }
    capacities
}

/// Attention flow: the maximum flow from each token after the last layer to each input token.
///
/// The capacities of layer l are A_l = `with_residual`(`fuse_heads`(`layers[l − 1]`)), both of exercise 07, and `flow[i, j]` is
/// the value of the [`maximum_flow`] from node L·N + i to node j of their [`attention_network`]: one flow by itself for each
/// pair. The sum of a row can exceed 1; [`shares`] normalises it.
///
/// Shapes: `layers` L × \[h, N, N\], the first nearest to the image → \[N, N\].
///
/// # Panics
/// Panics if there are no layers; or if a layer is not square or the layers differ in N, naming both numbers.
///
/// Source: Abnar & Zuidema 2020 (arXiv:2005.00928), section 3.
pub fn flow(layers: &[Array3<f32>], fusion: Fusion) -> Array2<f32> {
    let network = network_of(layers, fusion);
    let tokens = tokens_of(&network, layers);
    let mut flows = Array2::zeros((tokens, tokens));
    for (token, mut row) in flows.rows_mut().into_iter().enumerate() {
        row.assign(&flows_from(&network, tokens, token)); // [N]
    }
    flows
}

/// Attention flow from one token after the last layer: row `token` of [`flow`], for N maximum flows instead of N².
///
/// Shapes: `layers` L × \[h, N, N\], the first nearest to the image → \[N\].
///
/// # Panics
/// Panics as [`flow`] does; and if `token` is not below N, naming both.
pub fn flow_from(layers: &[Array3<f32>], fusion: Fusion, token: usize) -> Array1<f32> {
    let network = network_of(layers, fusion);
    let tokens = tokens_of(&network, layers);
    assert!(token < tokens, "there is no token {token} among {tokens}");
    flows_from(&network, tokens, token) // [N]
}

fn network_of(layers: &[Array3<f32>], fusion: Fusion) -> Array2<f32> {
    let of_layer = |layer: &Array3<f32>| with_residual(fuse_heads(layer.view(), fusion).view()); // [N, N]
    let layers: Vec<_> = layers.iter().map(of_layer).collect();
    attention_network(&layers) // [(L+1)·N, (L+1)·N]
}

fn tokens_of(network: &Array2<f32>, layers: &[Array3<f32>]) -> usize {
    network.nrows() / (layers.len() + 1)
}

/// The maximum flows from one token after the last layer to each input token.
fn flows_from(network: &Array2<f32>, tokens: usize, token: usize) -> Array1<f32> {
    let source = network.nrows() - tokens + token;
    let value = |sink| maximum_flow(network.view(), source, sink).value;
    (0..tokens).map(value).collect() // [N]
}

/// Divides each row by its sum: which share of what flows from a token goes to each input token. A row of zeros stays.
///
/// ```text
/// shares[i, j] = flow[i, j] / Σₖ flow[i, k]
/// ```
///
/// Shapes: `flow` \[R, C\] → \[R, C\].
pub fn shares(flow: ArrayView2<'_, f32>) -> Array2<f32> {
    let sums = flow.sum_axis(Axis(1)).insert_axis(Axis(1)); // [R, 1]
    &flow / &sums.mapv(|sum| if sum == 0.0 { 1.0 } else { sum }) // [R, C]
}
