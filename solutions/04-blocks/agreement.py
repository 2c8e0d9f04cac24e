"""04 blocks: PyTorch's norms, timm's `Mlp`, `Block` and `drop_path`."""

from functools import partial

from timm.layers import Mlp
from timm.layers import drop_path as timms_drop_path
from timm.models.vision_transformer import Block
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from msa import MODULES
from operation import Given, Operation, per_head, weights_of_attention

EPSILON = 1e-6


def layer_norm(x, gamma, beta, eps):
    return {"y": F.layer_norm(x, gamma.shape, gamma, beta, eps)}


def rms_norm(x, gamma, eps):
    return {"y": F.rms_norm(x, gamma.shape, gamma, eps)}


def tokens(numbers, shape, eps, std=1.0):
    dim = shape[-1]
    return Given(
        {
            "x": numbers.normal(*shape, mean=std, std=std),
            "gamma": numbers.normal(dim, mean=1.0, std=0.5),
            "beta": numbers.normal(dim),
        },
        {"eps": eps},
    )


def tokens_without_shift(*given):
    tensors = tokens(*given)
    del tensors.tensors["beta"]
    return tensors


NORMS = {
    "batch": ((2, 5, 12), 1e-6),
    "prime": ((3, 7, 13), 1e-5),
    "small": ((2, 3, 8), 1e-3, 0.02),
    "many-axes": ((2, 1, 3, 5), 1e-6),
    "one-vector": ((7,), 1e-6),
    "one-token": ((2, 1, 6), 1e-6),
    "one-column": ((2, 3, 1), 1e-2),
    "vit-tiny": ((1, 197, 192), 1e-6),
}


def drop_path(x, p, train):
    return {"y": timms_drop_path(x, p, train == "true")}


def certain(numbers, shape, p, train):
    return Given({"x": numbers.normal(*shape)}, {"p": p, "train": train})


def mlp(x, weights, dim, hidden):
    return {"y": functional_call(Mlp(dim, hidden), weights, x)}


def tokens_for_mlp(numbers, batch, count, dim, hidden):
    weights = numbers.weights_of(Mlp(dim, hidden))
    return Given({"x": numbers.normal(batch, count, dim)}, {"dim": dim, "hidden": hidden}, weights)


def new_block(dim, heads, mlp_ratio):
    return Block(dim, heads, mlp_ratio, qkv_bias=True, norm_layer=partial(nn.LayerNorm, eps=EPSILON))


def block(x, weights, dim, heads, mlp_ratio):
    y = functional_call(new_block(dim, heads, mlp_ratio), weights, x)
    normal = F.layer_norm(x, (dim,), weights["norm1.weight"], weights["norm1.bias"], EPSILON)
    q, k, _ = F.linear(normal, weights["attn.qkv.weight"], weights["attn.qkv.bias"]).chunk(3, -1)
    return {"y": y, "weights": weights_of_attention(per_head(q, heads), per_head(k, heads))}


def tokens_for_block(numbers, batch, count, dim, heads, mlp_ratio=4):
    arguments = {"dim": dim, "heads": heads, "mlp_ratio": mlp_ratio}
    return Given({"x": numbers.normal(batch, count, dim)}, arguments, numbers.weights_of(new_block(**arguments)))


OPERATIONS = [
    Operation("layer_norm", layer_norm, tokens, NORMS, gradients=True),
    Operation("rms_norm", rms_norm, tokens_without_shift, NORMS, gradients=True),
    Operation(
        "drop_path",
        drop_path,
        certain,
        # Only what leaves nothing to chance.
        {
            "in-evaluation": ((3, 5, 4), 0.3, "false"),
            "never": ((3, 5, 4), 0.0, "true"),
            "always": ((2, 3, 5), 1.0, "true"),
            "one-sample-always": ((1, 7), 1.0, "true"),
        },
        gradients=True,
    ),
    Operation(
        "mlp",
        mlp,
        tokens_for_mlp,
        {
            "usual": (2, 5, 6, 24),
            "prime": (3, 7, 13, 11),
            "one-token": (2, 1, 6, 12),
            "one-sequence": (1, 4, 5, 10),
            "one-hidden-column": (2, 3, 5, 1),
            "one-of-all": (1, 1, 1, 1),
            "vit-tiny": (1, 197, 192, 768),
        },
        gradients=True,
    ),
    Operation(
        "block",
        block,
        tokens_for_block,
        # Of one column a norm leaves 0, and its gradient is what rounding left, a thousand times as large.
        {**MODULES, "ratio-1": (2, 3, 6, 2, 1), "ratio-3": (2, 3, 5, 1, 3), "one-of-all": (1, 1, 2, 1, 1)},
        gradients=True,
    ),
]
