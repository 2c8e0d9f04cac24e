//! Paths are found depth-first, through wide pipes first: those that have no less than a threshold left, which is halved until
//! all that is left counts. Flows from and to the same nodes both ways are kept apart from capacities.

use ndarray::{Array1, Array2, Array3, ArrayView2, s};
use rollout::{Fusion, fuse_heads, with_residual};

#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub value: f32,
    pub flow: Array2<f32>,
    pub source_side: Vec<bool>,
}

/// The residual capacity from u to v: the rest of the pipe's, and the flow that can be taken back.
fn left(capacities: &Array2<f64>, flow: &Array2<f64>, u: usize, v: usize) -> f64 {
    (capacities[[u, v]] - flow[[u, v]]).max(0.0) + flow[[v, u]]
}

/// Marks what can be reached from the source, and gives a path to the sink.
fn reach(
    wide: &dyn Fn(usize, usize) -> bool,
    source: usize,
    sink: usize,
    reached: &mut [bool],
) -> Option<Vec<usize>> {
    let nodes = reached.len();
    reached[source] = true;
    let mut path = vec![source];
    while let Some(&u) = path.last() {
        if u == sink {
            return Some(path);
        }
        match (0..nodes).find(|&v| !reached[v] && wide(u, v)) {
            Some(v) => {
                reached[v] = true;
                path.push(v);
            }
            None => {
                path.pop();
            }
        }
    }
    None
}

pub fn maximum_flow(capacities: ArrayView2<'_, f32>, source: usize, sink: usize) -> Flow {
    let [rows, columns] = [capacities.nrows(), capacities.ncols()];
    if rows != columns {
        panic!("{rows} rows, {columns} columns");
    }
    for end in [source, sink] {
        if end >= rows {
            panic!("node {end}, and there are {rows}");
        }
    }
    if source == sink {
        panic!("both ends are {source}");
    }
    if let Some(wrong) = capacities.iter().find(|it| !it.is_finite() || **it < 0.0) {
        panic!("capacity {wrong}");
    }
    let capacities = capacities.mapv(f64::from);
    let mut flow = Array2::<f64>::zeros((rows, rows));
    let mut threshold = capacities.iter().copied().fold(0.0, f64::max);
    let mut halved = 0;
    loop {
        let mut reached = vec![false; rows];
        let wide = |u: usize, v: usize| {
            let left = left(&capacities, &flow, u, v);
            left > 0.0 && left >= threshold
        };
        let Some(path) = reach(&wide, source, sink, &mut reached) else {
            if threshold == 0.0 {
                let value: f64 = flow.row(source).sum() - flow.column(source).sum();
                return Flow {
                    value: value as f32,
                    flow: flow.mapv(|sent| sent as f32),
                    source_side: reached,
                };
            }
            halved += 1;
            threshold = if halved < 20 { threshold / 2.0 } else { 0.0 };
            continue;
        };
        let widths = path
            .windows(2)
            .map(|pipe| left(&capacities, &flow, pipe[0], pipe[1]));
        let bottleneck = widths.fold(f64::MAX, f64::min);
        for pipe in path.windows(2) {
            let (u, v) = (pipe[0], pipe[1]);
            // First back through what flows the other way.
            let back = bottleneck.min(flow[[v, u]]);
            flow[[v, u]] -= back;
            flow[[u, v]] = match bottleneck == left(&capacities, &flow, u, v) + back {
                true => capacities[[u, v]],
                false => (flow[[u, v]] + bottleneck - back).min(capacities[[u, v]]),
            };
        }
    }
}

pub fn attention_network(layers: &[Array2<f32>]) -> Array2<f32> {
    assert!(!layers.is_empty(), "no layers");
    let n = layers[0].nrows();
    let nodes = n + n * layers.len();
    let mut network = Array2::zeros((nodes, nodes));
    let mut row = n;
    for layer in layers {
        let [rows, columns] = [layer.nrows(), layer.ncols()];
        assert!(
            rows == n && columns == n,
            "{n} tokens, and a layer of {rows} × {columns}"
        );
        network
            .slice_mut(s![row..row + n, row - n..row])
            .assign(layer);
        row += n;
    }
    network
}

pub fn flow(layers: &[Array3<f32>], fusion: Fusion) -> Array2<f32> {
    let tokens = layers.first().map_or(0, |layer| layer.dim().1);
    let mut flow = Array2::zeros((tokens, tokens));
    if layers.is_empty() {
        panic!("there must be layers");
    }
    for token in 0..tokens {
        flow.row_mut(token)
            .assign(&flow_from(layers, fusion, token));
    }
    flow
}

pub fn flow_from(layers: &[Array3<f32>], fusion: Fusion, token: usize) -> Array1<f32> {
    let capacities: Vec<Array2<f32>> = layers
        .iter()
        .map(|layer| with_residual(fuse_heads(layer.view(), fusion).view()))
        .collect();
    let network = attention_network(&capacities);
    let tokens = capacities[0].nrows();
    if token >= tokens {
        panic!("{token} is not among {tokens} tokens");
    }
    let source = layers.len() * tokens + token;
    (0..tokens)
        .map(|sink| maximum_flow(network.view(), source, sink).value)
        .collect()
}

pub fn shares(flow: ArrayView2<'_, f32>) -> Array2<f32> {
    Array2::from_shape_fn(flow.dim(), |(i, j)| {
        let sum: f32 = flow.row(i).iter().sum();
        if sum == 0.0 { 0.0 } else { flow[[i, j]] / sum }
    })
}
