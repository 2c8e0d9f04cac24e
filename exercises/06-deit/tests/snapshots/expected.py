"""Writes this folder's snapshots: what PyTorch and timm give for the inputs of the tests.

    python exercises/06-deit/tests/snapshots/expected.py

Everything is computed in f64, from inputs and weights of the stored type, and rounded at the very end.
Besides what the shared helper needs: timm 1.0. DeiT-Tiny's 5.9 million weights take half a minute.
"""

import sys
from pathlib import Path

import timm
import torch
from timm.models.deit import VisionTransformerDistilled
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "grader" / "testkit"))
from expected import fill, uniform, write_snapshot  # noqa: E402


def store(name, tensor, dtype=torch.float32):
    write_snapshot(__file__, name, tensor.to(dtype))


def filled(model, dtype=torch.float32):
    """The model with the weights that the tests give it, as f64, so that it gives both heads' logits in training."""
    model = model.to(dtype)
    fill(model.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name and name.endswith("weight"):
                parameter += 1
    model.set_distilled_training()
    return model.double()


def small(dtype=torch.float32, depth=3, **changed):
    sizes = dict(img_size=12, patch_size=4, in_chans=2, num_classes=5, embed_dim=12, depth=depth, num_heads=3)
    return filled(VisionTransformerDistilled(**{**sizes, **changed}), dtype)


def images(dtype=torch.float32):
    return uniform("images", (2, 2, 12, 12), dtype).double()


def models():
    model = small()
    maps = []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda module, inputs, weights: maps.append(weights))
    with torch.no_grad():
        store("evaluation", model.eval()(images()))
        for layer, weights in enumerate(maps):
            store(f"attention_{layer}", weights)
        class_logits, dist_logits = model.train()(images())
        store("class_logits", class_logits)
        store("dist_logits", dist_logits)


def gradients():
    x = images(torch.float64).requires_grad_()
    model = small(torch.float64, depth=1, num_classes=3, embed_dim=6)
    both = torch.stack(model.train()(x))
    both.backward(uniform("cotangent", (2, 2, 3), torch.float64))
    parameters = sorted(model.named_parameters())
    flat = [x.grad.flatten()] + [parameter.grad.flatten() for _, parameter in parameters]
    store("gradients", torch.cat(flat).unsqueeze(1), torch.float64)


def tiny():
    """Both heads' logits, and of each gradient its length and its cosine with a direction of its own."""
    model = filled(timm.create_model("deit_tiny_distilled_patch16_224"))
    both = torch.stack(model.train()(uniform("image", (1, 3, 224, 224)).double()))
    store("deit_tiny_logits", both)
    both.backward(uniform("cotangent", (2, 1, 1000)).double())
    lengths, cosines = [], []
    for name, parameter in sorted(model.named_parameters()):
        direction = uniform(f"direction of {name}", parameter.shape).double()
        length = parameter.grad.norm()
        lengths.append(length)
        cosines.append((parameter.grad * direction).sum() / length / direction.norm())
    store("deit_tiny_gradient_lengths", torch.stack(lengths).unsqueeze(1), torch.float64)
    store("deit_tiny_gradient_directions", torch.stack(cosines).unsqueeze(1), torch.float64)


def soft_loss(class_logits, dist_logits, teacher_logits, labels, temperature, alpha):
    """As in the authors' losses.py, but for its last divisor: the batch, where theirs is batch times classes."""
    divergence = F.kl_div(
        F.log_softmax(dist_logits / temperature, dim=1),
        F.log_softmax(teacher_logits.detach() / temperature, dim=1),
        reduction="sum",
        log_target=True,
    ) * temperature**2 / dist_logits.shape[0]
    return alpha * F.cross_entropy(class_logits, labels) + (1 - alpha) * divergence


def hard_loss(class_logits, dist_logits, teacher_logits, labels):
    return (F.cross_entropy(class_logits, labels) + F.cross_entropy(dist_logits, teacher_logits.argmax(dim=1))) / 2


def losses():
    logits = [3 * uniform(f"{whose} logits", (6, 5), torch.float64) for whose in ("class", "dist", "teacher")]
    labels = torch.tensor([3, 0, 4, 1, 1, 2])
    settings = [(1.0, 0.5), (3.0, 0.1), (0.5, 0.9), (10.0, 0.3), (3.0, 0.0), (3.0, 1.0)]
    soft = [soft_loss(*logits, labels, *setting) for setting in settings]
    store("soft_losses", torch.stack(soft).unsqueeze(1), torch.float64)
    store("hard_loss", hard_loss(*logits, labels), torch.float64)

    student = [tensor.requires_grad_() for tensor in logits[:2]]
    for name, loss in [
        ("soft_loss_gradients", soft_loss(*logits, labels, 3.0, 0.3)),
        ("hard_loss_gradients", hard_loss(*logits, labels)),
    ]:
        store(name, torch.stack(torch.autograd.grad(loss, student)), torch.float64)


models()
gradients()
losses()
tiny()
