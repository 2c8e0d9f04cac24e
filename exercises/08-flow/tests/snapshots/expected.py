"""Writes the values that tests/snapshot.rs compares with, and checks the numbers of the handout.

    python exercises/08-flow/tests/snapshots/expected.py

Takes networkx and scipy besides PyTorch. A flow is networkx's `edmonds_karp` on exact fractions, rounded once. Each is held
against all cuts of its network, or against a linear program where there are too many of them.
"""

import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from networkx.algorithms.flow import edmonds_karp
from scipy.optimize import linprog

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader/testkit"))
from expected import uniform, write_snapshot  # noqa: E402

NETWORKX = f"networkx {nx.__version__}"
FUSIONS = {"mean": lambda heads: heads.mean(0), "max": lambda heads: heads.amax(0), "min": lambda heads: heads.amin(0)}


def attention(name, shape):
    """As tests/snapshot.rs makes it: a softmax whose logits lie between -12 and 12, rounded to f32."""
    return (12 * uniform(name, shape).double()).softmax(-1).float()


def with_residual(fused):
    mixed = 0.5 * fused + 0.5 * torch.eye(len(fused), dtype=fused.dtype)
    return mixed / mixed.sum(-1, keepdim=True)


def capacities(layers, fusion):
    """A of each layer as exact fractions of what was calculated in f64."""
    maps = [with_residual(FUSIONS[fusion](layer.double())) for layer in layers]
    return [[[Fraction(value) for value in row] for row in layer.tolist()] for layer in maps]


def graph_of(maps):
    graph = nx.DiGraph()
    for below, layer in enumerate(maps):
        for i, row in enumerate(layer):
            for j, weight in enumerate(row):
                graph.add_nodes_from([(below + 1, i), (below, j)])
                if weight > 0:
                    graph.add_edge((below + 1, i), (below, j), capacity=weight)
    return graph


def flows_from(maps, i):
    graph = graph_of(maps)
    return [nx.maximum_flow_value(graph, (len(maps), i), (0, j), flow_func=edmonds_karp) for j in range(len(maps[0]))]


def flow(maps):
    return [flows_from(maps, i) for i in range(len(maps[0]))]


def smallest_cuts(maps):
    """The smallest cut between each two ends, over all of them: for a set of a layer's tokens on the source's side, what
    the best sets below it cost."""
    tokens = len(maps[0])
    sets = np.array(list(product([False, True], repeat=tokens)))
    cost = np.zeros((1 << tokens, 1 << tokens))  # from the image's own sets: the set itself, or not to be had
    cost[~np.eye(1 << tokens, dtype=bool)] = np.inf
    for layer in maps:
        layer = np.array(layer, dtype=float)
        between = sets.astype(float) @ layer @ (~sets).T.astype(float)  # [set above, set below]
        cost = np.min(between[:, :, None] + cost[None], axis=1)
    source = [sets[:, i] for i in range(tokens)]
    sink = [~sets[:, j] for j in range(tokens)]
    return np.array([[cost[np.ix_(source[i], sink[j])].min() for j in range(tokens)] for i in range(tokens)])


def by_linear_program(maps, i, j):
    graph = graph_of(maps)
    edges = list(graph.edges(data="capacity"))
    inner = {node: row for row, node in enumerate(n for n in graph if n not in [(len(maps), i), (0, j)])}
    conserved = np.zeros((len(inner), len(edges)))
    gain = np.zeros(len(edges))
    for column, (u, v, _) in enumerate(edges):
        if u in inner:
            conserved[inner[u], column] -= 1
        if v in inner:
            conserved[inner[v], column] += 1
        gain[column] = (u == (len(maps), i)) * -1.0
    solved = linprog(
        gain, A_eq=conserved, b_eq=np.zeros(len(inner)), bounds=[(0, float(c)) for *_, c in edges], method="highs"
    )
    return -solved.fun


def saturated(flows, maps):
    """How many flows are all that fits into their last pipes, or all that a token has: they say nothing of the rest."""
    sums = [sum(row[j] for row in maps[0]) for j in range(len(maps[0]))]
    return sum(abs(value - min(1, sums[j])) < Fraction(1, 10**9) for row in flows for j, value in enumerate(row))


def tensor(rows):
    return torch.tensor([[float(value) for value in row] for row in rows]).float()


layers = [attention(f"layer of flow {layer}", (2, 6, 6)) for layer in range(4)]
for fusion in FUSIONS:
    maps = capacities(layers, fusion)
    flows = flow(maps)
    assert np.allclose(np.array(flows, dtype=float), smallest_cuts(maps), rtol=0, atol=1e-12), fusion
    free = 36 - saturated(flows, maps)
    print(f"{fusion}: {free} of 36 flows are not saturated", file=sys.stderr)
    assert free >= {"mean": 20, "max": 10, "min": 30}[fusion], (fusion, free)
    write_snapshot(__file__, f"flow_{fusion}", tensor(flows), NETWORKX)

deep = [attention(f"deep layer {layer}", (3, 12, 12)) for layer in range(6)]
maps = capacities(deep, "min")
row = flows_from(maps, 7)
for j in range(12):
    assert abs(float(row[j]) - by_linear_program(maps, 7, j)) < 1e-6, j
free = 12 - saturated([row], maps)
print(f"deep: {free} of 12 flows are not saturated", file=sys.stderr)
assert free >= 10, free
write_snapshot(__file__, "flow_from_one", tensor([row])[0], NETWORKX)

given = uniform("flow to share", (3, 5)).double().abs()
given[1] = 0
write_snapshot(__file__, "shares", (given / given.sum(1, keepdim=True).where(given.sum(1, keepdim=True) > 0, 1.0)).float())

# The handout's example, exactly.
handout = (Path(__file__).resolve().parents[2] / "README.md").read_text()
QUARTERS = ["031 004 310", "031 400 310", "040 013 400"]
example = [
    [
        [Fraction(int(digit), 8) + Fraction(i == j, 2) for j, digit in enumerate(row)]
        for i, row in enumerate(layer.split())
    ]
    for layer in QUARTERS
]
F = Fraction
by_hand = [[F(5, 8), 1, F(3, 4)], [F(7, 8), 1, 1], [F(7, 8), 1, 1]]
assert flow(example) == by_hand, flow(example)


def dot(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def fold(a, b):
    return [[sum(min(x, y) for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def widest(a, b):
    return [[max(min(x, y) for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def upside_down(maps):
    return [[list(column) for column in zip(*layer)] for layer in maps[::-1]]


one, two, three = example
assert dot(three, dot(two, one))[0][2] == F(5, 16)
assert widest(three, widest(two, one))[0][2] == F(1, 2)
assert fold(three, fold(two, one))[0][2] == 1
assert fold(fold(three, two), one)[0][2] == F(3, 4)
assert flow(example[::-1])[0][2] == F(5, 8)
assert flow(upside_down(example)) == [list(column) for column in zip(*by_hand)]
paths = [min(three[0][a], two[a][b], one[b][2]) for a in range(3) for b in range(3)]
assert sum(paths) == F(5, 4), sum(paths)
assert flow(example[:2]) == fold(two, one), "two layers fold"
assert flow(example[:1]) == one
without_residual = [[[F(int(d), 4) for d in row] for row in layer.split()] for layer in QUARTERS]
assert flow(without_residual)[0][2] == F(1, 4), flow(without_residual)[0][2]


def stands(text):
    assert text in handout, f"the handout lacks: {text}"


def as_text(value):
    return {F(5, 8): "⅝", F(3, 4): "¾", F(7, 8): "⅞"}.get(value, str(value))


for line in by_hand:
    stands("│ " + "  ".join(as_text(value) for value in line) + " │")
stands(f"shares of row 0: {', '.join(str(value / sum(by_hand[0])) for value in by_hand[0])}")
for layer in QUARTERS:
    for line in layer.split():
        stands("│ " + "  ".join(line) + " │")
for layer in example:
    for line in layer:
        stands("│ " + "  ".join(str(8 * value) for value in line) + " │")
