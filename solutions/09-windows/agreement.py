"""09 windows: timm's `WindowAttention`, `SwinTransformerBlock`, `PatchMerging` and `RelPosBias`, and its cutting of maps."""

import torch
from timm.layers import RelPosBias
from timm.models import swin_transformer as swin
from torch.func import functional_call

from operation import F32, F64, Given, Operation


def pair(text):
    return tuple(int(side) for side in text.split("x"))


def window_partition(x, window):
    return {"windows": swin.window_partition(x, pair(window))}


def window_reverse(windows, size):
    rows, columns = pair(size)
    return {"x": swin.window_reverse(windows, windows.shape[1:3], rows, columns)}


def maps(numbers, batch, size, window, dim):
    return Given({"x": numbers.normal(batch, *pair(size), dim)}, {"window": window})


def windows_of_maps(numbers, batch, size, window, dim):
    (height, width), (rows, columns) = pair(size), pair(window)
    count = batch * (height // rows) * (width // columns)
    return Given({"windows": numbers.normal(count, rows, columns, dim)}, {"size": size})


# A batch of maps, their size, the window's, and D.
MAPS = {
    "oblong": (2, "4x9", "2x3", 3),
    "prime": (3, "5x14", "5x7", 2),
    "one-window": (2, "3x4", "3x4", 2),
    "one-map": (1, "6x4", "2x2", 3),
    "rows": (2, "4x6", "1x3", 2),
    "columns": (2, "6x4", "3x1", 2),
    "single-tokens": (2, "2x3", "1x1", 2),
    "swin-tiny": (1, "56x56", "7x7", 96),
}


def new_block(size, dim, heads, window, shift, mlp_ratio):
    return swin.SwinTransformerBlock(
        dim,
        pair(size),
        num_heads=heads,
        window_size=pair(window),
        shift_size=pair(shift),
        mlp_ratio=mlp_ratio,
    )


def shift_mask(size, window, shift):
    # timm makes no mask where nothing is shifted.
    mask = new_block(size, 1, 1, window, shift, 1).attn_mask
    if mask is None:
        (height, width), (rows, columns) = pair(size), pair(window)
        tokens = rows * columns
        mask = torch.zeros(height * width // tokens, tokens, tokens)
    return {"mask": mask.double()}


def shifted(numbers, size, window, shift):
    return Given({}, {"size": size, "window": window, "shift": shift})


SHIFTS = {
    "oblong": ("4x9", "2x3", "1x2"),
    "square": ("9x9", "3x3", "1x1"),
    "not-half": ("8x10", "4x5", "3x1"),
    "rows-alone": ("6x6", "3x2", "2x0"),
    "columns-alone": ("4x6", "2x3", "0x1"),
    "not-shifted": ("4x6", "2x3", "0x0"),
    "swin-tiny": ("14x14", "7x7", "3x3"),
}


def relative_index(window, prefix):
    index = RelPosBias(pair(window), 1, prefix_tokens=prefix).relative_position_index
    side = pair(window)[0] * pair(window)[1] + prefix
    return {"index": index.view(side, side)}


def relative_bias(table, window, prefix):
    module = RelPosBias(pair(window), table.shape[1], prefix_tokens=prefix)
    side = pair(window)[0] * pair(window)[1] + prefix
    index = module.relative_position_index.view(-1)
    # timm's `get_bias` around a table that gradients are taken of.
    return {"bias": table[index].view(side, side, -1).permute(2, 0, 1)}


def position(numbers, window, prefix, heads=1):
    return Given({}, {"window": window, "prefix": prefix})


def table(numbers, window, prefix, heads):
    rows, columns = pair(window)
    count = (2 * rows - 1) * (2 * columns - 1) + 3 * prefix
    return Given({"table": numbers.normal(count, heads)}, {"window": window, "prefix": prefix})


TABLES = {
    "oblong": ("2x3", 0, 3),
    "high": ("3x2", 0, 2),
    "class-token": ("2x3", 1, 3),
    "class-token-high": ("4x2", 1, 2),
    "one-token": ("1x1", 0, 2),
    "one-token-and-class": ("1x1", 1, 1),
    "one-row": ("1x5", 1, 2),
    "swin-tiny": ("7x7", 0, 3),
}


def new_attention(dim, heads, window):
    return swin.WindowAttention(dim, heads, window_size=pair(window))


def window_attention(x, weights, dim, heads, window, mask=None):
    module = new_attention(dim, heads, window)
    # No gradient is asked for the mask.
    mask = None if mask is None else mask.detach()
    y = functional_call(module, weights, (x, mask))
    # timm does not give the weights away: what its own module adds to the logits, and PyTorch's softmax.
    q, k, _ = torch.nn.functional.linear(x, weights["qkv.weight"], weights["qkv.bias"]).chunk(3, -1)
    q, k = (it.unflatten(-1, (heads, -1)).transpose(1, 2) for it in (q, k))
    side = pair(window)[0] * pair(window)[1]
    index = module.relative_position_index.view(-1)
    added = weights["relative_position_bias_table"][index].view(side, side, heads).permute(2, 0, 1)
    if mask is not None:
        added = added + mask.repeat(x.shape[0] // mask.shape[0], 1, 1).unsqueeze(1)
    logits = q @ k.mT / q.shape[-1] ** 0.5 + added
    return {"y": y, "weights": logits.softmax(-1)}


def windows_for_attention(numbers, batch, of_a_map, dim, heads, window, is_masked=True):
    tokens = pair(window)[0] * pair(window)[1]
    given = {"x": numbers.normal(batch * of_a_map, tokens, dim)}
    if is_masked:
        given["mask"] = numbers.normal(of_a_map, tokens, tokens, std=2.0)
    arguments = {"dim": dim, "heads": heads, "window": window}
    return Given(given, arguments, numbers.weights_of(new_attention(**arguments)))


def swin_block(x, weights, dim, heads, window, shift, mlp_ratio):
    size = f"{x.shape[1]}x{x.shape[2]}"
    module = new_block(size, dim, heads, window, shift, mlp_ratio)
    return {"y": functional_call(module.double(), weights, x)}


def map_for_block(numbers, batch, size, dim, heads, window, shift, mlp_ratio=2):
    arguments = {"dim": dim, "heads": heads, "window": window, "shift": shift, "mlp_ratio": mlp_ratio}
    # Weights of the window that is given: timm shrinks it where a map is smaller.
    weights = numbers.weights_of(new_block(size, **arguments))
    return Given({"x": numbers.normal(batch, *pair(size), dim)}, arguments, weights)


def patch_merging(x, weights, dim):
    return {"y": functional_call(swin.PatchMerging(dim), weights, x)}


def map_for_merging(numbers, batch, size, dim):
    return Given(
        {"x": numbers.normal(batch, *pair(size), dim)}, {"dim": dim}, numbers.weights_of(swin.PatchMerging(dim))
    )


def new_swin(image, patch, channels, classes, dim, depths, heads, window, mlp_ratio):
    numbers = ([int(number) for number in text.split(",")] for text in (depths, heads))
    depths, heads = numbers
    return swin.SwinTransformer(
        img_size=image,
        patch_size=patch,
        in_chans=channels,
        num_classes=classes,
        embed_dim=dim,
        depths=depths,
        num_heads=heads,
        window_size=window,
        mlp_ratio=mlp_ratio,
    )


def whole(images, weights, **config):
    # Its masks are f32, and it has stochastic depth where it trains.
    model = new_swin(**config).double().eval()
    features = functional_call(HalfWay(model), {f"model.{name}": it for name, it in weights.items()}, images)
    return {"logits": functional_call(model, weights, images), "features": features}


class HalfWay(torch.nn.Module):
    """A model's `forward_features` as its forward."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model.forward_features(images)


def names_of(sizes):
    names = ("image", "patch", "channels", "classes", "dim", "depths", "heads", "window", "mlp_ratio")
    return dict(zip(names, sizes))


def images_for(numbers, batch, *sizes):
    config = names_of(sizes)
    shape = (batch, config["channels"], config["image"], config["image"])
    return Given({"images": numbers.normal(*shape)}, config, numbers.weights_of(new_swin(**config)))


def parameters(**config):
    return {"parameters": torch.tensor(sum(it.numel() for it in new_swin(**config).parameters()))}


def config_alone(numbers, *sizes):
    return Given({}, names_of(sizes))


# image, patch, channels, classes, dim, depths, heads, window, mlp_ratio
SWINS = {
    "two-stages": (12, 2, 2, 3, 4, "2,2", "2,4", 3, 2),
    "small-last-map": (16, 2, 1, 5, 6, "1,2", "3,3", 4, 1),
    "one-stage": (10, 2, 3, 4, 4, "3", "2", 5, 3),
    "three-stages": (24, 2, 1, 3, 3, "2,1,2", "1,2,3", 3, 1),
    "one-token": (4, 2, 1, 2, 2, "1,1", "1,2", 7, 2),
    "shifted": (8, 2, 1, 2, 4, "2", "2", 2, 1),
    "merged": (8, 2, 1, 2, 4, "1,1", "2,2", 2, 1),
}


def cost(size, dim, window):
    """timm counts none: by the layers that it has, each weight once a token, and the pairs of tokens."""
    rows, columns = pair(size)
    attention = swin.WindowAttention(dim, 1, window_size=window)
    matrices = attention.qkv.weight.numel() + attention.proj.weight.numel()
    pairs = [rows * columns, attention.window_area]
    return {"cost": torch.tensor([rows * columns * (matrices + 2 * looked_at * dim) for looked_at in pairs])}


def map_of_cost(numbers, size, dim, window):
    return Given({}, {"size": size, "dim": dim, "window": window})


OPERATIONS = [
    Operation("window_partition", window_partition, maps, MAPS, gradients=True),
    Operation("window_reverse", window_reverse, windows_of_maps, MAPS, gradients=True),
    Operation("shift_mask", shift_mask, shifted, SHIFTS, types=(F32,)),
    Operation("relative_index", relative_index, position, TABLES, types=(F64,)),
    Operation("relative_bias", relative_bias, table, TABLES, gradients=True),
    Operation(
        "window_attention",
        window_attention,
        windows_for_attention,
        {
            "masked": (2, 3, 12, 3, "2x3"),
            "not-masked": (2, 3, 12, 3, "2x3", False),
            "prime": (3, 2, 21, 7, "5x1"),
            "one-head": (2, 2, 6, 1, "3x2"),
            "one-column-each": (1, 2, 4, 4, "2x2"),
            "one-window": (1, 1, 6, 2, "3x3"),
            "one-token": (2, 1, 6, 2, "1x1"),
            "swin-tiny": (1, 4, 96, 3, "7x7"),
        },
        gradients=True,
    ),
    Operation(
        "swin_block",
        swin_block,
        map_for_block,
        {
            "not-shifted": (2, "4x9", 6, 2, "2x3", "0x0"),
            "shifted": (2, "4x9", 6, 2, "2x3", "1x2"),
            "rows-alone": (2, "6x4", 6, 3, "3x2", "2x0"),
            "columns-alone": (1, "4x6", 6, 2, "2x3", "0x1", 3),
            "not-half": (2, "8x5", 4, 1, "4x5", "1x2"),
            "prime": (3, "5x14", 10, 5, "5x7", "2x3", 1),
            "one-window": (2, "3x4", 6, 2, "3x4", "1x1"),
            "one-map": (1, "6x6", 4, 4, "3x3", "1x1"),
            "swin-tiny": (1, "14x14", 96, 3, "7x7", "3x3", 4),
        },
        gradients=True,
    ),
    Operation(
        "patch_merging",
        patch_merging,
        map_for_merging,
        {
            "oblong": (2, "4x6", 3),
            "prime": (3, "14x10", 5),
            "one-row": (2, "2x6", 4),
            "one-token": (1, "2x2", 3),
            "one-column": (2, "4x4", 1),
            "swin-tiny": (1, "56x56", 96),
        },
        gradients=True,
    ),
    Operation(
        "swin",
        whole,
        images_for,
        {
            **{label: (2, *sizes) for label, sizes in SWINS.items()},
            "one-image": (1, 12, 2, 2, 3, 4, "2,2", "2,4", 3, 2),
            "mnist": (2, 28, 2, 1, 10, 32, "2,2", "2,4", 7, 4),
        },
        gradients=True,
    ),
    Operation(
        "parameters",
        parameters,
        config_alone,
        {
            **SWINS,
            "mnist": (28, 2, 1, 10, 32, "2,2", "2,4", 7, 4),
            "tiny": (224, 4, 3, 1000, 96, "2,2,6,2", "3,6,12,24", 7, 4),
            "small": (224, 4, 3, 1000, 96, "2,2,18,2", "3,6,12,24", 7, 4),
        },
        types=(F64,),
    ),
    Operation(
        "cost",
        cost,
        map_of_cost,
        {
            "swin-tiny": ("56x56", 96, 7),
            "oblong": ("4x9", 5, 3),
            "prime": ("31x17", 13, 7),
            "one-token": ("1x1", 1, 1),
        },
        types=(F64,),
    ),
]
