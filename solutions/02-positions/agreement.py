"""02 positions: PyTorch's complex numbers, `cosine_similarity` and `interpolate`."""

import torch
from torch.nn import functional as F

from operation import F32, Given, Operation


def table(places, dim):
    """Vaswani et al. 2017, section 3.5: for each pair of columns a pointer, turned on from place to place; its
    imaginary part is the sine, its real part the cosine."""
    rates = 10000 ** (-2 * torch.arange((dim + 1) // 2, dtype=torch.float64) / dim)
    pointers = torch.polar(torch.tensor(1.0, dtype=torch.float64), torch.arange(places).outer(rates))
    return torch.stack([pointers.imag, pointers.real], -1).flatten(1)[:, :dim]


def sinusoidal(len, dim):
    return {"positions": table(len, dim)}


def cosine_similarity(positions):
    return {"similarity": F.cosine_similarity(positions.unsqueeze(1), positions.unsqueeze(0), dim=-1)}


def rows(numbers, count, dim, std=1.0, zeros=0):
    positions = numbers.normal(count, dim, std=std)
    positions[:zeros] = 0
    return Given({"positions": positions})


def interpolate(positions, grid):
    side = round(len(positions) ** 0.5)
    picture = positions.mT.unflatten(1, (side, side)).unsqueeze(0)  # [1, D, G, G]
    resized = F.interpolate(picture, (grid, grid), mode="bilinear", align_corners=False, antialias=False)
    return {"positions": resized.squeeze(0).flatten(1).mT}


def a_grid(numbers, side, dim, grid):
    return Given({"positions": numbers.normal(side**2, dim)}, {"grid": grid})


OPERATIONS = [
    Operation(
        "sinusoidal",
        sinusoidal,
        lambda _, places, dim: Given(arguments={"len": places, "dim": dim}),
        {
            "even": (8, 12),
            "prime": (31, 13),
            "one-place": (1, 7),
            "one-column": (11, 1),
            "two-columns": (5, 2),
            "vit-tiny": (197, 192),
        },
        types=(F32,),
    ),
    Operation(
        "cosine_similarity",
        cosine_similarity,
        rows,
        {
            "usual": (9, 8),
            "prime": (13, 7),
            "one-row": (1, 5),
            "one-column": (6, 1),
            "rows-of-zeros": (5, 4, 1.0, 2),
            "small": (6, 5, 1e-3),
            "vit-tiny": (196, 192),
        },
        types=(F32,),
    ),
    Operation(
        "interpolate",
        interpolate,
        a_grid,
        {
            "larger": (4, 6, 8),
            "smaller": (8, 6, 3),
            "prime": (7, 5, 11),
            "the-same": (5, 3, 5),
            "from-one": (1, 4, 3),
            "to-one": (5, 4, 1),
            "one-column": (3, 1, 4),
            "vit-tiny": (14, 192, 24),
        },
        types=(F32,),
    ),
]
