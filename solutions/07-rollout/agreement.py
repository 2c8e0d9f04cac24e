"""07 rollout: PyTorch's reductions, `interpolate`, and distances between points."""

from functools import reduce

import torch
from torch.nn import functional as F

from operation import F32, Given, Operation

FUSION = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}


def fuse_heads(attention, fusion):
    return {"attention": FUSION[fusion](attention, 0)}


def with_residual(attention):
    return {"attention": F.normalize(attention + torch.eye(len(attention)), p=1, dim=1)}


def rollout(fusion, discard, **layers):
    def of_layer(layer):
        fused = fuse_heads(layer, fusion)["attention"]
        to_others = fused[:, 1:].flatten()
        # No two of these numbers are equal, so the order is theirs alone.
        smallest = to_others.argsort()[: int(discard * to_others.numel())]
        kept = torch.cat([fused[:, :1], to_others.index_fill(0, smallest, 0).view(len(fused), -1)], 1)
        return with_residual(kept)["attention"]

    in_order = (of_layer(layers[f"layer.{index}"]) for index in range(len(layers)))
    return {"rollout": reduce(lambda below, layer: layer @ below, in_order)}


def some_layers(numbers, depth, heads, tokens, fusion, discard):
    layers = {f"layer.{index}": numbers.shares(heads, tokens, tokens) for index in range(depth)}
    return Given(layers, {"fusion": fusion, "discard": discard})


def sides(text):
    return [int(side) for side in text.split("x")]


def class_map(rollout, prefix, grid):
    return {"map": rollout[0].tensor_split([prefix])[1].unflatten(0, sides(grid))}


def a_rollout(numbers, prefix, grid):
    tokens = prefix + torch.Size(sides(grid)).numel()
    return Given({"rollout": numbers.shares(tokens, tokens)}, {"prefix": prefix, "grid": grid})


def upsample(map, size):
    return {"map": F.interpolate(map[None, None], sides(size), mode="bilinear", align_corners=False)[0, 0]}


def attention_distance(attention, prefix, grid, patch):
    places = torch.cartesian_prod(*(torch.arange(side, dtype=torch.float64) for side in sides(grid)))
    between = F.normalize(attention[:, prefix:, prefix:], p=1, dim=2)
    return {"distance": (between * torch.cdist(places, places)).sum(2).mean(1) * patch}


def some_heads(numbers, heads, prefix, grid, patch):
    tokens = prefix + torch.Size(sides(grid)).numel()
    return Given({"attention": numbers.shares(heads, tokens, tokens)}, {"prefix": prefix, "grid": grid, "patch": patch})


OPERATIONS = [
    Operation(
        "fuse_heads",
        fuse_heads,
        lambda numbers, heads, tokens, fusion: Given(
            {"attention": numbers.shares(heads, tokens, tokens)}, {"fusion": fusion}
        ),
        {
            "mean": (3, 5, "mean"),
            "max": (3, 5, "max"),
            "min": (3, 5, "min"),
            "prime": (7, 11, "mean"),
            "one-head": (1, 4, "mean"),
            "one-token": (2, 1, "max"),
            "vit-tiny": (3, 197, "mean"),
        },
        types=(F32,),
    ),
    Operation(
        "with_residual",
        with_residual,
        lambda numbers, tokens, share: Given({"attention": numbers.shares(tokens, tokens) * share}),
        {
            "shares": (5, 1.0),
            "prime": (13, 1.0),
            "less": (6, 0.3),
            "more": (6, 2.5),
            "one-token": (1, 1.0),
            "vit-tiny": (197, 1.0),
        },
        types=(F32,),
    ),
    Operation(
        "rollout",
        rollout,
        some_layers,
        {
            "mean": (4, 3, 5, "mean", 0.0),
            "max": (4, 3, 5, "max", 0.0),
            "min": (4, 3, 5, "min", 0.0),
            "discard": (3, 2, 6, "mean", 0.55),
            "discard-max": (3, 2, 6, "max", 0.87),
            "discard-all": (2, 2, 4, "min", 1.0),
            "prime": (3, 5, 7, "mean", 0.31),
            "one-layer": (1, 3, 5, "mean", 0.0),
            "one-head": (3, 1, 5, "max", 0.22),
            "one-token": (2, 2, 1, "mean", 0.5),
            "vit-tiny": (12, 3, 197, "mean", 0.9),
        },
        types=(F32,),
    ),
    Operation(
        "class_map",
        class_map,
        a_rollout,
        {
            "vit": (1, "3x3"),
            "deit": (2, "3x3"),
            "oblong": (1, "2x5"),
            "tall": (2, "7x2"),
            "one-patch": (1, "1x1"),
            "no-prefix": (0, "2x3"),
            "vit-tiny": (1, "14x14"),
        },
        types=(F32,),
    ),
    Operation(
        "upsample",
        upsample,
        lambda numbers, rows, columns, size: Given({"map": numbers.normal(rows, columns)}, {"size": size}),
        {
            "larger": (3, 4, "9x8"),
            "smaller": (8, 6, "3x2"),
            "one-side-each": (3, 8, "7x5"),
            "prime": (5, 7, "11x13"),
            "the-same": (4, 3, "4x3"),
            "from-one": (1, 1, "2x3"),
            "to-one": (5, 4, "1x1"),
            "vit-tiny": (14, 14, "224x224"),
        },
        types=(F32,),
    ),
    Operation(
        "attention_distance",
        attention_distance,
        some_heads,
        {
            "vit": (3, 1, "3x3", 16),
            "deit": (3, 2, "3x3", 16),
            "oblong": (2, 1, "2x5", 7),
            "tall": (2, 2, "7x2", 1),
            "one-head": (1, 1, "3x2", 4),
            "one-patch": (2, 1, "1x1", 8),
            "vit-tiny": (3, 1, "14x14", 16),
        },
        types=(F32,),
    ),
]
