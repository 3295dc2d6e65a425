"""Whether onnxsim and onnxslim leave exported files right: every network of the zoo, every layer.

    pip install onnxsim onnxslim
    python -m benchmarks.suites.onnx_simplifiers

Each network is exported, simplified by each tool, and run by ONNX Runtime on images of two sizes;
the results are compared with those of the file as it was exported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

import spel
from spel import Adjacency, KernelBank, zoo
from spel.backends.onnx_export import onnx_bytes
from spel.errors import SpelError
from spel.nn import KINDS, Network, Node
from spel.testing.examples import EXAMPLES

TOLERANCE = 1e-5
TWO_INPUTS = ("add.v1", "multiply.v1", "concatenate.v1")
ONE_SIZE = ("batch_normalize.v1", "flatten.v1")
"""Layers whose examples hold values for each spel, or whose result has no spels."""


def networks() -> Iterator[tuple[str, Network, tuple[int, ...], bool]]:
    """Name, network, shape of an image, and whether other sizes may follow."""
    for name in zoo.names():
        yield name, zoo.get(name), (60, 80, 3), True
    far = Adjacency.from_displacements([(-3, 0), (0, 2), (5, -1)])
    bank = KernelBank.random(far, kernels=2, channels=2, seed=0)
    yield "asymmetric", spel.chain(spel.Convolution(bank)), (15, 17, 2), True
    even = Adjacency.rectangle(width=4, height=2)
    yield "even", spel.chain(spel.MaxPool(even, stride=2, border="valid")), (15, 17, 2), True
    yield "disk", spel.chain(spel.MaxPool(Adjacency.disk(4))), (15, 17, 2), True
    for kind, examples in EXAMPLES.items():
        channels = {"color.v1": 3}.get(kind, 2)
        for number, options in enumerate(examples):
            layer = KINDS[kind](**options)
            pair = kind in TWO_INPUTS or (kind == "residue.v1" and "layer" not in options)
            nodes = (Node("first", spel.Activation(), ("input",)),) if pair else ()
            inputs = ("input", "first") if pair else ("input",)
            network = Network((*nodes, Node("last", layer, inputs)))
            yield f"{kind} {number}", network, (6, 7, channels), kind not in ONE_SIZE


def simplifiers() -> dict[str, Callable[[Any], Any]]:
    import onnxsim
    import onnxslim

    return {"onnxsim": lambda model: onnxsim.simplify(model)[0], "onnxslim": onnxslim.slim}


def run(model: bytes, batch: Any) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: batch})[0]


def difference(simplified: bytes, exported: bytes, batches: list[Any]) -> float:
    """Largest difference of the results, over their largest absolute value."""
    worst = 0.0
    for batch in batches:
        expected, result = run(exported, batch), run(simplified, batch)
        if expected.shape != result.shape:
            return float("inf")
        top = float(np.abs(expected).max(initial=0.0)) or 1.0
        worst = max(worst, float(np.abs(expected - result).max(initial=0.0)) / top)
    return worst


def main() -> int:
    import onnx

    tools, random = simplifiers(), np.random.default_rng(0)
    right, worst, failures, files = dict.fromkeys(tools, 0), dict.fromkeys(tools, 0.0), [], 0
    for name, network, shape, any_size in networks():
        try:
            exported = onnx_bytes(network, shape)
        except SpelError as error:
            print(f"not exported: {name}: {error}", file=sys.stderr)
            continue
        files += 1
        sizes = [(2, *shape), *([(1, shape[0] + 13, shape[1] + 4, shape[2])] if any_size else [])]
        scale = 255 if name in zoo.names() else 4
        batches = [scale * random.random(size, dtype=np.float32) for size in sizes]
        for tool, simplify in tools.items():
            try:
                model = simplify(onnx.load_model_from_string(exported)).SerializeToString()
                by = difference(model, exported, batches)
            except Exception as error:  # a tool of others may raise anything
                failures.append(f"{tool}: {name}: {error}")
                continue
            right[tool] += by <= TOLERANCE
            worst[tool] = max(worst[tool], by)
            if by > TOLERANCE:
                failures.append(f"{tool}: {name}: differs by {by:.1e}")
    for tool in tools:
        print(
            f"{tool} {version(tool)}: {right[tool]} of {files} files right, "
            f"largest difference {worst[tool]:.0e}"
        )
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
