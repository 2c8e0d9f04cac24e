"""Writes this folder's snapshots: what timm gives for the inputs of the tests.

    python exercises/09-windows/tests/snapshots/expected.py

Everything is computed in f64, from inputs and weights of the stored type, and rounded at the very end.
Besides what the shared helper needs: timm 1.0.
"""

import sys
from pathlib import Path

import torch
from timm.layers import RelPosBias
from timm.models.swin_transformer import PatchMerging, SwinTransformer, SwinTransformerBlock, WindowAttention

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
            if "norm" in name and name.endswith("weight"):
                parameter += 1
    return module.double().eval()


def new_block(size, dim, heads, window, shift, ratio=4):
    return SwinTransformerBlock(
        dim, size, num_heads=heads, window_size=window, shift_size=shift, mlp_ratio=ratio
    )


def positions():
    bias = RelPosBias((2, 3), 3, prefix_tokens=0)
    with_class_token = RelPosBias((2, 3), 3, prefix_tokens=1)
    for name, module in [("relative_bias", bias), ("relative_bias_with_class_token", with_class_token)]:
        table = module.relative_position_bias_table
        with torch.no_grad():
            table.copy_(uniform("table", table.shape))
        store(name, module.get_bias()[0])
    store("relative_index", with_class_token.relative_position_index.view(7, 7), torch.int64)


def masks():
    # Windows of 3 × 3 shifted by 1 and 2, and oblong ones.
    for name, size, window, shift in [
        ("mask", (6, 6), (3, 3), (1, 2)),
        ("mask_of_oblong_windows", (6, 8), (2, 4), (1, 1)),
        ("mask_of_shifted_columns", (4, 6), (2, 3), (0, 1)),
    ]:
        block = new_block(size, 8, 2, window, shift)
        store(name, block.attn_mask)


def timm_weights(attention, x, mask=None):
    """timm's own lines up to the softmax; it does not give the weights away."""
    windows, tokens, _ = x.shape
    q, k, _ = attention.qkv(x).reshape(windows, tokens, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
    logits = (q * attention.scale) @ k.transpose(-2, -1) + attention._get_rel_pos_bias()
    if mask is not None:
        of_a_map = mask.shape[0]
        logits = logits.view(-1, of_a_map, attention.num_heads, tokens, tokens) + mask.unsqueeze(1).unsqueeze(0)
        logits = logits.view(-1, attention.num_heads, tokens, tokens)
    return logits.softmax(-1)


def modules():
    with torch.no_grad():
        # Two maps of six windows, three heads.
        attention = filled(WindowAttention(12, 3, window_size=(2, 3)))
        x = uniform("windows", (12, 6, 12)).double() * 4
        mask = new_block((4, 9), 12, 3, (2, 3), (1, 2)).attn_mask.double()
        store("window_attention", attention(x))
        store("window_attention_masked", attention(x, mask))
        store("window_attention_weights", timm_weights(attention, x, mask))

        x = uniform("x", (2, 4, 9, 12)).double()
        for name, shift in [("swin_block", (0, 0)), ("swin_block_shifted", (1, 2)), ("swin_block_columns_shifted", (0, 1))]:
            block = filled(new_block((4, 9), 12, 3, (2, 3), shift))
            store(name, block(x * 4))
        store("swin_block_of_small_tokens", block(x * SMALL))
        low = uniform("x", (2, 2, 6, 12)).double() * 4
        store("swin_block_of_a_low_map", filled(new_block((2, 6), 12, 3, (2, 3), (1, 1)))(low))

        merging = filled(PatchMerging(6))
        x = uniform("x", (2, 4, 6, 6)).double()
        store("patch_merging", merging(x * 4))
        store("patch_merging_of_small_tokens", merging(x * SMALL))

        # The third stage of Swin-T at 224 px: 14 × 14 tokens. A token of the last window, which has four regions.
        block = filled(new_block((14, 14), 384, 12, (7, 7), (3, 3)))
        x = uniform("map", (1, 14, 14, 384)).double() * 4
        store("swin_tiny_stage_3", block(x)[:, 9, 12])


def models():
    with torch.no_grad():
        swin = SwinTransformer(
            img_size=24,
            patch_size=2,
            in_chans=2,
            num_classes=5,
            embed_dim=4,
            depths=(2, 2, 2),
            num_heads=(1, 2, 4),
            window_size=3,
            mlp_ratio=2,
        )
        swin = filled(swin)
        images = uniform("images", (2, 2, 24, 24)).double()
        store("swin_features", swin.forward_features(images))
        store("swin_logits", swin(images))


def gradients():
    x = (uniform("x", (2, 4, 6, 6), torch.float64) * 4).requires_grad_()
    block = filled(new_block((4, 6), 6, 2, (2, 3), (1, 2), 2), torch.float64)
    block(x).backward(uniform("cotangent", (2, 4, 6, 6), torch.float64))
    store("gradient_x", x.grad, torch.float64)
    for name, parameter in block.named_parameters():
        if name.startswith(("attn", "norm1")):
            store(f"gradient_{name.replace('.', '_')}", parameter.grad, torch.float64)


positions()
masks()
modules()
models()
gradients()
