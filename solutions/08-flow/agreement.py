"""08 flow: networkx's maximum flow on exact fractions of the numbers that are tried."""

from fractions import Fraction

import networkx as nx
import rollout
import torch
from networkx.algorithms.flow import edmonds_karp
from operation import F32, Given, Operation


def graph_of(capacities):
    """An edge for each capacity that is not 0. Fractions are exact: of floating-point numbers, some maximum flow is missed by
    rounding."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(capacities)))
    for u, row in enumerate(capacities.tolist()):
        graph.add_edges_from((u, v, {"capacity": Fraction(value)}) for v, value in enumerate(row) if value and u != v)
    return graph


def value_of(graph, source, sink):
    return float(nx.maximum_flow_value(graph, source, sink, flow_func=edmonds_karp))


def maximum_flow(capacities, source, sink):
    """Of a chain of nodes with pipes in both directions: there is one maximum flow, and one cut that is smallest. Of other
    networks there are many, and the exercise's property tests ask whether what was found is one."""
    graph = graph_of(capacities)
    value, flow = nx.maximum_flow(graph, source, sink, flow_func=edmonds_karp)
    near, _ = nx.minimum_cut(graph, source, sink, flow_func=edmonds_karp)[1]
    sent = torch.zeros_like(capacities)
    for u, pipes in flow.items():
        for v, through in pipes.items():
            sent[u, v] = float(through)
    # What networkx sends both ways at once cancels out.
    sent = (sent - sent.T).clamp(min=0)
    cut = torch.tensor([node in near for node in range(len(capacities))], dtype=torch.uint8)
    return {"value": torch.tensor(float(value), dtype=torch.float64), "flow": sent, "cut": cut}


def a_chain(numbers, nodes, source, sink):
    """Pipes between neighbours alone, of capacities that all differ."""
    widths = numbers.normal(nodes, nodes).abs() + 0.1
    near = (torch.arange(nodes)[:, None] - torch.arange(nodes)).abs() == 1
    return Given({"capacities": widths * near}, {"source": source, "sink": sink})


def attention_network(**layers):
    maps = [layers[f"layer.{index}"] for index in range(len(layers))]
    tokens = len(maps[0])
    below = torch.block_diag(*maps)
    nodes = len(below) + tokens
    capacities = torch.zeros(nodes, nodes, dtype=below.dtype)
    capacities[tokens:, :-tokens] = below
    return {"capacities": capacities}


def some_maps(numbers, depth, tokens):
    return Given({f"layer.{index}": numbers.shares(tokens, tokens) for index in range(depth)})


def network_of(layers, fusion):
    maps = {}
    for name, layer in layers.items():
        fused = rollout.fuse_heads(layer, fusion)["attention"]
        maps[name] = rollout.with_residual(fused)["attention"]
    return attention_network(**maps)["capacities"]


def flow(fusion, **layers):
    network = network_of(layers, fusion)
    tokens = len(layers["layer.0"][0])
    graph = graph_of(network)
    last = len(network) - tokens
    rows = [[value_of(graph, last + i, j) for j in range(tokens)] for i in range(tokens)]
    flows = torch.tensor(rows, dtype=torch.float64)
    assert_some_are_free(flows, network, len(layers))
    return {"flow": flows}


def flow_from(fusion, token, **layers):
    network = network_of(layers, fusion)
    tokens = len(layers["layer.0"][0])
    graph = graph_of(network)
    source = len(network) - tokens + token
    flows = torch.tensor([value_of(graph, source, j) for j in range(tokens)], dtype=torch.float64)
    assert_some_are_free(flows[None], network, len(layers))
    return {"flow": flows}


def assert_some_are_free(flows, network, depth):
    """A case of three layers or more is of little use if all flows are what leaves a token or what enters one: it would
    not know of the layers between."""
    tokens = flows.shape[1]
    if depth < 3 or tokens == 1:
        return
    most = network[:, :tokens].sum(0).clamp(max=1)
    free = (flows < most - 1e-9).sum().item()
    assert 3 * free >= flows.numel(), f"{free} of {flows.numel()} flows are not saturated"


def some_layers(numbers, depth, heads, tokens, fusion, **more):
    """Attention of a softmax as sharp as that of the exercise's tests."""
    layers = {f"layer.{index}": numbers.normal(heads, tokens, tokens, std=7.0).softmax(-1) for index in range(depth)}
    return Given(layers, {"fusion": fusion, **more})


def shares(flow):
    sums = flow.sum(1, keepdim=True)
    return {"shares": flow / sums.where(sums > 0, 1.0)}


def a_table(numbers, rows, columns, zeros):
    table = numbers.normal(rows, columns).abs()
    table[zeros] = 0
    return Given({"flow": table})


OPERATIONS = [
    Operation(
        "maximum_flow",
        maximum_flow,
        a_chain,
        {
            "chain": (5, 0, 4),
            "back": (6, 5, 1),
            "within": (7, 2, 5),
            "two-nodes": (2, 1, 0),
        },
        types=(F32,),
    ),
    Operation(
        "attention_network",
        attention_network,
        some_maps,
        {
            "three": (3, 4),
            "prime": (5, 7),
            "one-layer": (1, 3),
            "one-token": (4, 1),
            "large": (6, 50),
        },
        types=(F32,),
    ),
    Operation(
        "flow",
        flow,
        some_layers,
        {
            "mean": (4, 2, 6, "mean"),
            "min": (4, 3, 5, "min"),
            "max": (3, 2, 8, "max"),
            "prime": (3, 3, 7, "mean"),
            "one-layer": (1, 3, 5, "mean"),
            "two-layers": (2, 3, 5, "min"),
            "one-head": (4, 1, 5, "mean"),
            "one-token": (3, 2, 1, "max"),
        },
        types=(F32,),
    ),
    Operation(
        "flow_from",
        flow_from,
        lambda numbers, depth, heads, tokens, fusion, token: some_layers(
            numbers, depth, heads, tokens, fusion, token=token
        ),
        {
            "first": (4, 2, 7, "mean", 0),
            "last": (4, 2, 7, "min", 6),
            "prime": (5, 3, 11, "min", 4),
            "one-token": (2, 2, 1, "mean", 0),
            "large": (6, 3, 18, "min", 7),
        },
        types=(F32,),
    ),
    Operation(
        "shares",
        shares,
        a_table,
        {
            "square": (5, 5, 0),
            "oblong": (3, 7, 2),
            "tall": (7, 2, 3),
            "vit-tiny": (197, 197, 11),
        },
        types=(F32,),
    ),
]
