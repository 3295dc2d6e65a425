"""The steps of a network on one image, written as pictures or as values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.draw import Tile, shade, sheet
from spel.errors import ParameterError
from spel.io.image.writer import write
from spel.io.large.forms import ENDINGS, WRITERS
from spel.jobs.bytes import Rounding
from spel.nn import Network
from spel.runs import OutputFiles

MAX_BYTES = 4 << 30
MAX_CHANNELS = 64
"""Channels of a step that a picture shows."""


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
        steps = {name: _rounded(name, array, uint8) for name, array in steps.items()}
    for name, array in steps.items():
        path = files.path(step_ending(network, name, ENDINGS.get(kind, kind)))
        if array.ndim < 3 and kind != "npy":
            path = path.with_suffix(".npy")  # a feature vector is no picture
        if array.ndim < 3:
            _write_vector(path, array)
        else:
            _write_step(path, network, name, array, kind, voxel_of(network, name, spacing, unit))
        yield path
    if kind == "png" and len(steps) > 1:
        path = files.path("steps.png")
        write(path, _overview(network, image, steps))
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


def _rounded(name: str, array: npt.NDArray[Any], factor: float) -> npt.NDArray[np.uint8]:
    rounding = Rounding(name, factor)
    rounded = rounding(array)
    rounding.check()
    return rounded


def _write_step(
    path: Path, network: Network, name: str, array: npt.NDArray[Any], kind: str,
    voxel: dict[str, Any],
) -> None:  # fmt: skip
    if kind in WRITERS:
        WRITERS[kind](path, [array], array.shape, array.dtype, **voxel)
    else:
        write(path, _sheet(network, name, array) if kind == "png" else array)


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


def _write_vector(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a feature vector atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _sheet(network: Network, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A picture of one step: its channels, each with its scale."""
    plane, note = _plane(array)
    channels = min(plane.shape[-1], MAX_CHANNELS)
    tiles = [Tile(shade(plane[..., k]), f"channel {k}") for k in range(channels)]
    shown = f", the first {channels} of {plane.shape[-1]}" if channels < plane.shape[-1] else ""
    columns = int(np.ceil(np.sqrt(channels)))
    return sheet(
        tiles,
        columns=columns,
        tile_width=int(np.clip(plane.shape[1], 240, max(240, 960 // columns))),
        title=name,
        subtitle=f"{network[name].describe()}; {' x '.join(map(str, array.shape))}{shown}{note}",
    )


def _overview(
    network: Network, image: npt.NDArray[Any], steps: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.uint8]:
    """A picture of the image and the first channel of every step."""
    tiles = [Tile(image, "image", " x ".join(map(str, image.shape)))]
    for name, array in steps.items():
        if array.ndim < 3:
            continue
        plane, note = _plane(array)
        more = f", channel 0 of {plane.shape[-1]}" if plane.shape[-1] > 1 else ""
        caption = network[name].describe()
        number = network.names.index(name) + 1
        tiles.append(Tile(shade(plane[..., 0]), f"{number}  {name}{more}", caption + note))
    return sheet(tiles)


def _plane(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """The image, or the middle plane of a volume, and a note about it."""
    if array.ndim == 4:
        middle = len(array) // 2
        return array[middle], f"; plane {middle} of {len(array)}"
    return array, ""
