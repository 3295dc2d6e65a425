"""Images larger than memory, written band by band as OME-Zarr 0.5 with a pyramid.

Source: https://ngff.openmicroscopy.org, version 0.5.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing_folder
from spel.errors import BackendMissingError, ParameterError

from .pyramid import BLOCK, TYPES, Source, halved, level_sizes, planes_of, strips


def require_zarr() -> None:
    """Raise BackendMissingError, which says what to install, if the package zarr is missing."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise BackendMissingError(
            'writing OME-Zarr needs the package zarr, which is missing; pip install "spel[zarr]"'
        ) from None


def write_zarr_pyramid(
    path: str | os.PathLike[str],
    bands: Iterable[Source],
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    *,
    spacing: Sequence[float] = (),
    unit: str = "",
) -> None:
    """Write an image as `spel.io.large.pyramid.write_pyramid` does, as a folder of OME-Zarr.

    The folder appears when it is whole; an earlier one is replaced. Its axes are channels, planes
    for voxels, rows and columns; its levels are those of the OME-TIFF.

    Raises
    ------
    ParameterError
        For another dtype, or a folder that holds other files.
    BackendMissingError
        If the package zarr is not installed.
    WriteError
        If the disk is full or fails.

    Examples
    --------
    >>> import tempfile
    >>> name = tempfile.mkdtemp() + "/a.ome.zarr"
    >>> write_zarr_pyramid(name, [np.full((2, 3, 1), 7)], (2, 3, 1), np.uint8)
    >>> from spel.io.large import LargeImage
    >>> with LargeImage(name) as image:
    ...     image[:][..., 0].tolist()
    [[7, 7, 7], [7, 7, 7]]
    """
    require_zarr()
    kind = np.dtype(dtype)
    if kind.name not in TYPES:
        raise ParameterError(f"write_pyramid: dtype {kind}; expected one of {', '.join(TYPES)}")
    with replacing_folder(path, is_part) as folder:
        group, arrays = _arrays(folder, tuple(map(int, shape)), kind)
        group.attrs["ome"] = _description(len(arrays), len(shape) - 1, spacing, unit)
        _write_bands(arrays, bands, kind)


def is_part(name: str) -> bool:
    """Whether a file or folder of this name belongs to such an image."""
    return name == "zarr.json" or name.isdigit()


def _arrays(folder: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> tuple[Any, list[Any]]:
    """A group, and the array of each level in it."""
    import zarr

    *planes, rows, cols, channels = shape
    sizes = level_sizes(rows, cols)
    group = zarr.open_group(str(folder), mode="w", zarr_format=3)
    chunks = (1, *(1 for _ in planes), BLOCK, BLOCK)
    arrays = []
    for number, size in enumerate(sizes):
        whole = (channels, *planes, *size)
        parts = tuple(min(a, b) for a, b in zip(chunks, whole))
        arrays.append(group.create_array(str(number), shape=whole, chunks=parts, dtype=kind))
    return group, arrays


def _description(levels: int, axes: int, spacing: Sequence[float], unit: str) -> dict[str, Any]:
    """What OME-Zarr says of the levels: their axes, and the distances of spels."""
    sides = spacing or (1.0,) * axes
    length = {"unit": "micrometer"} if unit else {}
    datasets = []
    for level in range(levels):
        scale = [1.0, *(float(side) for side in sides[:-2])]
        scale += [float(side) * 2**level for side in sides[-2:]]
        change = {"type": "scale", "scale": scale}
        datasets.append({"path": str(level), "coordinateTransformations": [change]})
    named = [{"name": "c", "type": "channel"}]
    named += [{"name": name, "type": "space", **length} for name in "zyx"[-axes:]]
    return {"version": "0.5", "multiscales": [{"axes": named, "datasets": datasets}]}


def _write_bands(arrays: Sequence[Any], bands: Iterable[Source], kind: np.dtype[Any]) -> None:
    """Bands of rows, or of planes, into all levels."""
    top = plane = 0
    for band in bands:
        if len(band.shape) == 3:
            _write_rows(arrays, band, top, (), kind)
            top += len(band)
            continue
        for one in planes_of(band):
            _write_rows(arrays, one, 0, (plane,), kind)
            plane += 1


def _write_rows(
    arrays: Sequence[Any], band: Source, top: int, plane: tuple[int, ...], kind: np.dtype[Any]
) -> None:
    """Rows from `top` on of one plane into all levels."""
    for (row, col), strip in strips(band, top):
        level = np.asarray(strip, kind)
        for number, array in enumerate(arrays):
            if number:
                level = halved(level)
            first, left = row >> number, col >> number
            rows, cols = slice(first, first + len(level)), slice(left, left + level.shape[1])
            array[(slice(None), *plane, rows, cols)] = np.moveaxis(level, -1, 0)
