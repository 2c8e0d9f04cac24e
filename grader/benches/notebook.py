"""The Vision Transformer of the well-known MNIST notebook, in its way, and how well it does:

    python3 grader/benches/notebook.py FOLDER [--epochs 5] [--seed 0] [--threads 2] [--at-once]

trains it on the MNIST in FOLDER (the four `-ubyte.gz` files) and prints the accuracy on the 10,000 test images. Needs
torch and numpy.

Patches are cut by loops over images, rows and columns; attention goes through loops over sequences and heads.
`--at-once` computes the same without loops, but for roundings, and takes a tenth of the time. The model gives probabilities, and CrossEntropyLoss takes a softmax of them once more: both as in the notebook. Sizes are
those of the preset `notebook`: 28 px, patches of 4, dimension 8, two blocks, two heads.
"""

import argparse
import gzip
import math
from pathlib import Path

import numpy
import torch
from torch import nn

LEARNING_RATE = 5e-3
BATCH = 128


def patchify(images, grid):
    """[B, 1, H, W] → [B, grid², P·P], one patch at a time."""
    count, _, height, width = images.shape
    side = height // grid
    patches = torch.zeros(count, grid * grid, height * width // grid**2)
    for index, image in enumerate(images):
        for row in range(grid):
            for column in range(grid):
                rows = slice(row * side, (row + 1) * side)
                columns = slice(column * side, (column + 1) * side)
                patches[index, row * grid + column] = image[:, rows, columns].flatten()
    return patches


def patchify_at_once(images, grid):
    """The same, all patches at once."""
    side = images.shape[-1] // grid
    return nn.functional.unfold(images, side, stride=side).transpose(1, 2)


def positions(length, dim):
    """The sinusoidal table: sin in even columns, cos in odd ones, [length, dim]."""
    table = torch.ones(length, dim)
    for place in range(length):
        for column in range(dim):
            angle = place / 10000 ** ((column - column % 2) / dim)
            table[place][column] = math.cos(angle) if column % 2 else math.sin(angle)
    return table


class Attention(nn.Module):
    """One sequence and one head at a time, without an output map."""

    at_once = False

    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.width = heads, dim // heads
        maps = lambda: nn.ModuleList(nn.Linear(self.width, self.width) for _ in range(heads))
        self.q, self.k, self.v = maps(), maps(), maps()

    def forward(self, x):
        return self.all_at_once(x) if self.at_once else self.one_at_a_time(x)

    def one_at_a_time(self, x):
        results = []
        for sequence in x:
            outputs = []
            for head in range(self.heads):
                part = sequence[:, head * self.width : (head + 1) * self.width]
                q, k, v = self.q[head](part), self.k[head](part), self.v[head](part)
                weights = (q @ k.T / self.width**0.5).softmax(-1)
                outputs.append(weights @ v)
            results.append(torch.hstack(outputs))
        return torch.cat([result.unsqueeze(0) for result in results])

    def all_at_once(self, x):
        parts = x.unflatten(-1, (self.heads, self.width)).transpose(1, 2)  # [B, h, N, d]

        def mapped(maps):
            weight, bias = torch.stack([m.weight for m in maps]), torch.stack([m.bias for m in maps])
            return parts @ weight.mT + bias.unsqueeze(1)

        q, k, v = mapped(self.q), mapped(self.k), mapped(self.v)
        weights = (q @ k.mT / self.width**0.5).softmax(-1)
        return (weights @ v).transpose(1, 2).flatten(2)


class Block(nn.Module):
    """Norms before attention and MLP."""

    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class NotebookVit(nn.Module):
    """Fixed positions, a class token, no norm at the end, probabilities."""

    patchify = staticmethod(patchify)

    def __init__(self, patch=4, dim=8, depth=2, heads=2):
        super().__init__()
        self.grid = 28 // patch
        self.embed = nn.Linear(patch * patch, dim)
        self.class_token = nn.Parameter(torch.rand(1, dim))
        self.register_buffer("positions", positions(self.grid**2 + 1, dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.head = nn.Sequential(nn.Linear(dim, 10), nn.Softmax(-1))

    def forward(self, images):
        tokens = self.embed(self.patchify(images, self.grid))
        class_tokens = self.class_token.expand(len(images), 1, -1)
        x = torch.cat([class_tokens, tokens], 1) + self.positions.repeat(len(images), 1, 1)
        for block in self.blocks:
            x = block(x)
        return self.head(x[:, 0])

    def without_loops(self):
        """The same model, with nothing done one at a time."""
        self.patchify = patchify_at_once
        for block in self.blocks:
            block.attention.at_once = True
        return self


def mnist(folder, part):
    """Images, [N, 1, 28, 28] from 0 to 1, and labels, of `train` or `t10k`."""

    def numbers(kind, header):
        with gzip.open(folder / f"{part}-{kind}-ubyte.gz") as file:
            return torch.from_numpy(numpy.frombuffer(file.read(), numpy.uint8, offset=header).copy())

    images = numbers("images-idx3", 16).view(-1, 1, 28, 28)
    return images.float() / 255, numbers("labels-idx1", 8).long()


def accuracy(model, images, labels):
    """The share of images whose largest probability is the label's."""
    with torch.no_grad():
        right = [(model(x).argmax(1) == y).sum() for x, y in zip(images.split(1000), labels.split(1000))]
    return sum(right).item() / len(labels)


def main():
    parser = argparse.ArgumentParser(description="the notebook's model, trained in the notebook's way")
    parser.add_argument("folder", type=Path, help="where MNIST's four files are")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--at-once", action="store_true", help="without the loops: the same, faster")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    (images, labels), test = mnist(arguments.folder, "train"), mnist(arguments.folder, "t10k")
    model = NotebookVit().without_loops() if arguments.at_once else NotebookVit()
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(1, arguments.epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(images)).split(BATCH):
            loss = loss_of(model(images[batch]), labels[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item() * len(batch)
        reached = accuracy(model, *test)
        print(f"epoch {epoch}: loss {total / len(images):.4f}, test accuracy {reached:.2%}", flush=True)


if __name__ == "__main__":
    main()
