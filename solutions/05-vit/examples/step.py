"""The training step of the course's Vision Transformer beside PyTorch's, both in one run:

    python3 solutions/05-vit/examples/step.py [--threads 2] [--rounds 21] [--size notebook] [--tried] [--busy 2]

builds the course's (`cargo build -p vit-solution --example step`) and prints a table for each size. Needs
torch 2.11, the version of libtorch that the course is built with, and numpy; takes about four minutes on two cores.

A step is forward, cross-entropy, backward and AdamW, in f32, on a batch of 128 images of noise. Each row is a process
of its own. They take turns, in the other direction every second time, so that a machine that gets slower or faster does
so for all of them: what to look at is the ratio, whose median is over the turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BATCH = 128
DECAY = 0.01
RATE = 1e-3

# How many seconds a turn is to take, about.
TURN = 0.15

# Patch, dimension, blocks, heads; images are 28 px.
SIZES = {
    "notebook": (4, 8, 2, 2),  # 50 tokens
    "mnist": (7, 64, 6, 4),  # 17 tokens
    "mnist, patches of 4": (4, 64, 6, 4),  # 50 tokens
}

# What `grader train` starts its worker with: glibc keeps what a step frees for the next one, need not ask the kernel for
# zeroed pages again and again, and takes them in huge ones; threads that wait for each other spin for a moment only.
# They are constants of grader/src/sandbox/confine/profiles.rs.
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
MEMORY = KEEPING | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
TRAINER = MEMORY | {"GOMP_SPINCOUNT": "5000"}

# Each row: what runs, and the environment that is added.
OURS = "ours"
SUBJECTS = {
    "ours, as `grader train` runs it": (OURS, TRAINER),
    "ours, malloc as it comes": (OURS, {}),
    "PyTorch, attention written out": ("written", {}),
    "PyTorch, ready-made attention": ("ready-made", {}),
    "PyTorch, attention written out, malloc as ours": ("written", MEMORY),
    "PyTorch, ready-made attention, malloc as ours": ("ready-made", MEMORY),
    "PyTorch, attention written out, compiled, malloc as ours": ("written-compiled", MEMORY),
    "PyTorch, ready-made attention, compiled, malloc as ours": ("ready-made-compiled", MEMORY),
    "PyTorch, nn.TransformerEncoder": ("encoder", {}),
    "PyTorch, the notebook's loops": ("notebook", {}),
}

# What else was tried to be faster: rows of `--tried`.
TRIED = {
    "ours, threads spin as long as they do by default": (OURS, MEMORY),
    "ours, threads wait spinning": (OURS, MEMORY | {"OMP_WAIT_POLICY": "active"}),
    "ours, threads wait asleep": (OURS, MEMORY | {"OMP_WAIT_POLICY": "passive"}),
    "ours, without huge pages": (OURS, KEEPING),
    "PyTorch, attention written out, denormals are zero": ("flushed", MEMORY),
    "PyTorch, attention written out, bf16 (other numbers)": ("bf16", MEMORY),
}

# Operations of libtorch by what they are for; the rest is "other".
PARTS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"),
    "GELU": ("aten::gelu", "aten::gelu_backward"),
    "softmax": ("aten::_softmax", "aten::_softmax_backward_data"),
    "norms": ("aten::native_layer_norm", "aten::native_layer_norm_backward"),
    "copies": ("aten::copy_", "aten::cat"),
    "patch embedding": ("aten::mkldnn_convolution", "aten::convolution_backward"),
    "adding and scaling": ("aten::add", "aten::add_", "aten::mul", "aten::div", "aten::sum"),
    "optimiser": ("Optimizer.step#AdamW.step", "aten::_fused_adamw_"),
}


def pytorch_step(kind, patch, dim, depth, heads):
    """A function that takes one training step in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Attention(nn.Module):
        """All heads at once, with one map for query, key and value."""

        def __init__(self):
            super().__init__()
            self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

        def forward(self, x):
            batch, tokens, _ = x.shape
            qkv = self.qkv(x).view(batch, tokens, 3, heads, dim // heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            if not kind.startswith("ready-made"):
                weights = (q * (dim // heads) ** -0.5 @ k.transpose(-2, -1)).softmax(-1)
                y = weights @ v
            else:
                y = functional.scaled_dot_product_attention(q, k, v)
            return self.proj(y.transpose(1, 2).reshape(batch, tokens, dim))

    class Block(nn.Module):
        """Norms before attention and MLP."""

        def __init__(self):
            super().__init__()
            self.norm1, self.attention = nn.LayerNorm(dim, eps=1e-6), Attention()
            self.norm2 = nn.LayerNorm(dim, eps=1e-6)
            self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

        def forward(self, x):
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    def encoder():
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True)
        return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)

    class Vit(nn.Module):
        """The course's: class token, learned positions, a norm at the end."""

        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(1, dim, patch, patch)
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
            self.positions = nn.Parameter(torch.randn(1, (28 // patch) ** 2 + 1, dim) * 0.02)
            self.blocks = encoder() if kind == "encoder" else nn.Sequential(*(Block() for _ in range(depth)))
            self.norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, 10)

        def forward(self, images):
            patches = self.patches(images).flatten(2).transpose(1, 2)
            x = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], 1) + self.positions
            return self.head(self.norm(self.blocks(x))[:, 0])

    torch.manual_seed(0)
    torch.set_flush_denormal(kind == "flushed")
    if kind == "notebook":
        sys.path.append(str(ROOT / "grader/benches"))
        from notebook import NotebookVit

        model = NotebookVit(patch, dim, depth, heads)
    else:
        model = Vit()
    if kind.endswith("-compiled"):
        model = torch.compile(model)
    # PyTorch's fastest: one operation for all variables.
    adamw = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY, fused=True)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(10, (BATCH,))

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bf16"):
            loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        adamw.step()
        adamw.zero_grad()

    return step


def shares(step):
    """What share of a step's time goes to which part, by libtorch's own profiler."""
    from torch.profiler import ProfilerActivity, profile

    warnings.simplefilter("ignore")  # about events of cycles, of which there is one
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(10):
            step()
    own = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    total = sum(own.values())
    parts = {part: sum(own.get(name, 0) for name in names) / total for part, names in PARTS.items()}
    return parts | {"other": 1 - sum(parts.values())}


def answer(kind, size, threads):
    """A PyTorch process: for each number on a line so many steps, and the seconds they took; for `shares`, those."""
    import torch

    torch.set_num_threads(threads)
    step = pytorch_step(kind, *size)
    for line in sys.stdin:
        if line.strip() == "shares":
            print(json.dumps(shares(step)), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


class Subject:
    """A process that takes steps when it is told to."""

    def __init__(self, kind, environment, size, threads):
        if kind == OURS:
            program = [ROOT / "target/debug/examples/step", str(BATCH), *map(str, size), str(threads)]
        else:
            program = [sys.executable, __file__, "--subject", kind, *map(str, [*size, threads])]
        quiet = {"KINETO_LOG_LEVEL": "99"}  # the profiler would say that there is no GPU
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)} | quiet | environment
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(program, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def ask(self, question):
        self.process.stdin.write(f"{question}\n")
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args} ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def busy(count):
    """As many processes besides that do nothing but count."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(name, rows, threads, rounds):
    """Starts all rows of a size, lets them take turns, and prints what came of it."""
    size = SIZES[name]
    patch, dim, depth, heads = size
    subjects = {row: Subject(*what, size, threads) for row, what in rows.items()}
    for subject in subjects.values():
        subject.ask(2)  # all have started, and the first step builds what later ones use
    turns = {row: max(1, round(TURN / (subject.ask(2) / 2))) for row, subject in subjects.items()}
    seconds = {row: [] for row in subjects}
    for number in range(rounds):
        order = list(subjects.items())
        for row, subject in order if number % 2 == 0 else reversed(order):
            seconds[row].append(subject.ask(turns[row]) / turns[row])
    tokens = (28 // patch) ** 2 + 1
    print(f"\n{name}: {tokens} tokens, dim {dim}, {depth} blocks, {heads} heads; batch {BATCH}, {threads} threads")
    print(f"{'':60}{'least':>10}{'median':>10}{'of ours':>9}{'from':>7}{'to':>6}")
    ours = seconds[next(iter(subjects))]
    for row, times in seconds.items():
        ratios = sorted(time / own for time, own in zip(times, ours))
        low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
        least, median = min(times) * 1e3, statistics.median(times) * 1e3
        ratio = statistics.median(ratios)
        print(f"{row:60}{least:7.2f} ms{median:7.2f} ms{ratio:8.2f}x{low:7.2f}{high:6.2f}", flush=True)
    parts = subjects["PyTorch, attention written out, malloc as ours"].ask("shares")
    largest = sorted(parts.items(), key=lambda part: -part[1])
    print("of the time, " + ", ".join(f"{part} {share:.0%}" for part, share in largest))
    for subject in subjects.values():
        subject.close()


def processor():
    """The processor's name, as Linux has it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown processor"


def main():
    if sys.argv[1:2] == ["--subject"]:
        kind, *numbers = sys.argv[2:]
        *size, threads = map(int, numbers)
        return answer(kind, size, threads)
    parser = argparse.ArgumentParser(description="the training step beside PyTorch's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=21, help="turns of each row")
    parser.add_argument("--size", choices=SIZES, action="append", help="only this size; may be given more than once")
    parser.add_argument("--tried", action="store_true", help="also what was tried and made no difference, or too much")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="beside N processes that do nothing but count")
    arguments = parser.parse_args()
    build = ["cargo", "build", "--package=vit-solution", "--example=step"]
    subprocess.run(build, cwd=ROOT, check=True)
    import torch

    print(f"{processor()}, {os.cpu_count()} cores, PyTorch {torch.__version__}")
    rows = SUBJECTS | TRIED if arguments.tried else SUBJECTS
    with busy(arguments.busy):
        for name in arguments.size or SIZES:
            measure(name, rows, arguments.threads, arguments.rounds)


if __name__ == "__main__":
    main()
