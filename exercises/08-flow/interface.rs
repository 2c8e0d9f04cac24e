//! The interface of exercise 08. grader/README.md says how it is read: "The interface of an exercise".

use ndarray::{Array1, Array2, Array3, ArrayView2};
use rollout::Fusion;

#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub value: f32,
    pub flow: Array2<f32>,
    pub source_side: Vec<bool>,
}

/// a maximum flow of any network, and a minimum cut
#[gives(value = "[]", flow = "[V, V]", cut = "u8 [V], 1 on the source's side")]
pub fn maximum_flow(
    /// [V, V], at [u, v] the pipe u → v, 0 for none
    capacities: ArrayView2<'_, f32>,
    /// the node where the flow begins
    source: usize,
    /// the node where it ends
    sink: usize,
) -> Flow;

/// one network of all layers, from the last layer's tokens down to the image's
#[gives(capacities = "[(L+1)·N, (L+1)·N]")]
pub fn attention_network(
    /// [N, N], L of them; layer.0 is nearest to the image
    #[name = "layer.*"]
    layers: &[Array2<f32>],
) -> Array2<f32>;

/// the maximum flow from each token after the last layer to each input token
#[gives(flow = "[N, N]")]
pub fn flow(
    /// [h, N, N], L of them; layer.0 is nearest to the image
    #[name = "layer.*"]
    layers: &[Array3<f32>],
    /// mean, max or min
    fusion: Fusion,
) -> Array2<f32>;

/// the same for one token after the last layer: a row
#[gives(flow = "[N]")]
pub fn flow_from(
    /// [h, N, N], L of them; layer.0 is nearest to the image
    #[name = "layer.*"]
    layers: &[Array3<f32>],
    /// mean, max or min
    fusion: Fusion,
    /// the token, from 0 to N − 1
    token: usize,
) -> Array1<f32>;

/// each row divided by its sum; a row of zeros stays
#[gives(shares = "[R, C]")]
pub fn shares(
    /// [R, C]
    flow: ArrayView2<'_, f32>,
) -> Array2<f32>;
