"""What a reference says of an operation: how PyTorch does it, and on which numbers to try it."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

F32, F64 = torch.float32, torch.float64


class Numbers:
    """Random numbers of a case: they depend on the seed and the names alone, not on what other cases draw."""

    def __init__(self, seed, *names):
        self._generator = torch.Generator().manual_seed(zlib.crc32(repr((seed, *names)).encode()))

    def normal(self, *shape, mean=0.0, std=1.0):
        return mean + std * torch.randn(shape, dtype=F64, generator=self._generator)

    def shares(self, *shape):
        """Rows that sum to 1, as the weights of attention do."""
        return self.normal(*shape, std=2.0).softmax(-1)

    def labels(self, count, classes):
        return torch.randint(classes, (count,), generator=self._generator)

    def weights_of(self, module):
        """Values for a module's parameters, by name: norms around 1, maps that keep the size of what they map."""
        return {name: self._weight(name, value.shape) for name, value in module.named_parameters()}

    def _weight(self, name, shape):
        if not name.endswith("weight"):
            return self.normal(*shape, std=0.2)
        if len(shape) == 1:
            return self.normal(*shape, mean=1.0, std=0.2)
        return self.normal(*shape, std=shape[1:].numel() ** -0.5)


@dataclass
class Given:
    """What a case gives an operation. Numbers are f64 and rounded to each type that the case is tried in."""

    tensors: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)


@dataclass
class Operation:
    """An operation of an exercise.

    `reference` takes a case's tensors and arguments by name, and `weights` where there are some; it gives tensors by
    name, first the one whose gradients are compared. `given(numbers, *cases[label])` is what a case gives.
    """

    name: str
    reference: Callable[..., dict]
    given: Callable[..., Given]
    cases: dict
    types: tuple = (F32, F64)
    gradients: bool = False
    gives: torch.dtype | None = None  # the type of its numbers, where it is not that of the case


def per_head(qkv, heads):
    """[B, N, h·d] → [B, h, N, d]."""
    return qkv.unflatten(-1, (heads, -1)).transpose(1, 2)


def weights_of_attention(q, k):
    """The weights that PyTorch's attention takes its mean with: its output on the unit vectors."""
    unit = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    return torch.nn.functional.scaled_dot_product_attention(q, k, unit)
