"""Writes the values that tests/snapshot.rs compares with, and checks the numbers of the handout.

    python exercises/01-patchify/tests/snapshots/expected.py

Sums are done in f64 and rounded once, so that the f32 of any implementation can be held against them.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader/testkit"))
from expected import uniform, write_snapshot  # noqa: E402


def unfold(images, kernel):
    """[B, C, H, W] → [B, N, C·P·Q]."""
    return F.unfold(images, kernel, stride=kernel).transpose(1, 2)


def fold(patches, size, kernel):
    """[B, N, C·P·Q] → [B, C, H, W]."""
    return F.fold(patches.transpose(1, 2), size, kernel, stride=kernel)


def convolve(images, weight, bias):
    """[B, C, H, W] with a kernel [D, C, P, Q] and strides of P and Q → [B, N, D]."""
    return F.conv2d(images, weight, bias, stride=weight.shape[2:]).flatten(2).transpose(1, 2)


def cost(image, patch, channels, dim, heads):
    """Counted on PyTorch's own modules: a convolution for the embedding, batched products for attention."""
    embedding = torch.nn.Conv2d(channels, dim, patch, stride=patch, device="meta")
    patches = embedding(torch.empty(1, channels, image, image, device="meta")).flatten(2).shape[2]
    tokens = patches + 1
    q, k, v = torch.empty(3, 1, heads, tokens, dim // heads, device="meta")
    counter = FlopCounterMode(display=False)
    with counter:
        weights = q @ k.transpose(-2, -1)
        weights @ v
    params = sum(p.numel() for p in embedding.parameters())
    return [patches, tokens, params, counter.get_total_flops()]


write_snapshot(__file__, "patches", unfold(uniform("images", (2, 3, 4, 6)), (2, 3)))
write_snapshot(__file__, "images", fold(uniform("patches", (2, 9, 12)), (6, 6), (2, 2)))

patches, images = uniform("patches", (2, 4, 6)).double(), uniform("images", (2, 3, 4, 6)).double()
bias = uniform("bias", (5,)).double()
linear = F.linear(patches, uniform("weight", (5, 6)).double(), bias)
convolution = convolve(images, uniform("weight", (5, 18)).double().reshape(5, 3, 2, 3), bias)
write_snapshot(__file__, "linear", linear.float())
write_snapshot(__file__, "convolution", convolution.float())

SIZES = [
    *[(32, patch, 3, 192, 3) for patch in (2, 4, 8, 16)],
    *[(224, patch, 3, 768, 12) for patch in (8, 14, 16, 32)],
    (28, 7, 1, 64, 4),
]
costs = torch.tensor([cost(*sizes) for sizes in SIZES])
write_snapshot(__file__, "cost", costs)

# The handout's example and its tables.
image = torch.arange(32.0).reshape(1, 2, 4, 4)
assert unfold(image, (2, 2)).int().tolist() == [[
    [0, 1, 4, 5, 16, 17, 20, 21],
    [2, 3, 6, 7, 18, 19, 22, 23],
    [8, 9, 12, 13, 24, 25, 28, 29],
    [10, 11, 14, 15, 26, 27, 30, 31],
]]  # fmt: skip
weight = torch.tensor([[0.25] * 4 + [0.0] * 4, [0.0] * 4 + [-0.5, -0.5, 0.5, 0.5]])
tokens = convolve(image, weight.reshape(2, 2, 2, 2), torch.tensor([-7.5, 0.0]))
assert tokens.tolist() == [[[-5.0, 4.0], [-3.0, 4.0], [3.0, 4.0], [5.0, 4.0]]], tokens
handout = (Path(__file__).resolve().parents[2] / "README.md").read_text()
for row in costs[:8].tolist():
    line = " | ".join(f"{count:,}" for count in row)
    assert line in handout, f"the handout's table lacks: {line}"
