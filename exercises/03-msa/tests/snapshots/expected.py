"""Writes this folder's snapshots: what PyTorch and timm give for the inputs of the tests.

    python exercises/03-msa/tests/snapshots/expected.py

Everything is computed in f64, from inputs and weights of the stored type, and rounded at the very end.
Besides what the shared helper needs: timm 1.0.
"""

import sys
from pathlib import Path

import torch
from timm.layers import Attention
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader" / "testkit"))
from expected import fill, uniform, write_snapshot  # noqa: E402


def store(name, tensor, dtype=torch.float32):
    write_snapshot(__file__, name, tensor.to(dtype))


def filled(module, dtype=torch.float32):
    """The module with the weights that testkit::tensor::fill gives it, as f64."""
    module = module.to(dtype)
    fill(module.named_parameters())
    return module.double().eval()


def weights_of(q, k):
    return F.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)


# The factors before x, q and k make logits of about ±1.5, so that weights are neither nearly even nor nearly 0 and 1.


def attention():
    q, k, v = (uniform(name, (2, 3, 5, 4)).double() * scale for name, scale in [("q", 2), ("k", 2), ("v", 1)])
    store("attention_output", F.scaled_dot_product_attention(q, k, v))
    store("attention_weights", weights_of(q, k))


class Headwise(nn.Module):
    """The exercise's HeadwiseMsa: no such module in timm."""

    def __init__(self, dim, heads):
        super().__init__()
        d = dim // heads
        for name in ["q_mappings", "k_mappings", "v_mappings"]:
            setattr(self, name, nn.ModuleList(nn.Linear(d, d) for _ in range(heads)))

    def forward(self, x):
        outputs = []
        for i, columns in enumerate(x.chunk(len(self.q_mappings), dim=-1)):
            q, k, v = self.q_mappings[i](columns), self.k_mappings[i](columns), self.v_mappings[i](columns)
            outputs.append(F.scaled_dot_product_attention(q, k, v))
        return torch.cat(outputs, dim=-1)


def headwise():
    with torch.no_grad():
        store("headwise", filled(Headwise(12, 3))(uniform("x", (2, 5, 12)).double() * 4))


def timm_attention(dim, heads, dtype=torch.float32):
    return filled(Attention(dim, num_heads=heads, qkv_bias=True), dtype)


def timm_weights(msa, x):
    """timm's own lines up to the softmax; it does not give the weights away."""
    b, n, _ = x.shape
    q, k, _ = msa.qkv(x).reshape(b, n, 3, msa.num_heads, msa.head_dim).permute(2, 0, 3, 1, 4).unbind(0)
    return weights_of(q, k)


def msa():
    with torch.no_grad():
        x = uniform("x", (2, 5, 12)).double() * 4
        three = timm_attention(12, 3)
        store("msa", three(x))
        store("msa_weights", timm_weights(three, x))
        store("msa_one_head", timm_attention(12, 1)(x))

        # ViT-Tiny at 224 px: 196 patches and a class token, whose row alone is stored.
        tiny, x = timm_attention(192, 3), uniform("tokens of an image", (1, 197, 192)).double() * 4
        store("vit_tiny_class_token", tiny(x)[:, 0])
        store("vit_tiny_class_token_weights", timm_weights(tiny, x)[:, :, 0])


def gradients():
    x = (uniform("x", (2, 4, 6), torch.float64) * 4).requires_grad_()
    msa = timm_attention(6, 3, torch.float64)
    msa(x).backward(uniform("cotangent", (2, 4, 6), torch.float64))
    store("gradient_x", x.grad, torch.float64)
    for name, parameter in msa.named_parameters():
        store(f"gradient_{name.replace('.', '_')}", parameter.grad, torch.float64)


attention()
headwise()
msa()
gradients()
