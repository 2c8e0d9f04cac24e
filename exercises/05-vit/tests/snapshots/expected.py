"""Writes this folder's snapshots: what PyTorch and timm give for the inputs of the tests.

    python exercises/05-vit/tests/snapshots/expected.py

Everything is computed in f64, from inputs and weights of the stored type, and rounded at the very end.
Besides what the shared helper needs: timm 1.0. ViT-Tiny's 5.7 million weights take half a minute.
"""

import sys
from pathlib import Path

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader" / "testkit"))
from expected import fill, uniform, write_snapshot  # noqa: E402


def store(name, tensor, dtype=torch.float32):
    write_snapshot(__file__, name, tensor.to(dtype))


def filled(model, dtype=torch.float32):
    """The model with the weights that the tests give it, as f64."""
    model = model.to(dtype)
    fill(model.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name and name.endswith("weight"):
                parameter += 1
    return model.double().eval()


def small(dtype=torch.float32, depth=3, **changed):
    sizes = dict(img_size=12, patch_size=4, in_chans=2, num_classes=5, embed_dim=12, depth=depth, num_heads=3)
    return filled(VisionTransformer(**{**sizes, **changed}), dtype)


def images(dtype=torch.float32):
    return uniform("images", (2, 2, 12, 12), dtype).double()


def sinusoidal(places, dim):
    position = torch.arange(places, dtype=torch.float64).unsqueeze(1)
    column = torch.arange(dim)
    angle = position / 10000 ** ((column - column % 2) / dim)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())


def weights_of(model, x):
    """timm's own lines up to the softmax, block by block; it does not give the weights away."""
    x = model._pos_embed(model.patch_embed(x))
    for block in model.blocks:
        b, n, _ = x.shape
        msa = block.attn
        qkv = msa.qkv(block.norm1(x)).reshape(b, n, 3, msa.num_heads, msa.head_dim).permute(2, 0, 3, 1, 4)
        yield F.softmax(qkv[0] @ qkv[1].mT / msa.head_dim**0.5, dim=-1)
        x = block(x)


def models():
    with torch.no_grad():
        model = small()
        store("logits", model(images()))
        store("features", model.forward_features(images()))
        for layer, weights in enumerate(weights_of(model, images())):
            store(f"attention_{layer}", weights)
        store("logits_of_the_mean", small(global_pool="avg", fc_norm=False)(images()))
        model.pos_embed.copy_(sinusoidal(10, 12).float())
        store("logits_with_sinusoidal_positions", model(images()))


def gradients():
    x = images(torch.float64).requires_grad_()
    model = small(torch.float64, depth=1, num_classes=3, embed_dim=6)
    model(x).backward(uniform("cotangent", (2, 3), torch.float64))
    parameters = sorted(model.named_parameters())
    flat = [x.grad.flatten()] + [parameter.grad.flatten() for _, parameter in parameters]
    store("gradients", torch.cat(flat).unsqueeze(1), torch.float64)


def tiny():
    """Logits, and of each gradient its length and its cosine with a direction of its own."""
    model = filled(timm.create_model("vit_tiny_patch16_224"))
    x = uniform("image", (1, 3, 224, 224)).double()
    y = model(x)
    store("vit_tiny_logits", y)
    y.backward(uniform("cotangent", (1, 1000)).double())
    lengths, cosines = [], []
    for name, parameter in sorted(model.named_parameters()):
        direction = uniform(f"direction of {name}", parameter.shape).double()
        length = parameter.grad.norm()
        lengths.append(length)
        cosines.append((parameter.grad * direction).sum() / length / direction.norm())
    store("vit_tiny_gradient_lengths", torch.stack(lengths).unsqueeze(1), torch.float64)
    store("vit_tiny_gradient_directions", torch.stack(cosines).unsqueeze(1), torch.float64)


def training():
    model = small(depth=1, num_classes=3, embed_dim=6).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
    losses = []
    for step, labels in enumerate([[0, 2, 1, 1], [2, 2, 0, 1], [1, 0, 0, 2]]):
        x = uniform(f"images {step}", (4, 2, 12, 12)).double()
        loss = F.cross_entropy(model(x), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = 0.01 / (1 + step)
        optimizer.step()
        losses.append(loss.detach())
    store("losses", torch.stack(losses).unsqueeze(0), torch.float64)
    store("head_after_training", model.head.weight)


models()
gradients()
tiny()
training()
