"""03 msa: PyTorch's `scaled_dot_product_attention`, and timm's `Attention`."""

import torch
from timm.layers.attention import Attention
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from operation import Given, Operation, per_head, weights_of_attention


def attention(q, k, v):
    return {"y": F.scaled_dot_product_attention(q, k, v), "weights": weights_of_attention(q, k)}


def queries_keys_values(numbers, *shape, std=1.0):
    return Given({name: numbers.normal(*shape, std=std) for name in "qkv"})


class Headwise(nn.Module):
    """Three maps for each head, as the exercise names them."""

    def __init__(self, dim, heads):
        super().__init__()
        for name in ("q_mappings", "k_mappings", "v_mappings"):
            self.add_module(name, nn.ModuleList(nn.Linear(dim // heads, dim // heads) for _ in range(heads)))


def headwise(x, weights, dim, heads):
    """PyTorch's own module, whose maps see one head's columns each, and whose output map does nothing."""

    def joined(name):
        of_heads = [(f"{name}_mappings.{i}.weight", f"{name}_mappings.{i}.bias") for i in range(heads)]
        return torch.block_diag(*(weights[w] for w, _ in of_heads)), torch.cat([weights[b] for _, b in of_heads])

    maps, biases = zip(*(joined(name) for name in "qkv"))
    module = nn.MultiheadAttention(dim, heads, batch_first=True, dtype=x.dtype)
    parameters = {
        "in_proj_weight": torch.cat(maps),
        "in_proj_bias": torch.cat(biases),
        "out_proj.weight": torch.eye(dim, dtype=x.dtype),
        "out_proj.bias": torch.zeros(dim, dtype=x.dtype),
    }
    return {"y": functional_call(module, parameters, (x, x, x), {"need_weights": False})[0]}


def msa(x, weights, dim, heads):
    y = functional_call(Attention(dim, heads, qkv_bias=True), weights, x)
    q, k, _ = F.linear(x, weights["qkv.weight"], weights["qkv.bias"]).chunk(3, -1)
    return {"y": y, "weights": weights_of_attention(per_head(q, heads), per_head(k, heads))}


def tokens_for(module):
    def given(numbers, batch, count, dim, heads):
        return Given(
            {"x": numbers.normal(batch, count, dim)},
            {"dim": dim, "heads": heads},
            numbers.weights_of(module(dim, heads)),
        )

    return given


MODULES = {
    "several-heads": (2, 5, 12, 3),
    "prime": (3, 7, 55, 11),
    "one-head": (2, 5, 6, 1),
    "one-column-each": (2, 4, 5, 5),
    "one-token": (2, 1, 6, 2),
    "one-sequence": (1, 4, 8, 2),
    "one-of-all": (1, 1, 1, 1),
    "vit-tiny": (1, 197, 192, 3),
}

OPERATIONS = [
    Operation(
        "attention",
        attention,
        queries_keys_values,
        {
            "heads": (2, 3, 5, 4),
            "prime": (3, 7, 13),
            "batch-of-batches": (2, 1, 3, 2, 5),
            "one-token": (2, 1, 4),
            "one-column": (2, 5, 1),
            "one-sequence": (1, 6, 3),
            "vit-tiny": (1, 3, 197, 64),
        },
        gradients=True,
    ),
    Operation("headwise", headwise, tokens_for(Headwise), MODULES, gradients=True),
    Operation("msa", msa, tokens_for(lambda dim, heads: Attention(dim, heads, qkv_bias=True)), MODULES, gradients=True),
]
