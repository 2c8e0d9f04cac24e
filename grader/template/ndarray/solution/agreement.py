"""00 template: a product in PyTorch."""

from operation import F32, Given, Operation


def scale(values, factor):
    return {"scaled": values * factor}


def values(numbers, rows, columns, factor):
    return Given({"values": numbers.normal(rows, columns)}, {"factor": factor})


OPERATIONS = [
    Operation(
        "scale",
        scale,
        values,
        {"oblong": (2, 5, 0.5), "prime": (7, 3, -1.25), "one-value": (1, 1, 3.0)},
        types=(F32,),
    ),
]
