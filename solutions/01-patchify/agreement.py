"""01 patchify: `unfold`, `fold`, a convolution, and PyTorch's counters of parameters and operations."""

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from operation import F32, Given, Operation


def patchify(images, grid):
    kernel = [side // grid for side in images.shape[2:]]
    return {"patches": F.unfold(images, kernel, stride=kernel).mT}


def images(numbers, batch, channels, height, width, grid):
    return Given({"images": numbers.normal(batch, channels, height, width)}, {"grid": grid})


def unpatchify(patches, channels, grid):
    side = round((patches.shape[2] / channels) ** 0.5)
    return {"images": F.fold(patches.mT, grid * side, side, stride=side)}


def patches(numbers, batch, channels, side, grid):
    return Given({"patches": numbers.normal(batch, grid**2, channels * side**2)}, {"channels": channels, "grid": grid})


def embed(patches, weight, bias):
    """A linear map is a convolution whose kernel sees one patch."""
    return {"tokens": F.conv1d(patches.mT, weight.unsqueeze(2), bias).mT}


def map_of_patches(numbers, batch, count, length, dim):
    return Given(
        {
            "patches": numbers.normal(batch, count, length),
            "weight": numbers.normal(dim, length, std=length**-0.5),
            "bias": numbers.normal(dim),
        }
    )


def cost(image, patch, channels, dim):
    embedding = torch.nn.Conv2d(channels, dim, patch, stride=patch, device="meta")
    count = embedding(torch.empty(1, channels, image, image, device="meta")).flatten(2).shape[2]
    q, k, v = torch.empty(3, 1, count + 1, dim, device="meta")
    with FlopCounterMode(display=False) as counter:
        (q @ k.mT) @ v
    params = sum(parameter.numel() for parameter in embedding.parameters())
    return {"cost": torch.tensor([count, count + 1, params, counter.get_total_flops()])}


def sizes(_, image, patch, channels, dim):
    return Given(arguments={"image": image, "patch": patch, "channels": channels, "dim": dim})


OPERATIONS = [
    Operation(
        "patchify",
        patchify,
        images,
        {
            "square": (2, 3, 8, 8, 4),
            "prime": (3, 5, 21, 21, 7),
            "oblong": (2, 3, 6, 20, 2),
            "tall": (1, 2, 35, 10, 5),
            "one-patch": (2, 3, 5, 7, 1),
            "pixels": (1, 2, 7, 7, 7),
            "one-image": (1, 3, 9, 9, 3),
            "one-channel": (3, 1, 10, 10, 5),
            "large": (4, 3, 224, 224, 14),
        },
        types=(F32,),
    ),
    Operation(
        "unpatchify",
        unpatchify,
        patches,
        {
            "even": (2, 3, 4, 2),
            "prime": (3, 5, 3, 7),
            "one-patch": (2, 3, 5, 1),
            "pixels": (1, 2, 1, 7),
            "one-image": (1, 3, 3, 3),
            "one-channel": (3, 1, 2, 5),
            "large": (4, 3, 16, 14),
        },
        types=(F32,),
    ),
    Operation(
        "embed",
        embed,
        map_of_patches,
        {
            "wide": (2, 4, 12, 20),
            "narrow": (2, 9, 27, 5),
            "prime": (3, 7, 13, 11),
            "one-patch": (2, 1, 12, 8),
            "one-image": (1, 5, 6, 6),
            "one-column": (2, 3, 7, 1),
            "one-value": (2, 3, 1, 7),
            "vit-tiny": (2, 196, 768, 192),
        },
        types=(F32,),
    ),
    Operation(
        "cost",
        cost,
        sizes,
        {
            "mnist": (28, 7, 1, 64),
            "vit-tiny": (224, 16, 3, 192),
            "vit-huge": (224, 14, 3, 1280),
            "prime": (77, 11, 5, 13),
            "one-patch": (17, 17, 3, 19),
            "pixels": (31, 1, 2, 7),
        },
        types=(F32,),
    ),
]
