"""Writes this folder's snapshots: what PyTorch and timm give for the inputs of the tests.

    python exercises/04-blocks/tests/snapshots/expected.py

Everything is computed in f64, from inputs and weights of the stored type, and rounded at the very end.
Besides what the shared helper needs: timm 1.0.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from timm.layers import Mlp
from timm.models.vision_transformer import Block
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader" / "testkit"))
from expected import fill, uniform, write_snapshot  # noqa: E402

SMALL = 1 / 1024


def store(name, tensor, dtype=torch.float32):
    write_snapshot(__file__, name, tensor.to(dtype))


def filled(module, dtype=torch.float32):
    """The module with the weights that the tests give it, as f64."""
    module = module.to(dtype)
    fill(module.named_parameters())
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.startswith("norm") and name.endswith("weight"):
                parameter += 1
    return module.double().eval()


def norms():
    x, gamma, beta = (uniform(name, shape).double() for name, shape in [("x", (2, 5, 12)), ("gamma", (12,)), ("beta", (12,))])
    for name, tokens in [("", x * 4), ("_of_small_tokens", x * SMALL)]:
        store(f"layer_norm{name}", F.layer_norm(tokens, (12,), gamma, beta, 1e-6))
        store(f"rms_norm{name}", F.rms_norm(tokens, (12,), gamma, 1e-6))


def timm_block(dim, heads, ratio, dtype=torch.float32):
    norm = partial(nn.LayerNorm, eps=1e-6)
    return filled(Block(dim, num_heads=heads, mlp_ratio=ratio, qkv_bias=True, norm_layer=norm), dtype)


def timm_weights(block, x):
    """timm's own lines up to the softmax; it does not give the weights away."""
    b, n, _ = x.shape
    msa = block.attn
    q, k, _ = msa.qkv(block.norm1(x)).reshape(b, n, 3, msa.num_heads, msa.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
    return F.softmax(q @ k.mT / msa.head_dim**0.5, dim=-1)


def modules():
    with torch.no_grad():
        store("gelu", F.gelu(torch.linspace(-4, 4, 33).double().view(1, 33, 1)))
        x = uniform("x", (2, 5, 12)).double()
        store("mlp", filled(Mlp(12, 20))(x * 4))
        block = timm_block(12, 3, 4)
        store("block", block(x * 4))
        store("block_of_small_tokens", block(x * SMALL))
        store("block_weights", timm_weights(block, x * 4))

        # ViT-Tiny at 224 px: 196 patches and a class token, whose row alone is stored.
        tokens = uniform("tokens of an image", (1, 197, 192)).double() * 4
        store("vit_tiny_class_token", timm_block(192, 3, 4)(tokens)[:, 0])


def gradients():
    x = (uniform("x", (2, 4, 6), torch.float64) * 4).requires_grad_()
    block = timm_block(6, 3, 2, torch.float64)
    block(x).backward(uniform("cotangent", (2, 4, 6), torch.float64))
    store("gradient_x", x.grad, torch.float64)
    for name, parameter in block.named_parameters():
        store(f"gradient_{name.replace('.', '_')}", parameter.grad, torch.float64)


norms()
modules()
gradients()
