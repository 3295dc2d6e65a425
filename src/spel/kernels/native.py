"""The native kernels: each operator is a program of one stage that the C++ engine runs.

Names and arguments are those of `reference`, which gives the meaning of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.kernels.engine import native, triples
from spel.kernels.memory import empty
from spel.kernels.native_resize import (
    resize as resize,
    resize_part as resize_part,
    rotate as rotate,
)
from spel.kernels.phases import transposed, upsampled
from spel.kernels.store import store
from spel.kernels.stream import Program, Stage

Array = npt.NDArray[Any]
Triple = Sequence[int]

_LONG_ROW = 16384  # values of one row when axes mean nothing

FLOODS = ("watershed", "trees_of_labels", "trees_of_roots", "growcut")


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
    groups: int = 1,
    threads: int = 1,
) -> None:
    """``out_k(p) = bias_k + sum_i <image(p + d_i), weights_k(d_i)>``."""

    def stage(program: Program, source: Stage) -> Stage:
        return program.convolve(
            source,
            displacements,
            weights,
            bias,
            start=start,
            stride=stride,
            border=border,
            fill=fill,
            size=out.shape[2:],
            groups=groups,
        )

    _run(image, stage, out, threads)


def transpose(
    image: Array,
    displacements: Array,
    weights: Array,
    bias: Array,
    *,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """``out(start + p stride + d_i) += sum_k image_k(p) weights_k(d_i)``, from the biases on."""
    if not image.size:
        store(out, np.broadcast_to(bias[:, None, None, None], out.shape))
        return

    def stage(program: Program, source: Stage) -> Stage:
        size = out.shape[2:]
        bank = (displacements, weights, bias)
        return transposed(program, source, *bank, start=start, stride=stride, size=size)

    _run(image, stage, out, threads)


def upsample(image: Array, *, factor: Triple, linear: bool, out: Array, threads: int = 1) -> None:
    """Each spel becomes ``factor`` spels: the same value, or between the middles of spels."""
    key = ("upsample", tuple(factor), linear)
    _run(image, lambda program, of: upsampled(program, of, factor, linear), out, threads, key)


def pad(
    image: Array, *, start: Triple, border: str, fill: Array, out: Array, threads: int = 1
) -> None:
    """``out(p) = image(p + start)``, the border supplied."""
    if not image.size:
        store(out, np.broadcast_to(fill[:, None, None, None], out.shape))
        return

    def stage(program: Program, source: Stage) -> Stage:
        return program.pad(source, start=start, size=out.shape[2:], border=border, fill=fill)

    _run(image, stage, out, threads)


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
    _pool(image, displacements, "max" if maximum else "min", start, stride, out, threads)


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
    _pool(image, displacements, "full_mean" if full else "mean", start, stride, out, threads)


def divide_by_norm(
    image: Array,
    displacements: Array,
    *,
    across_channels: bool,
    out: Array,
    threads: int = 1,
) -> None:
    """``x(p) / sqrt(sum of squares over the adjacents)``; 0 where that sum is 0."""

    def stage(program: Program, source: Stage) -> Stage:
        return program.divide_by_norm(source, displacements, across_channels=across_channels)

    _run(image, stage, out, threads, ("norm", across_channels, _content(displacements)))


def activate(image: Array, kind: str, parameter: float, *, out: Array, threads: int = 1) -> None:
    """``out = phi(image)``, spel by spel; NaN stays NaN."""
    key = ("activate", kind, parameter)
    for values, made in _in_long_rows(image, out):
        _run(values, lambda p, source: p.activate(source, kind, parameter), made, threads, key)


def _in_long_rows(image: Array, out: Array) -> list[tuple[Array, Array]]:
    """Image and result as rows of `_LONG_ROW` values, and what is left over as one shorter row.

    For pointwise stages, to which axes mean nothing: each row costs a little time of its own.
    """
    if not (image.flags.c_contiguous and out.flags.c_contiguous):
        return [(image, out)]
    values, made = image.reshape(-1), out.reshape(-1)
    whole = values.size // _LONG_ROW * _LONG_ROW
    parts = [(slice(0, whole), _LONG_ROW), (slice(whole, None), values.size - whole)]
    return [
        (values[part].reshape(1, 1, 1, -1, cols), made[part].reshape(1, 1, 1, -1, cols))
        for part, cols in parts
        if values[part].size
    ]


def softmax(image: Array, *, out: Array, threads: int = 1) -> None:
    """``exp(x_c) / sum exp(x_k)`` over the channels of each spel."""
    _run(image, lambda program, source: program.softmax(source), out, threads, ("softmax",))


def argmax(image: Array, *, out: Array, threads: int = 1) -> None:
    """Number of the first channel with the largest value; a NaN is larger than all."""
    _run(image, lambda program, source: program.argmax(source), out, threads, ("argmax",))


def recolor(image: Array, space: str, white: float, *, out: Array, threads: int = 1) -> None:
    """Red, green and blue in 0..white to a colour space, see `reference_color`."""
    key = ("recolor", space, white)
    _run(image, lambda p, source: p.recolor(source, space, white), out, threads, key)


def residue(
    image: Array,
    normalized: Array,
    *,
    factors: tuple[Array, Array] | None = None,
    out: Array,
    threads: int = 1,
) -> None:
    """``max(0, image - normalized)``, each times its factors (N, C) first."""
    if factors is None:
        _subtract(image, normalized, None, out, threads)
        return
    for n in range(len(image)):
        one = slice(n, n + 1)
        parts = (factors[0][n], factors[1][n])
        _subtract(image[one], normalized[one], parts, out[one], threads)


def _subtract(
    image: Array,
    normalized: Array,
    factors: tuple[Array, Array] | None,
    out: Array,
    threads: int,
) -> None:
    if not out.size:
        return
    program = Program()
    stages = [program.source(image.shape[1], image.shape[2:]) for _ in range(2)]
    if factors is not None:
        stages = [
            program.affine(stage, subtract=0.0, multiply=factor, add=0.0)
            for stage, factor in zip(stages, factors, strict=True)
        ]
    program.finish(program.residue(*stages))
    program.run([image, normalized], [out], threads)


def label(mask: Array, displacements: Array, threads: int = 1) -> tuple[npt.NDArray[np.int32], int]:
    """Components of a (D, H, W) mask, numbered from 1 in raster order of their first spels."""
    labels = empty(mask.shape).view(np.int32)
    mask = mask.astype(bool, copy=False)
    count = native.label(
        mask.ctypes.data,
        mask.shape,
        mask.strides,
        triples(displacements),
        labels.ctypes.data,
        max(1, threads),
    )
    return labels, int(count)


def gather(
    values: npt.NDArray[np.float32],
    spans: Sequence[tuple[int, int]],
    *,
    grid: Triple,
    steps: Triple,
    out: npt.NDArray[np.float32],
    threads: int = 1,
) -> None:
    """The spans (offset, length) of a window, side by side, for each place, see `reference`."""
    native.gather(
        values.ctypes.data, list(spans), tuple(grid), tuple(steps), out.ctypes.data, max(1, threads)
    )


def histogram(values: Array, threads: int = 1) -> npt.NDArray[np.int64]:
    """How often each value of an image of unsigned 8 or 16 bits occurs, from 0 on."""
    array = np.ascontiguousarray(values)
    counts = np.zeros(1 << (8 * array.dtype.itemsize), dtype=np.int64)
    native.histogram(
        array.ctypes.data, array.dtype.itemsize, array.size, counts.ctypes.data, max(1, threads)
    )
    return counts


def histogram_in_bins(
    values: Array, edges: npt.NDArray[np.floating[Any]], threads: int = 1
) -> npt.NDArray[np.int64]:
    """How many finite floats lie in each of equal bins, see `reference`."""
    array, ends = np.ascontiguousarray(values), np.ascontiguousarray(edges, dtype=np.float64)
    counts = np.zeros(len(ends) - 1, dtype=np.int64)
    native.histogram_in_bins(
        array.ctypes.data, array.dtype.itemsize, array.size,
        ends.ctypes.data, len(counts), counts.ctypes.data, max(1, threads),
    )  # fmt: skip
    return counts


def flood(image: Array, displacements: Array, *, rule: str, reach: float, paths: Array) -> None:
    """Lead paths on to all spels they reach, and write them; see `reference_flood`."""
    values = np.ascontiguousarray(np.moveaxis(image, 0, -1), dtype=np.float32)
    native.flood(
        values.ctypes.data,
        len(image),
        tuple(paths.shape),
        FLOODS.index(rule),
        float(reach),
        triples(displacements),
        paths.ctypes.data,
    )


def _pool(
    image: Array,
    displacements: Array,
    kind: str,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int,
) -> None:
    def stage(program: Program, source: Stage) -> Stage:
        return program.pool(
            source, displacements, kind, start=start, stride=stride, size=out.shape[2:]
        )

    key = (kind, tuple(start), tuple(stride), out.shape[2:], _content(displacements))
    _run(image, stage, out, threads, key)


_contents: dict[int, tuple[Array, bytes]] = {}
"""Constant displacements by identity, as bytes, whose hash Python computes once."""


def _content(displacements: Array) -> bytes:
    array, content = _contents.get(id(displacements), (None, b""))
    if array is displacements:
        return content
    content = displacements.tobytes()
    if not displacements.flags.writeable:
        for old in list(_contents)[: len(_contents) - 63]:
            _contents.pop(old, None)
        _contents[id(displacements)] = (displacements, content)
    return content


_programs: dict[tuple[Any, ...], Program] = {}
"""The last few programs without weights: building one takes longer than running it on a tile."""


def _run(
    image: Array,
    stage: Callable[[Program, Stage], Stage],
    out: Array,
    threads: int,
    key: tuple[Any, ...] | None = None,
) -> None:
    """Run a program of one stage; the same `key` and shape stand for the same program."""
    if not out.size:
        return
    full = (native.isa(), image.shape[1:], key)
    program = _programs.get(full) if key else None
    if program is None:
        program = Program()
        program.finish(stage(program, program.source(image.shape[1], image.shape[2:])))
        if key:
            for old in list(_programs)[: len(_programs) - 31]:
                _programs.pop(old, None)
            _programs[full] = program
    program.run([image], [out], threads)
