//! Dinic's algorithm on lists of pipes, each beside its way back, with levels and pointers; the network is read from the layers
//! once, and emptied for each sink.

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};
use rollout::{Fusion, fuse_heads, with_residual};

#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub value: f32,
    pub flow: Array2<f32>,
    pub source_side: Vec<bool>,
}

/// A pipe, or the way back beside it.
struct Pipe {
    to: usize,
    capacity: f64,
    left: f64,
}

struct Network {
    /// Pipe 2k, and the way back through it, 2k + 1.
    pipes: Vec<Pipe>,
    from: Vec<Vec<usize>>,
}

impl Network {
    fn read(capacities: ArrayView2<'_, f32>) -> Self {
        let mut network = Self {
            pipes: vec![],
            from: vec![vec![]; capacities.nrows()],
        };
        for ((u, v), &capacity) in capacities.indexed_iter() {
            if capacity > 0.0 && u != v {
                network.add(u, v, f64::from(capacity));
            }
        }
        network
    }

    fn add(&mut self, u: usize, v: usize, capacity: f64) {
        for (from, to, capacity) in [(u, v, capacity), (v, u, 0.0)] {
            self.from[from].push(self.pipes.len());
            self.pipes.push(Pipe {
                to,
                capacity,
                left: capacity,
            });
        }
    }

    fn levels(&self, source: usize) -> Vec<usize> {
        let mut levels = vec![usize::MAX; self.from.len()];
        levels[source] = 0;
        let mut now = vec![source];
        let mut level = 0;
        while !now.is_empty() {
            level += 1;
            let mut then = vec![];
            for u in now {
                for &pipe in &self.from[u] {
                    let Pipe { to, left, .. } = self.pipes[pipe];
                    if left > 0.0 && levels[to] == usize::MAX {
                        levels[to] = level;
                        then.push(to);
                    }
                }
            }
            now = then;
        }
        levels
    }

    /// Sends up to `limit` from u to the sink, one level further with each pipe; says how much came through.
    fn send(
        &mut self,
        u: usize,
        sink: usize,
        limit: f64,
        levels: &[usize],
        next: &mut [usize],
    ) -> f64 {
        if u == sink {
            return limit;
        }
        let mut sent = 0.0;
        while next[u] < self.from[u].len() {
            let pipe = self.from[u][next[u]];
            let Pipe { to, left, .. } = self.pipes[pipe];
            if left > 0.0 && levels[to] == levels[u] + 1 {
                let more = self.send(to, sink, left.min(limit - sent), levels, next);
                self.pipes[pipe].left -= more;
                self.pipes[pipe ^ 1].left += more;
                sent += more;
                if sent >= limit {
                    return sent;
                }
            }
            next[u] += 1;
        }
        sent
    }

    /// The value, and the levels of the last search.
    fn fill(&mut self, source: usize, sink: usize) -> (f64, Vec<usize>) {
        for pipe in &mut self.pipes {
            pipe.left = pipe.capacity;
        }
        let mut value = 0.0;
        loop {
            let levels = self.levels(source);
            if levels[sink] == usize::MAX {
                return (value, levels);
            }
            let mut next = vec![0; levels.len()];
            value += self.send(source, sink, f64::INFINITY, &levels, &mut next);
        }
    }
}

pub fn maximum_flow(capacities: ArrayView2<'_, f32>, source: usize, sink: usize) -> Flow {
    let (rows, columns) = capacities.dim();
    assert_eq!(rows, columns, "rows and columns of the capacities");
    assert!(source < rows, "source {source} of {rows} nodes");
    assert!(sink < rows, "sink {sink} of {rows} nodes");
    assert_ne!(source, sink, "the two ends");
    for &capacity in capacities {
        if !(capacity >= 0.0 && capacity < f32::INFINITY) {
            panic!("a capacity of {capacity}");
        }
    }
    let mut network = Network::read(capacities);
    let (value, levels) = network.fill(source, sink);
    let mut flow = Array2::zeros((rows, rows));
    for pipe in (0..network.pipes.len()).step_by(2) {
        let u = network.pipes[pipe + 1].to;
        let Pipe { to, capacity, left } = network.pipes[pipe];
        flow[[u, to]] = (capacity - left).clamp(0.0, capacity) as f32;
    }
    Flow {
        value: value as f32,
        flow,
        source_side: levels.iter().map(|&level| level < usize::MAX).collect(),
    }
}

pub fn attention_network(layers: &[Array2<f32>]) -> Array2<f32> {
    let Some(first) = layers.first() else {
        panic!("a network of no layers");
    };
    let n = first.nrows();
    let size = n * (layers.len() + 1);
    for layer in layers {
        let (rows, columns) = layer.dim();
        if (rows, columns) != (n, n) {
            panic!("{rows} × {columns} among layers of {n} tokens");
        }
    }
    Array2::from_shape_fn((size, size), |(from, to)| match from / n == to / n + 1 {
        true => layers[to / n][[from % n, to % n]],
        false => 0.0,
    })
}

fn read(layers: &[Array3<f32>], fusion: Fusion) -> (usize, usize, Network) {
    let mut maps = vec![];
    for layer in layers {
        maps.push(with_residual(fuse_heads(layer.view(), fusion).view()));
    }
    let capacities = attention_network(&maps);
    let n = maps[0].nrows();
    (n, layers.len() * n, Network::read(capacities.view()))
}

pub fn flow(layers: &[Array3<f32>], fusion: Fusion) -> Array2<f32> {
    let (n, last, mut network) = read(layers, fusion);
    Array2::from_shape_fn((n, n), |(i, j)| network.fill(last + i, j).0 as f32)
}

pub fn flow_from(layers: &[Array3<f32>], fusion: Fusion, token: usize) -> Array1<f32> {
    let (n, last, mut network) = read(layers, fusion);
    if token >= n {
        panic!("token {token} of {n}");
    }
    Array1::from_shape_fn(n, |j| network.fill(last + token, j).0 as f32)
}

pub fn shares(flow: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut shares = flow.to_owned();
    for mut row in shares.axis_iter_mut(Axis(0)) {
        let sum = row.sum();
        if sum > 0.0 {
            row /= sum;
        }
    }
    shares
}
