"""OME-Zarr images (0.4 on Zarr 2, 0.5 on Zarr 3) in a local folder: axes, levels, windows.

Source: https://ngff.openmicroscopy.org, versions 0.4 and 0.5.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.image.header import MAX_CHANNELS
from spel.io.image.spacing import Spacing, in_micrometres
from spel.io.opening import DAMAGED, RAISE_LIMIT, DecodeError

from .zarr_array import Span, ZarrArray, open_array
from .zarr_folder import Folder

__all__ = ["OmeZarr", "is_zarr"]

METADATA_FILES = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
AXES = "tczyx"
MAX_LEVELS = 64


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a Zarr array or group."""
    return os.path.isdir(path) and any(
        os.path.isfile(os.path.join(os.fspath(path), name)) for name in METADATA_FILES
    )


@dataclass(frozen=True, eq=False)
class Level:
    """One size of the image.

    Attributes
    ----------
    array : ZarrArray
    axes : str
        One letter of "tczyx" per axis of the array.
    spacing : Spacing
        Sides of a voxel.
    """

    array: ZarrArray
    axes: str
    spacing: Spacing = ((), "")

    def size(self, axis: str) -> int:
        """Length of an axis; 1 if the array does not have it."""
        return self.array.shape[self.axes.index(axis)] if axis in self.axes else 1


class OmeZarr:
    """A multiscale image, or a plain array of two axes.

    Parameters
    ----------
    path : path
        The folder of the image.
    page : int, optional
        Point in time; it must be stated if there are several.
    level : int
        0 is the full size.
    max_pixels : int
        Largest number of pixels of the level, all planes together.

    Attributes
    ----------
    shape, dtype, pages, levels, depths
        As of `LargeImage`; `pages` counts the points in time.
    """

    format = "ZARR"

    def __init__(
        self, path: str | os.PathLike[str], page: int | None, level: int, max_pixels: int
    ) -> None:
        levels = _levels(Folder.at(path))
        if level >= len(levels):
            raise DecodeError(
                f"it has {len(levels)} levels, but none with the number {level}", "count from 0"
            )
        self.level = levels[level]
        self.pages, self.page = self.level.size("t"), page or 0
        if self.page >= self.pages:
            raise DecodeError(
                f"it has {self.pages} points in time, but none with the number {page}",
                "count from 0",
            )
        if self.pages > 1 and page is None:
            raise DecodeError(
                f"it holds {self.pages} points in time",
                f"read one of them with page=0 to {self.pages - 1} (on the command line: --page)",
            )
        self.levels = tuple((one.size("y"), one.size("x")) for one in levels)
        self.depths = tuple(one.size("z") for one in levels)
        self.spacing, self.unit = self.level.spacing if self.level.size("z") > 1 else ((), "")
        planes, channels = self.level.size("z"), self.level.size("c")
        rows, cols = self.levels[level]
        if channels > MAX_CHANNELS:
            raise DecodeError(f"it has {channels} channels; at most {MAX_CHANNELS} are read")
        if rows * cols * planes > max_pixels:
            raise DecodeError(
                f"{planes} x {rows} x {cols} pixels exceed the limit of {max_pixels}",
                RAISE_LIMIT,
            )
        shape = (rows, cols, channels)
        self.shape: tuple[int, ...] = shape if planes == 1 else (planes, *shape)
        self.dtype: np.dtype[Any] = self.level.array.dtype.newbyteorder("=")
        self.bits = 8 * self.dtype.itemsize

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        level, axes = self.level, "zyx" if len(spans) == 3 else "yx"
        wanted: dict[str, Span] = dict(zip(axes, spans))
        wanted |= {"t": (self.page, self.page + 1), "c": (0, level.size("c"))}
        part = level.array.read([wanted.get(axis, (0, 1)) for axis in level.axes])
        return _with_axes(part, level.axes, axes + "c").astype(self.dtype, copy=False)

    def close(self) -> None:
        """Do nothing: no file is open between windows."""


def _with_axes(part: npt.NDArray[Any], axes: str, wanted: str) -> npt.NDArray[Any]:
    """The array with the `wanted` axes in their order; others (of length 1) are dropped."""
    dropped = tuple(i for i, axis in enumerate(axes) if axis not in wanted)
    moved = part.squeeze(dropped).transpose(
        np.argsort([wanted.index(axis) for axis in axes if axis in wanted])
    )
    absent = [i for i, axis in enumerate(wanted) if axis not in axes]
    return np.ascontiguousarray(np.expand_dims(moved, absent))


def _levels(folder: Folder) -> list[Level]:
    """All sizes of the image, as its metadata list them."""
    multiscale = _multiscale(folder)
    if multiscale is None:
        return [_plain_array(folder)]
    axes = _axes(multiscale.get("axes", [*AXES]))
    datasets = multiscale.get("datasets")
    if not isinstance(datasets, list) or not 1 <= len(datasets) <= MAX_LEVELS:
        raise DecodeError("its list of levels is damaged", DAMAGED)
    levels = [
        replace(_level(folder, one, axes), spacing=_spacing(multiscale, one, axes))
        for one in datasets
    ]
    first = levels[0]
    for level in levels[1:]:
        alike = level.array.dtype == first.array.dtype and level.size("c") == first.size("c")
        smaller = all(level.size(axis) <= first.size(axis) for axis in "yx")
        if not (alike and smaller):
            raise DecodeError("its levels are not one image in several sizes", DAMAGED)
    return levels


def _spacing(multiscale: dict[str, Any], dataset: Any, axes: str) -> Spacing:
    """The scale of a level times that of all, for the axes of space."""
    factors = [1.0] * len(axes)
    for owner in (dataset, multiscale):
        scale = _scale(owner.get("coordinateTransformations"), len(axes))
        factors = [a * b for a, b in zip(factors, scale)]
    listed = multiscale.get("axes", [None] * len(axes))
    units = [one.get("unit") if isinstance(one, dict) else None for one in listed]
    if "z" not in axes or (set(factors) == {1.0} and not any(units)):
        return (), ""
    places = [axes.index(axis) for axis in "zyx"]
    return in_micrometres([factors[i] for i in places], [units[i] for i in places])


def _scale(transformations: Any, count: int) -> list[float]:
    """The factors of the first scale in a list of transformations; ones if there is none."""
    for one in transformations if isinstance(transformations, list) else ():
        if isinstance(one, dict) and one.get("type") == "scale":
            factors = one.get("scale")
            if not isinstance(factors, list) or len(factors) != count:
                continue
            if all(type(n) in (int, float) and n > 0 for n in factors):
                return [float(n) for n in factors]
    return [1.0] * count


def _multiscale(folder: Folder) -> dict[str, Any] | None:
    """The first multiscale image that the metadata describe; None for a plain array."""
    v3 = folder.read_json("zarr.json")
    attributes = folder.read_json(".zattrs") if v3 is None else v3.get("attributes")
    if not isinstance(attributes, dict):
        return None
    metadata = attributes.get("ome", attributes)
    if not isinstance(metadata, dict):
        raise DecodeError("its metadata are damaged", DAMAGED)
    images = metadata.get("multiscales")
    if images is None:
        for mark, where in (("plate", "A/1/0"), ("well", "0"), ("bioformats2raw.layout", "0")):
            if mark in metadata:
                raise DecodeError(
                    "it holds several images", f"name one of them, such as .../{where}"
                )
        return None
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        raise DecodeError("its list of images is damaged", DAMAGED)
    return images[0]


def _plain_array(folder: Folder) -> Level:
    array = open_array(folder, "")
    if array is None:
        raise DecodeError("it is no Zarr image", "name the folder of an OME-Zarr image")
    if array.names is not None and len(array.names) == len(array.shape):
        return Level(array, _axes(list(array.names)))
    if len(array.shape) != 2:
        raise DecodeError(
            f"it is an array of {len(array.shape)} axes without names",
            "give it OME-Zarr metadata, or dimension_names of t, c, z, y and x",
        )
    return Level(array, "yx")


def _axes(listed: Any) -> str:
    if not isinstance(listed, list):
        raise DecodeError("its list of axes is damaged", DAMAGED)
    names = [one.get("name") if isinstance(one, dict) else one for one in listed]
    valid = all(isinstance(name, str) and len(name) == 1 and name in AXES for name in names)
    if not valid or len(set(names)) < len(names) or not {"y", "x"} <= set(names):
        raise DecodeError(f"its axes {str(names)[:60]} are not read", f"read are {', '.join(AXES)}")
    return "".join(map(str, names))


def _level(folder: Folder, dataset: Any, axes: str) -> Level:
    path = dataset.get("path") if isinstance(dataset, dict) else None
    if not isinstance(path, str) or not _stays_inside(path):
        raise DecodeError(f"the path {str(path)[:60]!r} of a level leads elsewhere", DAMAGED)
    array = open_array(folder, path)
    if array is None:
        raise DecodeError(f"its level {path[:60]!r} is missing", DAMAGED)
    if len(array.shape) != len(axes):
        raise DecodeError(f"a level has {len(array.shape)} axes, not {len(axes)} ({axes})", DAMAGED)
    return Level(array, axes)


def _stays_inside(path: str) -> bool:
    """Whether a path names something below the folder, on every operating system."""
    plain = path.isprintable() and len(path) <= 200 and not set(path) & set("\\:")
    return plain and all(word not in ("", ".", "..") for word in path.split("/"))
