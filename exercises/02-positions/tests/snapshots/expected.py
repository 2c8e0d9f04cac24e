"""Writes the values that tests/snapshot.rs compares with, and checks the numbers of the handout.

    python exercises/02-positions/tests/snapshots/expected.py

Everything is computed in f64 and rounded once, so that the f32 of any implementation can be held against it.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader/testkit"))
from expected import uniform, write_snapshot  # noqa: E402


def sinusoidal(len, dim):
    """[len, dim], as Vaswani et al. 2017 write it in section 3.5. An odd dim is a wider pair, cut."""
    positions = torch.arange(len, dtype=torch.float64).unsqueeze(1)
    rates = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    table = torch.stack([(positions * rates).sin(), (positions * rates).cos()], 2)
    return table.flatten(1)[:, :dim]


def similarity(positions):
    """[N, D] → [N, N]."""
    positions = positions.double()
    return F.cosine_similarity(positions.unsqueeze(1), positions.unsqueeze(0), dim=2, eps=1e-8)


def interpolate(positions, grid):
    """[G·G, D] → [grid², D]."""
    side = int(len(positions) ** 0.5)
    image = positions.double().T.reshape(1, -1, side, side)
    resized = F.interpolate(image, (grid, grid), mode="bilinear", align_corners=False, antialias=False)
    return resized.flatten(2)[0].T


write_snapshot(__file__, "even", sinusoidal(40, 16).float())
write_snapshot(__file__, "odd", sinusoidal(40, 7).float())
write_snapshot(__file__, "similarity", similarity(uniform("positions", (6, 8))).float())
write_snapshot(__file__, "three_to_seven", interpolate(uniform("three", (9, 4)), 7).float())
write_snapshot(__file__, "four_to_eight", interpolate(uniform("four", (16, 3)), 8).float())
write_snapshot(__file__, "eight_to_three", interpolate(uniform("eight", (64, 3)), 3).float())

# The handout's example and its other numbers.
handout = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def stands(text):
    assert text in handout, f"the handout lacks: {text}"


def row(values, decimals=4):
    return "  ".join(f"{value:.{decimals}f}".replace("-", "−").rjust(decimals + 3) for value in values)


table = sinusoidal(3, 4)
for position in table[1:].tolist():
    stands(row(position))
for line in similarity(table).tolist():
    stands(row(line))
grid = interpolate(torch.tensor([[0.0], [4.0], [8.0], [12.0]]), 4).reshape(4, 4)
assert grid.tolist() == [[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10], [8, 9, 11, 12]], grid

# Lengths of a turn, in positions, for D = 192.
for pair in (0, 48, 95):
    stands(f"{2 * torch.pi * 10000 ** (2 * pair / 192):,.0f}")

# How alike neighbours in a row and neighbours in a column of a grid of 14 × 14 are.
far = similarity(sinusoidal(196, 192))
for step in (1, 14):
    stands(f"{far[0, step]:.3f}")
