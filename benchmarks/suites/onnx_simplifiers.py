"""Whether onnxsim and onnxslim leave exported files right: every network of the zoo, every layer.

    pip install onnxsim onnxslim
    python -m benchmarks.suites.onnx_simplifiers

Each network is exported, simplified by each tool, and run by ONNX Runtime on images of two sizes;
all results (the mask and the labels too) are compared with those of the file as it was exported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

import spel
from spel import Adjacency, KernelBank, zoo
from spel.backends.onnx_export import onnx_bytes
from spel.backends.onnx_report import Input
from spel.decide.segmentation import ObjectClass, Segmentation
from spel.errors import SpelError
from spel.nn import KINDS, Network, Node
from spel.testing.examples import EXAMPLES

TOLERANCE = 1e-5
TWO_INPUTS = ("add.v1", "multiply.v1", "concatenate.v1")
ONE_SIZE = ("batch_normalize.v1", "flatten.v1")
"""Layers whose examples hold values for each spel, or whose result has no spels."""


@dataclass(frozen=True)
class Case:
    """A network to export, with the shape and the type of its images.

    Attributes
    ----------
    any_size : bool
        Whether images of another size may follow.
    white : float
        Values of images lie below it.
    """

    name: str
    network: Network
    shape: tuple[int, ...]
    any_size: bool = True
    dtype: Input = "float32"
    white: float = 4.0

    def batches(self) -> list[Any]:
        """Random images: two of the stated shape, and one of another."""
        random = np.random.default_rng(0)
        *spels, channels = self.shape
        shapes = [(2, *self.shape)]
        if self.any_size:
            shapes.append((1, *(size + 13 for size in spels), channels))
        return [(self.white * random.random(shape)).astype(self.dtype) for shape in shapes]


def cases() -> Iterator[Case]:
    """Networks that ship with spel, windows of odd forms, decisions, and every kind of layer."""
    for name in zoo.names():
        yield Case(name, zoo.get(name), (60, 80, 3), white=255)
        yield Case(f"{name}, uint8", zoo.get(name), (60, 80, 3), dtype="uint8", white=256)
    yield from windows()
    yield from decisions()
    for kind, examples in EXAMPLES.items():
        channels = {"color.v1": 3}.get(kind, 2)
        for number, options in enumerate(examples):
            layer = KINDS[kind](**options)
            pair = kind in TWO_INPUTS or (kind == "residue.v1" and "layer" not in options)
            nodes = (Node("first", spel.Activation(), ("input",)),) if pair else ()
            inputs = ("input", "first") if pair else ("input",)
            network = Network((*nodes, Node("last", layer, inputs)))
            yield Case(f"{kind} {number}", network, (6, 7, channels), kind not in ONE_SIZE)


def windows() -> Iterator[Case]:
    """Windows that are asymmetric, even, round, of volumes."""
    far = Adjacency.from_displacements([(-3, 0), (0, 2), (5, -1)])
    bank = KernelBank.random(far, kernels=2, channels=2, seed=0)
    yield Case("asymmetric", spel.chain(spel.Convolution(bank)), (15, 17, 2))
    even = Adjacency.rectangle(width=4, height=2)
    yield Case("even", spel.chain(spel.MaxPool(even, stride=2, border="valid")), (15, 17, 2))
    yield Case("disk", spel.chain(spel.MaxPool(Adjacency.disk(4))), (15, 17, 2))
    ball = KernelBank.random(Adjacency.ball(1), kernels=2, channels=1, seed=0)
    pooled = spel.MaxPool(Adjacency.ball(1), stride=2)
    yield Case("volume", spel.chain(spel.Convolution(ball), pooled), (5, 8, 9, 1))


def decisions() -> Iterator[Case]:
    """Networks whose files answer with labels or a mask, too."""
    bank = KernelBank.random(Adjacency.box(3), kernels=3, channels=1, seed=0)
    classes = (ObjectClass(0, background=True), ObjectClass(7, "cell"), ObjectClass(3))
    segmentation = Segmentation(classes=classes, undecided=0.5).to_dict()
    labels = spel.chain(spel.Convolution(bank), spel.nn.Softmax())
    yield Case("labels", labels.with_meta(segmentation=segmentation), (20, 30, 1))
    for rule in (0.5, "p90"):
        mask = spel.chain(spel.nn.WeightedSum([1.0])).with_meta(decision={"threshold": rule})
        yield Case(f"mask {rule}", mask, (20, 30, 1))


def simplifiers() -> dict[str, Callable[[Any], Any]]:
    import onnxsim
    import onnxslim

    return {"onnxsim": lambda model: onnxsim.simplify(model)[0], "onnxslim": onnxslim.slim}


def run(model: bytes, batch: Any) -> dict[str, Any]:
    """All results of a file, by name."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: batch})))


def difference(simplified: bytes, exported: bytes, batches: list[Any]) -> float:
    """Largest difference of a result, over its largest absolute value."""
    worst = 0.0
    for batch in batches:
        expected, results = run(exported, batch), run(simplified, batch)
        if expected.keys() != results.keys():
            return float("inf")
        for name, values in expected.items():
            if values.shape != results[name].shape or values.dtype != results[name].dtype:
                return float("inf")
            ours, theirs = values.astype(np.float64), results[name].astype(np.float64)
            top = float(np.abs(ours).max(initial=0.0)) or 1.0
            worst = max(worst, float(np.abs(ours - theirs).max(initial=0.0)) / top)
    return worst


def main() -> int:
    """Print a line for each tool, and what went wrong."""
    import onnx

    tools = simplifiers()
    right, worst, failures, files = dict.fromkeys(tools, 0), dict.fromkeys(tools, 0.0), [], 0
    for case in cases():
        try:
            exported = onnx_bytes(case.network, case.shape, dtype=case.dtype)
        except SpelError as error:
            print(f"not exported: {case.name}: {error}", file=sys.stderr)
            continue
        files += 1
        for tool, simplify in tools.items():
            try:
                model = simplify(onnx.load_model_from_string(exported)).SerializeToString()
                by = difference(model, exported, case.batches())
            except Exception as error:  # a tool of others may raise anything
                failures.append(f"{tool}: {case.name}: {error}")
                continue
            right[tool] += by <= TOLERANCE
            worst[tool] = max(worst[tool], by)
            if by > TOLERANCE:
                failures.append(f"{tool}: {case.name}: differs by {by:.1e}")
    for tool in tools:
        print(
            f"{tool} {version(tool)}: {right[tool]} of {files} files right, "
            f"largest difference {worst[tool]:.0e}"
        )
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
