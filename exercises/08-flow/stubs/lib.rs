//! Attention flow: how much of a patch *could* reach the class token, through all layers together.
//!
//! Rollout (exercise 07) multiplies weights along each path and adds the paths up. Here weights are the capacities of
//! pipes (edges), and the question is the plumber's: how much water gets from one end to the other at most? Paths that
//! share a narrow pipe share what fits through it.
//!
//! ```text
//!   layers                        one network                                    each pair of ends
//!   L × [h, N, N]                 after L layers   ●   ●   ●   source            maximum_flow
//!      │ fuse_heads,                               │╲ ╱│╲ ╱│                        │
//!      │ with_residual (07)                   …    ● ╳ ● ╳ ●                        ▼
//!      ▼                                           │╱ ╲│╱ ╲│                     flow [N, N]
//!   A_l [N, N] ─ attention_network ─►   the image  ●   ●   ●   sink                 │ shares
//!                                                                                   ▼
//!                                       [(L+1)·N, (L+1)·N]                       rows that sum to 1
//! ```
//!
//! Sources: Abnar & Zuidema 2020, *Quantifying Attention Flow in Transformers* (arXiv:2005.00928), section 3; Edmonds &
//! Karp 1972 (doi:10.1145/321694.321699). The handout, README.md, has an example to do by hand.

use ndarray::{Array1, Array2, Array3, ArrayView2};
use rollout::Fusion;

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
    todo!(
        "find a shortest path through what is left, send what fits, leave a way back, and go on until there is none"
    )
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
    todo!("put each layer's weights where its tokens' rows meet the columns of the tokens below")
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
    todo!(
        "make a network of all layers, and find the maximum flow from each token behind the last to each of the image"
    )
}

/// Attention flow from one token after the last layer: row `token` of [`flow`], for N maximum flows instead of N².
///
/// Shapes: `layers` L × \[h, N, N\], the first nearest to the image → \[N\].
///
/// # Panics
/// Panics as [`flow`] does; and if `token` is not below N, naming both.
pub fn flow_from(layers: &[Array3<f32>], fusion: Fusion, token: usize) -> Array1<f32> {
    todo!("the same from one token alone")
}

/// Divides each row by its sum: which share of what flows from a token goes to each input token. A row of zeros stays.
///
/// ```text
/// shares[i, j] = flow[i, j] / Σₖ flow[i, k]
/// ```
///
/// Shapes: `flow` \[R, C\] → \[R, C\].
pub fn shares(flow: ArrayView2<'_, f32>) -> Array2<f32> {
    todo!("divide each row by its sum, unless that is 0")
}
