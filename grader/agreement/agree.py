"""Holds every operation of the course against PyTorch and timm, on random numbers.

    python grader/agreement/agree.py --solution
    python grader/agreement/agree.py msa blocks            # your own, in exercises/
    python grader/agreement/agree.py --submission class/ada --seed 7
    python grader/agreement/agree.py --store               # writes what `cargo grader verify` compares with

Takes PyTorch 2.11, timm 1.0 and safetensors. `agreement.py` beside each solution says of each operation how PyTorch
does it, and on which sizes it is tried; it may import that of an earlier exercise by the crate's name. References are computed in f64 from numbers of the type that is tried, so what is
measured is the error of the course's side alone.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import safetensors.torch
import timm
import torch

from operation import F32, F64, Numbers

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = ROOT / "solutions"

# The largest error that is taken: 1e-5 is 84 times the distance of two neighbouring f32, and sums of a few hundred
# terms stay well below it; 1e-10 leaves f64 a million of its own, and still shows what is computed in f32 on the way.
TOLERANCE = {F32: 1e-5, F64: 1e-10, torch.int64: 0.0, torch.uint8: 0.0}
NAME = {F32: "f32", F64: "f64"}

# A case is stored where it is small, request and answer: all of them together are to stay below 1.5 MB.
MOST_STORED = 24_000


def main():
    arguments = parse()
    exercises = {path.parent.name: tomllib.loads(path.read_text()) for path in ROOT.glob("exercises/*/Cargo.toml")}
    wanted = arguments.exercises or [manifest["package"]["name"] for manifest in exercises.values()]
    faults = [f"there is no exercise {name}" for name in wanted if name not in names(exercises)]
    print(f"PyTorch {version(torch)}, timm {version(timm)}, seed {arguments.seed}")
    print(f"{'exercise':<14}{'operation':<20}{'type':<6}{'cases':>6}{'values':>10}{'largest error':>16}{'allowed':>9}")
    modules = {}
    for folder, manifest in sorted(exercises.items()):
        name = manifest["package"]["name"]
        modules[name] = load(name, SOLUTIONS / folder / "agreement.py")
        if name not in wanted:
            continue
        references = modules[name].OPERATIONS
        missing = sorted(known_operations(name) - {it.name for it in references})
        faults += [f"{folder} {operation} has no reference" for operation in missing]
        for operation in references:
            cases = list(cases_of(operation, arguments.seed))
            if arguments.store:
                store(SOLUTIONS / folder / "agreement" / operation.name, operation, cases)
            else:
                faults += compare(folder, name, operation, cases, arguments.whose)
    for fault in faults:
        print(f"✗ {fault}", file=sys.stderr)
    return 1 if faults else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "exercises", nargs="*", metavar="EXERCISE", help="a crate's name, as msa; all, where none is given"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (usually 0)")
    parser.add_argument(
        "--store", action="store_true", help="write the cases that verify compares with, and run nothing"
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--solution", dest="whose", action="store_const", const=["--solution"], help="try the solutions")
    whose.add_argument("--submission", dest="whose", type=lambda path: ["--submission", Path(path).resolve()])
    return parser.parse_args()


def names(exercises):
    return {manifest["package"]["name"] for manifest in exercises.values()}


def version(module):
    return module.__version__.split("+")[0]


def load(name, path):
    """The module of that name in a file, which later ones can import."""
    spec = spec_from_file_location(name, path)
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def known_operations(exercise):
    """The operations that the exercise's interface has."""
    command = ["cargo", "grader", "call", exercise, "--list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        sys.exit(listed.stderr.strip())
    return set(re.findall(r"^([\w.]+): ", listed.stdout, re.MULTILINE))


class Case:
    """A request for an operation, and what PyTorch answers."""

    def __init__(self, operation, label, dtype, given, numbers):
        self.label = label
        self.name = f"{label}-{NAME[dtype]}"
        self.dtype = dtype
        self.arguments = given.arguments
        rounded = {name: as_type(value, dtype) for name, value in {**given.tensors, **given.weights}.items()}
        leaves = {name: exact(value, operation.gradients) for name, value in rounded.items()}
        of = {name: leaves[name] for name in given.tensors}
        if given.weights:
            of["weights"] = {name: leaves[name] for name in given.weights}
        results = operation.reference(**of, **given.arguments)
        if operation.gradients:
            first = next(iter(results.values()))
            cotangent = as_type(numbers.normal(*first.shape), dtype)
            results |= gradients((first * cotangent).sum(), leaves)
            rounded["cotangent"] = cotangent
        self.request = rounded
        self.answer = {name: as_type(value.detach(), operation.gives or dtype) for name, value in results.items()}


def cases_of(operation, seed):
    for label, sizes in operation.cases.items():
        for dtype in operation.types:
            numbers = Numbers(seed, operation.name, label)
            yield Case(operation, label, dtype, operation.given(numbers, *sizes), numbers)


def as_type(value, dtype):
    rounded = value.to(dtype) if value.is_floating_point() else value
    return rounded.clone(memory_format=torch.contiguous_format)


def exact(value, tracked):
    """The very numbers that were rounded, as f64."""
    if not value.is_floating_point():
        return value
    return value.double().requires_grad_(tracked)


def gradients(loss, leaves):
    tracked = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    found = torch.autograd.grad(loss, list(tracked.values()), allow_unused=True)
    return {f"grad.{name}": value for name, value in zip(tracked, found) if value is not None}


def compare(folder, exercise, operation, cases, whose):
    """Runs the cases through `grader call`, prints a row for each type, and gives what disagrees."""
    with tempfile.TemporaryDirectory() as scratch:
        requests, answers = Path(scratch, "requests"), Path(scratch, "answers")
        requests.mkdir()
        for case in cases:
            write_request(requests, operation, case)
        command = ["cargo", "grader", "call", exercise, operation.name, requests, answers, *(whose or [])]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if not answers.is_dir():
            return [f"{folder} {operation.name}: {finished.stderr.strip()}"]
        compared = {case.name: held_against(case, answers, finished.stderr) for case in cases}
    faults = []
    for dtype in operation.types:
        of_type = [case for case in cases if case.dtype == dtype]
        errors = [compared[case.name] for case in of_type]
        worst = max(error for error, _, _ in errors)
        count = sum(number for _, number, _ in errors)
        bad = [f"{folder} {operation.name} {case.name}: {text}" for case in of_type for text in compared[case.name][2]]
        faults += bad
        row = f"{folder:<14}{operation.name:<20}{NAME[dtype]:<6}{len(of_type):>6}{count:>10}{worst:>16.1e}"
        print(f"{row}{TOLERANCE[dtype]:>9.0e}{'  ✗' if bad else ''}", flush=True)
    return faults


def held_against(case, answers, said):
    """The largest error, how many values there are, and what is wrong."""
    path = answers / f"{case.name}.safetensors"
    if not path.is_file():
        words = [line.partition(f"{path.name}: ")[2] for line in said.splitlines()]
        return float("inf"), 0, ["".join(words) or "no answer"]
    got = safetensors.torch.load_file(path)
    if got.keys() != case.answer.keys():
        return float("inf"), 0, [f"gives {sorted(got)}, must give {sorted(case.answer)}"]
    worst, count, faults = 0.0, 0, []
    for name, expected in case.answer.items():
        count += expected.numel()
        if (got[name].dtype, got[name].shape) != (expected.dtype, expected.shape):
            described = [f"{it.dtype} {list(it.shape)}" for it in (got[name], expected)]
            faults.append(f"{name} is {described[0]}, must be {described[1]}")
            continue
        errors = errors_of(got[name], expected, scale_of(name, case.answer))
        worst = max(worst, errors.max().item())
        if errors.max() > TOLERANCE[expected.dtype]:
            at = [int(i) for i in torch.unravel_index(errors.argmax(), expected.shape)]
            here = got[name][tuple(at)].item(), expected[tuple(at)].item()
            faults.append(f"{name} at {at} is {here[0]}, PyTorch gives {here[1]}: an error of {errors.max():.1e}")
    return worst, count, faults


def errors_of(got, expected, scale):
    """|got − expected| / (|expected| + scale).

    Neither is enough by itself. Where terms cancel, a value is small and has the rounding of its large terms, which the
    scale stands for. And what lies far above the rest may be off by more than the rest.
    """
    distance = (got.double() - expected.double()).abs()
    errors = distance / (expected.double().abs() + scale)
    return torch.where(distance == 0, 0.0, errors.nan_to_num(nan=float("inf"))).reshape(expected.shape)


def scale_of(name, answer):
    """The largest value of a tensor; of all gradients together, for one of them may be 0 in truth, as that of a key's
    bias, and then holds nothing but what is left of the others."""
    alike = [value for other, value in answer.items() if other == name or is_gradient(name) and is_gradient(other)]
    return max((value.double().abs().max().item() for value in alike if value.numel()), default=0.0)


def is_gradient(name):
    return name.startswith("grad.")


def write_request(folder, operation, case):
    arguments = {f"argument.{name}": str(value) for name, value in case.arguments.items()}
    path = folder / f"{case.name}.safetensors"
    save(case.request, path, {"operation": operation.name, **arguments})
    return path


def save(tensors, path, metadata):
    """Writes a file whose bytes depend on nothing but what is in it: the library writes names in any order."""
    blob = safetensors.torch.save(tensors, metadata)
    end = 8 + int.from_bytes(blob[:8], "little")
    header = json.dumps(json.loads(blob[8:end]), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path.write_bytes(blob[:8] + header.encode().ljust(end - 8) + blob[end:])


def store(folder, operation, cases):
    """Writes the small cases anew: what each gives, as `grader call` takes it, and what PyTorch gives for it.

    f64 shows more. Of what is tried in both types, one case is stored in f32 as well.
    """
    shutil.rmtree(folder, ignore_errors=True)
    requests, answers = folder / "in", folder / "out"
    requests.mkdir(parents=True)
    answers.mkdir()
    if len(operation.types) > 1:
        cases = [case for case in cases if case.dtype == F64 or case.label == next(iter(operation.cases))]
    sizes = []
    for case in cases:
        answer = answers / f"{case.name}.safetensors"
        save(case.answer, answer, {"pytorch": version(torch), "timm": version(timm)})
        both = [write_request(requests, operation, case), answer]
        size = sum(path.stat().st_size for path in both)
        if size > MOST_STORED:
            for path in both:
                path.unlink()
        else:
            sizes.append(size)
    print(f"{folder.relative_to(ROOT)}: {len(sizes)} of {len(cases)} cases, {sum(sizes)} bytes")


if __name__ == "__main__":
    sys.exit(main())
