"""The steps of a network on one image, written as pictures or as values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.draw.steps import step_sheet, steps_sheet
from spel.errors import ParameterError
from spel.io.image.writer import write
from spel.io.large.forms import ENDINGS, WRITERS
from spel.jobs.bytes import Rounding
from spel.nn import Network
from spel.runs import OutputFiles

MAX_BYTES = 4 << 30


def save_steps(
    network: Network,
    image: npt.NDArray[Any],
    names: Sequence[str],
    files: OutputFiles,
    kind: str,
    *,
    max_bytes: int = MAX_BYTES,
    spacing: Sequence[float] = (),
    unit: str = "",
    uint8: float | None = None,
) -> Iterator[Path]:
    """Run a network and write some of its steps, as pictures or as values; yields the paths.

    Pictures of several steps come with one of them all. Pyramids state the sides of a voxel of the
    image for each step; 8 bits are the values times a factor, see `Rounding`.

    Raises
    ------
    ParameterError
        If image and steps would take more memory, or 8 bits would leave nothing of them.
    """
    _check_memory(network, image, names, max_bytes)
    steps = network.select(image, names)
    if uint8 is not None:
        steps = {name: Rounding(name, uint8).whole(array) for name, array in steps.items()}
    for name, array in steps.items():
        path = files.path(step_ending(network, name, ENDINGS.get(kind, kind)))
        if array.ndim < 3 and kind != "npy":
            path = path.with_suffix(".npy")  # a feature vector is no picture
        if array.ndim < 3:
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        elif kind in WRITERS:
            voxel = voxel_of(network, name, spacing, unit)
            WRITERS[kind](path, [array], array.shape, array.dtype, **voxel)
        else:
            write(path, step_sheet(network, name, array) if kind == "png" else array)
        yield path
    if kind == "png" and len(steps) > 1:
        path = files.path("steps.png")
        write(path, steps_sheet(network, image, steps))
        yield path


def step_ending(network: Network, name: str, suffix: str) -> str:
    """The ending of the file of a step: its number, its name, and the suffix."""
    return f"{network.names.index(name) + 1:02d}-{name}.{suffix}"


def voxel_of(network: Network, step: str, spacing: Sequence[float], unit: str) -> dict[str, Any]:
    """What the writer of a pyramid states of the voxels of a step: strides make them longer."""
    strides = network.footprints[step].stride
    if len(strides) != len(spacing):
        return {}
    return {"spacing": [side * float(n) for side, n in zip(spacing, strides)], "unit": unit}


def _check_memory(
    network: Network, image: npt.NDArray[Any], names: Sequence[str], max_bytes: int
) -> None:
    shapes = network.shapes(network.with_channel_axis(image).shape)
    wanted = image.nbytes + sum(4 * math.prod(shapes[name]) for name in names)
    if wanted > max_bytes:
        raise ParameterError(
            f"its steps take {wanted >> 20:,} MB of memory, the limit is {max_bytes >> 20:,} MB; "
            "save fewer steps, or raise the limit (--max-memory)"
        )
