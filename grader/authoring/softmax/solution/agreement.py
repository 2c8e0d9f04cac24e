"""08 softmax: PyTorch's own."""

from operation import F32, Given, Operation


def softmax(logits, temperature):
    return {"probabilities": (logits / temperature).softmax(1)}


def logits(numbers, rows, classes, temperature):
    return Given({"logits": numbers.normal(rows, classes, std=2.0)}, {"temperature": temperature})


OPERATIONS = [
    Operation(
        "softmax",
        softmax,
        logits,
        {"oblong": (2, 5, 1.0), "prime": (7, 3, 0.5), "warm": (3, 4, 2.5), "one-class": (2, 1, 1.0)},
        types=(F32,),
    ),
]
