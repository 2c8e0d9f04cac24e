"""05 vit: timm's `VisionTransformer`, its scheduler and its accuracy."""

from functools import partial

import torch
from timm.models.vision_transformer import VisionTransformer
from timm.scheduler import CosineLRScheduler
from timm.utils import accuracy as timms_accuracy
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from blocks import EPSILON
from operation import F64, Given, Operation, per_head, weights_of_attention
from positions import table


def new_vit(
    image, patch, channels, classes, dim, depth, heads, mlp_ratio, dropout, positions, pool, kind=VisionTransformer
):
    return kind(
        img_size=image,
        patch_size=patch,
        in_chans=channels,
        num_classes=classes,
        embed_dim=dim,
        depth=depth,
        num_heads=heads,
        mlp_ratio=mlp_ratio,
        pos_drop_rate=dropout,
        proj_drop_rate=dropout,
        global_pool={"cls": "token", "mean": "avg"}[pool],
        fc_norm=False,
        norm_layer=partial(nn.LayerNorm, eps=EPSILON),
    ).eval()


class Everything(nn.Module):
    """A model that also gives its features, and the weights of each block's attention."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        weights = []
        for block in self.model.blocks:
            block.attn.register_forward_hook(lambda attn, given, _: weights.append(self.weights(attn, *given)))
        features = self.model.forward_features(images)
        return {
            "logits": self.model.forward_head(features),
            "features": features,
            **{f"attention.{layer}": each for layer, each in enumerate(weights)},
        }

    @staticmethod
    def weights(attn, x):
        q, k, _ = attn.qkv(x).chunk(3, -1)
        return weights_of_attention(per_head(q, attn.num_heads), per_head(k, attn.num_heads))


def vit(images, weights, **config):
    if config["positions"] == "sinusoidal":
        # It is made in f32, whatever the numbers of the model are.
        fixed = table((config["image"] // config["patch"]) ** 2 + 1, config["dim"])
        weights = {**weights, "pos_embed": fixed.float().double().unsqueeze(0)}
    parameters = {f"model.{name}": value for name, value in weights.items()}
    return functional_call(Everything(new_vit(**config)), parameters, images)


COLUMNS = (
    "image",
    "patch",
    "channels",
    "classes",
    "dim",
    "depth",
    "heads",
    "mlp_ratio",
    "dropout",
    "positions",
    "pool",
)


def config_of(sizes):
    defaults = {"dropout": 0.0, "positions": "learned", "pool": "cls"}
    return {**defaults, **dict(zip(COLUMNS, sizes))}


def images(numbers, batch, *sizes):
    config = config_of(sizes)
    weights = numbers.weights_of(new_vit(**config))
    if config["positions"] == "sinusoidal":
        del weights["pos_embed"]
    return Given(
        {"images": numbers.normal(batch, config["channels"], config["image"], config["image"])}, config, weights
    )


def fit(images, labels, rates, weights, **config):
    model = new_vit(**config).to(images.dtype).train()
    model.load_state_dict(weights)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
    losses = []
    for batch, of_batch, rate in zip(images, labels, rates.tolist(), strict=True):
        loss = F.cross_entropy(model(batch), of_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        losses.append(loss)
    return {"losses": torch.stack(losses), **dict(model.named_parameters())}


def batches(numbers, steps, batch, *sizes):
    given = images(numbers, batch, *sizes)
    of_all = numbers.normal(steps, *given.tensors["images"].shape)
    labels = numbers.labels(steps * batch, given.arguments["classes"]).unflatten(0, (steps, batch))
    # AdamW divides by the root of a gradient's square and 1e-8: small rates keep what is left of a gradient of 0 small.
    rates = torch.tensor([1e-4 / step for step in range(1, steps + 1)], dtype=F64)
    return Given({"images": of_all, "labels": labels, "rates": rates}, given.arguments, given.weights)


def parameters(**config):
    with torch.device("meta"):
        model = new_vit(**config)
    count = sum(value.numel() for value in model.parameters())
    fixed = model.pos_embed.numel() if config["positions"] == "sinusoidal" else 0
    return {"parameters": torch.tensor(count - fixed)}


def warmup_cosine(step, warmup, total, base, min):
    if warmup == total:
        return {"rate": torch.tensor(base * step / warmup if step < warmup else min, dtype=torch.float64)}
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=base)
    scheduler = CosineLRScheduler(optimizer, total - warmup, lr_min=min, warmup_t=warmup, warmup_prefix=True)
    scheduler.step(step)
    return {"rate": torch.tensor(optimizer.param_groups[0]["lr"], dtype=torch.float64)}


def a_step(_, step, warmup, total, base, min):
    return Given(arguments={"step": step, "warmup": warmup, "total": total, "base": base, "min": min})


def accuracy(logits, labels):
    (percent,) = timms_accuracy(logits, labels)
    # timm's is a number of f32, of which only the count of right rows is exact.
    right = round(percent.item() / 100 * len(labels))
    return {"accuracy": torch.tensor(right / len(labels), dtype=torch.float64)}


def logits_and_labels(numbers, batch, classes):
    return Given({"logits": numbers.normal(batch, classes), "labels": numbers.labels(batch, classes)})


OPERATIONS = [
    Operation(
        "vit",
        vit,
        images,
        {
            "two-blocks": (2, 6, 3, 2, 3, 4, 2, 2, 2),
            "prime": (3, 21, 7, 3, 11, 13, 1, 1, 3),
            "mean": (2, 6, 2, 1, 5, 4, 1, 2, 2, 0.0, "learned", "mean"),
            "sinusoidal": (2, 6, 2, 1, 5, 6, 1, 3, 2, 0.0, "sinusoidal", "cls"),
            "sinusoidal-mean-odd": (2, 6, 3, 1, 2, 7, 1, 1, 1, 0.0, "sinusoidal", "mean"),
            "no-blocks": (2, 6, 2, 2, 3, 4, 0, 2, 4),
            "one-patch": (2, 5, 5, 1, 4, 4, 2, 2, 1),
            "one-image": (1, 6, 3, 3, 4, 4, 1, 2, 4),
            "dropout-is-not-for-evaluation": (2, 4, 2, 1, 2, 4, 1, 2, 2, 0.5),
            "mnist": (2, 28, 7, 1, 10, 64, 6, 4, 4),
        },
        gradients=True,
    ),
    Operation(
        "fit",
        fit,
        batches,
        {
            "two-blocks": (3, 4, 6, 3, 2, 3, 4, 2, 2, 2),
            "prime": (5, 7, 21, 7, 3, 11, 13, 1, 1, 3),
            "mean": (2, 3, 6, 2, 1, 5, 4, 1, 2, 2, 0.0, "learned", "mean"),
            "one-step": (1, 2, 6, 3, 3, 4, 4, 1, 2, 1),
            "one-image": (3, 1, 6, 3, 1, 2, 4, 1, 1, 2),
        },
        # In f32 a gradient of 0, as a key's bias has, is what rounding left, and AdamW takes a whole step along it.
        types=(F64,),
    ),
    Operation(
        "parameters",
        parameters,
        lambda _, *sizes: Given(arguments=config_of(sizes)),
        {
            "mnist": (28, 7, 1, 10, 64, 6, 4, 4),
            "tiny": (224, 16, 3, 1000, 192, 12, 3, 4),
            "huge": (224, 14, 3, 1000, 1280, 32, 16, 4),
            "prime": (77, 11, 5, 13, 21, 3, 7, 3),
            "sinusoidal": (77, 7, 2, 3, 15, 2, 5, 2, 0.0, "sinusoidal", "mean"),
            "no-blocks": (6, 2, 1, 5, 4, 0, 2, 3),
        },
        types=(F64,),
    ),
    Operation(
        "warmup_cosine",
        warmup_cosine,
        a_step,
        {
            "start": (0, 10, 110, 1e-3, 1e-5),
            "warming-up": (7, 10, 110, 1e-3, 1e-5),
            "warm": (10, 10, 110, 1e-3, 1e-5),
            "prime": (37, 11, 101, 3e-4, 7e-7),
            "half-way": (60, 10, 110, 1e-3, 1e-5),
            "last": (109, 10, 110, 1e-3, 1e-5),
            "end": (110, 10, 110, 1e-3, 1e-5),
            "after": (1000, 10, 110, 1e-3, 1e-5),
            "no-warm-up": (0, 0, 7, 0.1, 0.0),
            "nothing-but-warm-up": (3, 5, 5, 0.1, 0.01),
        },
        types=(F64,),
    ),
    Operation(
        "accuracy",
        accuracy,
        logits_and_labels,
        {"ten-classes": (64, 10), "prime": (37, 7), "one-row": (1, 5), "one-class": (3, 1), "two-classes": (50, 2)},
        gives=F64,
    ),
]
