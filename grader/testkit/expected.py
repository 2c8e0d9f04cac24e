"""What the exercises' tests/snapshots/expected.py scripts share.

Each of them computes an exercise's expected values with PyTorch and writes them as insta snapshots:

    python exercises/NN-name/tests/snapshots/expected.py

PyTorch 2.11 and numpy are all they need. `uniform` and `fill` give the same numbers as the test kit's.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
MASK = (1 << 64) - 1
PYTORCH = f"PyTorch {torch.__version__.split('+')[0]}"


def _stream(name: str, count: int) -> np.ndarray:
    """splitmix64 seeded with FNV-1a of the name; see grader/testkit/src/values.rs."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    values = np.empty(count, dtype=np.float64)
    for i in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        values[i] = (z >> 40) / (1 << 23) - 1.0
    return values


def uniform(name: str, shape, dtype=torch.float32) -> torch.Tensor:
    """Values in [-1, 1), always the same for the same name."""
    shape = tuple(shape)
    return torch.from_numpy(_stream(name, math.prod(shape)).reshape(shape)).to(dtype)


def fill(variables) -> None:
    """Gives each (name, tensor), as of Module.named_parameters(), its own values, scaled by 1/√(last axis)."""
    with torch.no_grad():
        for name, variable in variables:
            width = variable.shape[-1] if variable.dim() else 1
            values = _stream(name, variable.numel()) * (1.0 / math.sqrt(width))
            variable.copy_(torch.from_numpy(values.reshape(tuple(variable.shape))).to(variable.dtype))


def write_snapshot(script: str, name: str, tensor: torch.Tensor, by: str = PYTORCH) -> None:
    """Writes NAME.snap beside the script (`__file__`), as grader/testkit/src/snapshot.rs reads it; `by` names what the
    values were calculated with."""
    tensor = tensor.detach().contiguous()
    dtype, digits = {
        torch.float32: ("f32", 9),
        torch.float64: ("f64", 17),
        torch.int64: ("i64", 17),
    }[tensor.dtype]
    rows = tensor.double().reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
    lines = [" ".join(f"{value:.{digits}e}" for value in row) for row in rows.tolist()]
    script = Path(script).resolve()
    target = script.parent / f"{name}.snap"
    target.write_text(
        "---\n"
        f"source: {script.relative_to(ROOT)}\n"
        f'description: "{by}, {dtype}"\n'
        "---\n"
        f"{dtype} {list(tensor.shape)}\n" + "\n".join(lines) + "\n"
    )
    print(target.relative_to(ROOT), file=sys.stderr)
