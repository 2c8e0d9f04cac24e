"""Writes the values that tests/snapshot.rs compares with, and checks the numbers of the handout.

    python exercises/07-rollout/tests/snapshots/expected.py

Everything is computed in f64 and rounded once, so that the f32 of any implementation can be held against it.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader/testkit"))
from expected import uniform, write_snapshot  # noqa: E402

FUSIONS = {
    "mean": lambda heads: heads.mean(0),
    "max": lambda heads: heads.amax(0),
    "min": lambda heads: heads.amin(0),
}


def attention(name, shape):
    """As tests/snapshot.rs makes it: positive, and each row sums to 1."""
    return F.normalize(uniform(name, shape).double() + 1.25, p=1, dim=-1)


def discard(fused, share):
    """The smallest weights outside column 0 become 0; of equal ones, the first."""
    others = fused[:, 1:].flatten()
    smallest = others.sort(stable=True).indices[: int(share * others.numel())]
    others[smallest] = 0
    return torch.cat([fused[:, :1], others.reshape(len(fused), -1)], 1)


def with_residual(fused):
    return F.normalize(0.5 * fused + 0.5 * torch.eye(len(fused), dtype=fused.dtype), p=1, dim=-1)


def rollout(layers, fusion, share):
    maps = [with_residual(discard(FUSIONS[fusion](layer), share)) for layer in layers]
    return torch.linalg.multi_dot(maps[::-1]) if len(maps) > 1 else maps[0]


def class_map(rollout, prefix, grid):
    return rollout[0, prefix:].reshape(grid)


def upsample(map, size):
    image = map.double()[None, None]
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=False)[0, 0]


def distance(attention, prefix, grid, patch):
    places = torch.cartesian_prod(*(patch * torch.arange(side, dtype=torch.float64) for side in grid))
    weights = F.normalize(attention[:, prefix:, prefix:], p=1, dim=-1)
    return (weights * torch.cdist(places, places)).sum(-1).mean(-1)


heads = uniform("heads", (3, 4, 4)).double() + 1.25
layers = [attention(f"layer {layer}", (3, 6, 6)) for layer in range(4)]
for fusion, fuse in FUSIONS.items():
    write_snapshot(__file__, f"fused_{fusion}", fuse(heads).float())
    write_snapshot(__file__, f"rollout_{fusion}", rollout(layers, fusion, 0.0).float())
write_snapshot(__file__, "mixed", with_residual(uniform("map", (5, 5)).double() + 1.25).float())
for fusion, share in (("mean", 0.5), ("max", 0.75), ("min", 0.25)):
    for layer in layers:
        fused = FUSIONS[fusion](layer)
        smaller, larger = fused[:, 1:].flatten().sort().values[int(share * 30) - 1 :][:2]
        assert larger - smaller > 1e-5, "too near for f32 to tell which is smaller"
    write_snapshot(__file__, f"discarded_{fusion}", rollout(layers, fusion, share).float())

write_snapshot(__file__, "map_of_vit", class_map(uniform("rollout of a ViT", (7, 7)), 1, (2, 3)))
write_snapshot(__file__, "map_of_deit", class_map(uniform("rollout of a DeiT", (8, 8)), 2, (3, 2)))
write_snapshot(__file__, "enlarged", upsample(uniform("map to enlarge", (3, 5)), (8, 9)).float())
write_snapshot(__file__, "reshaped", upsample(uniform("map to reshape", (7, 4)), (3, 9)).float())
for name, sizes in {"vit": ((3, 9, 9), 1, (2, 4), 16), "deit": ((2, 10, 10), 2, (4, 2), 7)}.items():
    shape, prefix, grid, patch = sizes
    weights = attention(f"attention of a {'ViT' if name == 'vit' else 'DeiT'}", shape)
    write_snapshot(__file__, f"distance_of_{name}", distance(weights, prefix, grid, patch).float())

# The handout's example and its other numbers.
handout = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def stands(text):
    assert text in handout, f"the handout lacks: {text}"


first = torch.tensor([
    [[1, 0, 0], [0, 0, 1], [0, 0, 1]],
    [[0, 1, 0], [0, 0, 1], [0, 0, 1]],
], dtype=torch.float64)  # fmt: skip
second = torch.tensor([
    [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
    [[0, 1, 0], [0, 1, 0], [0, 0, 1]],
], dtype=torch.float64)  # fmt: skip
by_hand = rollout([first, second], "mean", 0.0)
assert by_hand.tolist() == [[0.375, 0.375, 0.25], [0, 0.5, 0.5], [0, 0.125, 0.875]], by_hand
assert rollout([second, first], "mean", 0.0)[0].tolist() == [0.375, 0.625, 0]
assert distance(second, 1, (1, 2), 16).tolist() == [8, 0]
half = discard(second.mean(0), 0.5)
assert half.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0.5]], half

# A head that looks everywhere alike: on the 2 × 2 patches of the example, and on ViT's 14 × 14, of 16 pixels.
for side in (2, 14):
    everywhere = torch.ones(1, side * side, side * side, dtype=torch.float64)
    stands(f"{distance(everywhere, 0, (side, side), 16).item():.2f}")
