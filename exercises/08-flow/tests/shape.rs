//! Sizes, and the clear panic that bad arguments get.

use flow::{attention_network, flow, flow_from, maximum_flow, shares};
use ndarray::{Array2, Array3};
use rollout::Fusion;
use testkit::{assert_names, assert_shape, panic_message, uniform};

/// Values above 0.
fn attention(name: &str, shape: (usize, usize, usize)) -> Array3<f32> {
    uniform(name, shape).mapv(|value: f32| value + 1.25)
}

/// Capacities of pipes between all nodes.
fn capacities(nodes: usize) -> Array2<f32> {
    uniform("capacities", (nodes, nodes)).mapv(|value: f32| value + 1.25)
}

/// `attention_network` gives a node for each token after 0, 1, …, L layers: \[(L+1)·N, (L+1)·N\].
///
/// Look at: the image's tokens are nodes, too: there is one row of nodes more than there are layers.
#[test]
fn attention_network_has_a_node_for_each_token_after_each_layer() {
    for (depth, tokens) in [(1, 4), (3, 5), (4, 1)] {
        let layer = uniform("layer", (tokens, tokens)).mapv(f32::abs);
        let nodes = (depth + 1) * tokens;
        assert_shape!(&attention_network(&vec![layer; depth]), [nodes, nodes]);
    }
}

/// `flow` gives \[N, N\], `flow_from` a row of it, \[N\]; `shares` leaves the shape of any table as it is.
///
/// Look at: which nodes are sources, those after the last layer, and which are sinks, those of the image.
#[test]
fn flows_go_from_each_token_to_each_token_of_the_image() {
    for (depth, heads, tokens) in [(1, 3, 5), (3, 2, 4), (2, 1, 1)] {
        let layers = vec![attention("layer", (heads, tokens, tokens)); depth];
        for fusion in [Fusion::Mean, Fusion::Max, Fusion::Min] {
            assert_shape!(&flow(&layers, fusion), [tokens, tokens]);
            assert_shape!(&flow_from(&layers, fusion, tokens - 1), [tokens]);
        }
    }
    for (rows, columns) in [(4, 4), (3, 5), (1, 2)] {
        let table = uniform("table", (rows, columns)).mapv(f32::abs);
        assert_shape!(&shares(table.view()), [rows, columns]);
    }
}

/// `maximum_flow` panics where the capacities are not square, and names both sides.
///
/// Look at: a check before anything is read. A row of capacities that is too short has no place for some node's pipes.
#[test]
fn maximum_flow_names_the_sides_of_capacities_that_are_not_square() {
    let _ = maximum_flow(capacities(5).view(), 0, 1); // no panic
    for (rows, columns) in [(11, 13), (13, 11)] {
        let oblong = Array2::<f32>::ones((rows, columns));
        let message = panic_message(|| maximum_flow(oblong.view(), 0, 1));
        assert_names(&message, &[rows, columns]);
    }
}

/// `maximum_flow` panics where an end is not a node, naming it and how many nodes there are; and where both ends are the same
/// node, naming it.
///
/// Look at: nodes are counted from 0. From a node to itself anything could flow, for there is nothing in the way.
#[test]
fn maximum_flow_names_ends_that_do_not_fit() {
    let capacities = capacities(5);
    let _ = maximum_flow(capacities.view(), 4, 3); // no panic
    for (source, sink, named) in [(5, 3, 5), (3, 17, 17), (23, 1, 23)] {
        let message = panic_message(|| maximum_flow(capacities.view(), source, sink));
        assert_names(&message, &[named, 5]);
    }
    let message = panic_message(|| maximum_flow(capacities.view(), 3, 3));
    assert_names(&message, &[3]);
}

/// `maximum_flow` panics where a capacity is negative, infinite or NaN, and names it.
///
/// Look at: all capacities, also of pipes that no flow could take. NaN is neither below 0 nor above it.
#[test]
fn maximum_flow_names_a_capacity_that_there_cannot_be() {
    let _ = maximum_flow(capacities(4).view(), 0, 3); // no panic
    for (capacity, word) in [(-2.5, "2.5"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut capacities = capacities(4);
        capacities[[3, 1]] = capacity;
        let message = panic_message(|| maximum_flow(capacities.view(), 0, 3));
        assert!(
            message.contains(word),
            "it must name the capacity {capacity}, but it says: {message}"
        );
    }
}

/// `attention_network`, `flow` and `flow_from` panic where layers have not the same number of tokens, and name both; and
/// where there are no layers.
///
/// Look at: the first layer says how many tokens there are; each later one must agree. And an empty slice.
#[test]
fn layers_that_do_not_fit_are_named() {
    let layers = [attention("small", (2, 5, 5)), attention("large", (2, 7, 7))];
    let _ = flow_from(&layers[..1], Fusion::Mean, 0); // no panic
    let maps = [5, 7].map(|tokens| Array2::<f32>::ones((tokens, tokens)));
    let oblong = [Array2::<f32>::ones((5, 5)), Array2::<f32>::ones((5, 7))];
    for message in [
        panic_message(|| attention_network(&maps)),
        panic_message(|| attention_network(&oblong)),
        panic_message(|| flow(&layers, Fusion::Mean)),
        panic_message(|| flow_from(&layers, Fusion::Mean, 0)),
    ] {
        assert_names(&message, &[5, 7]);
    }
    for message in [
        panic_message(|| attention_network(&[])),
        panic_message(|| flow(&[], Fusion::Max)),
        panic_message(|| flow_from(&[], Fusion::Max, 0)),
    ] {
        assert!(
            message.contains("layers"),
            "it must say that there are no layers, but it says: {message}"
        );
    }
}

/// `flow_from` panics where the token is not below N, and names both.
///
/// Look at: a check of its own. The number of the token's node, and how many nodes there are, say nothing to whoever gave
/// a token.
#[test]
fn flow_from_names_a_token_that_there_is_not() {
    let layers = vec![attention("layer", (2, 5, 5)); 3];
    let _ = flow_from(&layers, Fusion::Mean, 4); // no panic
    for token in [5, 29] {
        let message = panic_message(|| flow_from(&layers, Fusion::Mean, token));
        assert_names(&message, &[token, 5]);
    }
}
