"""The native kernels: one operator is a program of one stage, run by the C++ engine.

Same names and arguments as `reference`; see there for what each means.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from spel.kernels import _native  # type: ignore[attr-defined]
except ImportError as error:
    raise ImportError(
        f"spel's native engine is not built or does not load ({error}). Build it with "
        "`pip install .` in the source tree (needs a C++20 compiler), or set "
        "SPEL_KERNELS=reference to run on the slow NumPy kernels"
    ) from error

Array = npt.NDArray[Any]
Triple = Sequence[int]

_TYPES = {"|u1": 0, "|b1": 0, "|i1": 1, "u2": 2, "i2": 3, "u4": 4, "i4": 5, "f4": 6, "f8": 7}
_OPS = {"max": 0, "min": 1, "sum": 2}
_FINISH = {"none": 0, "mean": 1, "full_mean": 2, "empty_is_zero": 3}
BORDERS = {"constant": 1, "edge": 2, "reflect": 3}
ACTIVATIONS = (
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "gelu",
    "softplus",
    "hard_sigmoid",
    "abs",
    "square",
)


FLOODS = ("watershed", "trees_of_labels", "trees_of_roots", "growcut")


def _choose() -> None:
    wanted = os.environ.get("SPEL_ISA", "")
    known = ("v2", "v3", "v4", "native")
    if not wanted:
        return
    if wanted not in _native.available():
        why = "this processor lacks it" if wanted in known else f"expected one of {known}"
        raise ImportError(
            f"SPEL_ISA={wanted}: {why}; available here: {', '.join(_native.available())}. "
            "Unset it to let the engine choose"
        )
    _native.use(wanted)


_choose()


def convolve(
    image: Array,
    displacements: Array,
    weights: Array,
    bias: Array,
    *,
    start: Triple,
    stride: Triple,
    border: str,
    fill: Array,
    out: Array,
    threads: int = 1,
) -> None:
    """``out_k(p) = bias_k + sum_i <image(p + d_i), weights_k(d_i)>``."""
    weights = np.ascontiguousarray(weights, dtype=np.float32)
    bias = np.ascontiguousarray(bias, dtype=np.float32)
    with _Single(image, out, threads) as (program, source):
        program.output(
            program.convolve(
                source,
                _triples(displacements),
                weights.ctypes.data,
                bias.ctypes.data,
                len(bias),
                tuple(start),
                tuple(stride),
                out.shape[2:],
                BORDERS[border],
                np.asarray(fill, dtype=np.float32).ravel().tolist(),
                0,
                0.0,
            )
        )


def extremum(
    image: Array,
    displacements: Array,
    *,
    maximum: bool,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """Largest (or smallest) value among the adjacents inside the image; 0 where there is none."""
    op = "max" if maximum else "min"
    _pool(image, displacements, op, "empty_is_zero", start, stride, out, threads)


def mean_pool(
    image: Array,
    displacements: Array,
    *,
    full: bool,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """Sum of the adjacents inside the image over their number (`full`: over all of them)."""
    finish = "full_mean" if full else "mean"
    _pool(image, displacements, "sum", finish, start, stride, out, threads)


def divide_by_norm(
    image: Array,
    displacements: Array,
    *,
    across_channels: bool,
    out: Array,
    threads: int = 1,
) -> None:
    """``x(p) / sqrt(sum of squares over the adjacents)``; 0 where that sum is 0."""
    with _Single(image, out, threads) as (program, source):
        program.output(
            program.divide_by_norm(source, _triples(displacements), bool(across_channels))
        )


def activate(image: Array, kind: str, parameter: float, *, out: Array, threads: int = 1) -> None:
    """``out = phi(image)``, spel by spel; NaN stays NaN."""
    with _Single(image, out, threads) as (program, source):
        program.output(program.activate(source, ACTIVATIONS.index(kind), float(parameter)))


def label(mask: Array, displacements: Array) -> tuple[npt.NDArray[np.int32], int]:
    """Components of a (D, H, W) mask, numbered from 1 in raster order of their first spels."""
    labels = np.empty(mask.shape, dtype=np.int32)
    mask = mask.astype(bool, copy=False)
    count = _native.label(
        mask.ctypes.data, mask.shape, mask.strides, _triples(displacements), labels.ctypes.data
    )
    return labels, int(count)


def flood(
    image: Array, displacements: Array, *, rule: str, reach: float, labels: Array, costs: Array
) -> None:
    """Flood from the seeds in `labels`, at their `costs`; both are written, see `reference`."""
    values = np.ascontiguousarray(np.moveaxis(image, 0, -1), dtype=np.float32)
    size = labels.shape
    _native.flood(
        values.ctypes.data,
        len(image),
        tuple(size),
        FLOODS.index(rule),
        float(reach),
        _triples(displacements),
        labels.ctypes.data,
        costs.ctypes.data,
    )


def native_info() -> dict[str, Any]:
    """What the engine is: instruction set in use, those available, compiler, file."""
    return {
        "isa": _native.isa(),
        "available": _native.available(),
        "compiler": _native.compiler,
        "file": _native.__file__,
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
    }


class _Single:
    """A program of one stage from an image to `out`, built inside `with` and run on leaving it."""

    def __init__(self, image: Array, out: Array, threads: int) -> None:
        self.image, self.out, self.threads = image, out, threads
        self.program = _native.Program()

    def __enter__(self) -> tuple[Any, int]:
        channels, *size = self.image.shape[1:]
        return self.program, self.program.source(channels, tuple(size))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None and self.out.size:
            self.program.finish()
            self.program.run(described(self.image), [described(self.out)], max(1, self.threads))


def _pool(
    image: Array,
    displacements: Array,
    op: str,
    finish: str,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int,
) -> None:
    with _Single(image, out, threads) as (program, source):
        program.output(
            program.pool(
                source,
                _triples(displacements),
                _OPS[op],
                _FINISH[finish],
                tuple(start),
                tuple(stride),
                out.shape[2:],
            )
        )


def _triples(displacements: Array) -> list[tuple[int, ...]]:
    return [tuple(d) for d in np.asarray(displacements).tolist()]


def described(array: Array) -> tuple[int, int, bool, tuple[int, ...], tuple[int, ...]]:
    """(address, type, byte-swapped, shape, strides) of a five-axis array."""
    code = array.dtype.str
    kind = _TYPES[code if code[0] == "|" else code[1:]]
    return array.ctypes.data, kind, not array.dtype.isnative, array.shape, array.strides
