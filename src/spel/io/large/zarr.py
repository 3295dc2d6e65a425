"""OME-Zarr images (0.4 on Zarr 2, 0.5 on Zarr 3) in a folder: axes, levels, windows.

Source: https://ngff.openmicroscopy.org, versions 0.4 and 0.5.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.image.header import MAX_CHANNELS
from spel.io.opening import DAMAGED, DecodeError

from .zarr_array import Span, Store, ZarrArray, open_array

__all__ = ["ZarrImage", "is_zarr"]

_MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")
_AXES = "tczyx"
_MOST_LEVELS = 64


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a Zarr array or group."""
    return os.path.isdir(path) and any(
        os.path.isfile(os.path.join(os.fspath(path), mark)) for mark in _MARKS
    )


@dataclass(frozen=True, eq=False)
class _Level:
    array: ZarrArray
    axes: str

    def size(self, axis: str) -> int:
        return self.array.shape[self.axes.index(axis)] if axis in self.axes else 1


class ZarrImage:
    """A multiscale image, or a plain array of two axes.

    Parameters
    ----------
    path : path
        The folder of the image.
    page : int, optional
        Point in time, if there are several; by default the first.
    level : int
        0 is the full size.
    max_pixels : int
        Of the level, all planes together.

    Attributes
    ----------
    shape : tuple of int
        (rows, cols, channels), with planes before them if there are several.
    dtype : numpy.dtype
    pages : int
        Points in time.
    levels : tuple of (rows, cols)
    """

    def __init__(
        self, path: str | os.PathLike[str], page: int | None, level: int, max_pixels: int
    ) -> None:
        store = Store(path)
        parts = _levels(store)
        if level >= len(parts):
            raise DecodeError(f"it has {len(parts)} levels, no number {level}", "count from 0")
        self.level = chosen = parts[level]
        self.pages, self.page = chosen.size("t"), page or 0
        if self.page >= self.pages:
            raise DecodeError(f"it has {self.pages} times, no number {page}", "count from 0")
        self.levels = tuple((one.size("y"), one.size("x")) for one in parts)
        planes, (rows, cols) = chosen.size("z"), self.levels[level]
        channels = chosen.size("c")
        if channels > MAX_CHANNELS:
            raise DecodeError(f"it has {channels} channels; at most {MAX_CHANNELS} are read")
        if rows * cols * planes > max_pixels:
            raise DecodeError(
                f"{planes} x {rows} x {cols} pixels exceed the limit of {max_pixels}",
                "if you trust the file, raise max_pixels",
            )
        self.shape = (rows, cols, channels) if planes == 1 else (planes, rows, cols, channels)
        self.dtype = chosen.array.dtype.newbyteorder("=")

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        level = self.level
        wanted: dict[str, Span] = dict(zip("zyx" if len(spans) == 3 else "yx", spans))
        wanted |= {"t": (self.page, self.page + 1), "c": (0, level.size("c"))}
        found = level.array.read([wanted.get(axis, (0, 1)) for axis in level.axes])
        kept = "zyxc" if len(spans) == 3 else "yxc"
        return _arranged(found, level.axes, kept).astype(self.dtype, copy=False)


def _arranged(found: npt.NDArray[Any], axes: str, kept: str) -> npt.NDArray[Any]:
    """Axes in the order of `kept`, absent ones of length 1, the others dropped."""
    order = [axes.index(axis) for axis in kept if axis in axes]
    drop = [i for i, axis in enumerate(axes) if axis not in kept]
    moved = found.transpose(*drop, *order)[(0,) * len(drop)]
    for i, axis in enumerate(kept):
        if axis not in axes:
            moved = np.expand_dims(moved, i)
    return np.ascontiguousarray(moved)


def _levels(store: Store) -> list[_Level]:
    said = _multiscales(store)
    if said is None:
        array = open_array(store, "")
        if array is None:
            raise DecodeError("it is no Zarr image", "name the folder of an OME-Zarr image")
        return [_Level(array, _plain_axes(array))]
    axes = _axes(said.get("axes"))
    datasets = said.get("datasets")
    if not isinstance(datasets, list) or not 1 <= len(datasets) <= _MOST_LEVELS:
        raise DecodeError("its list of levels is damaged", DAMAGED)
    parts = [_dataset(store, one, axes) for one in datasets]
    first = parts[0]
    for one in parts[1:]:
        fits = one.array.dtype == first.array.dtype and one.size("c") == first.size("c")
        smaller = one.size("y") <= first.size("y") and one.size("x") <= first.size("x")
        if not (fits and smaller):
            raise DecodeError("its levels are not one image in several sizes", DAMAGED)
    return parts


def _multiscales(store: Store) -> dict[str, Any] | None:
    """The first multiscale image that the metadata of the folder describe."""
    new, old = store.json("zarr.json"), store.json(".zattrs")
    attributes = (new or {}).get("attributes") if new is not None else old
    if not isinstance(attributes, dict):
        return None
    inside = attributes.get("ome", attributes)
    if not isinstance(inside, dict):
        raise DecodeError("its metadata are damaged", DAMAGED)
    listed = inside.get("multiscales")
    if listed is None:
        for mark, where in (("plate", "A/1/0"), ("well", "0"), ("bioformats2raw.layout", "0")):
            if mark in inside:
                raise DecodeError(
                    "it holds several images", f"name one of them, such as .../{where}"
                )
        return None
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
        raise DecodeError("its list of images is damaged", DAMAGED)
    return listed[0]


def _axes(said: Any) -> str:
    names = [one.get("name") if isinstance(one, dict) else one for one in said or [*_AXES]]
    good = isinstance(said, list | None) and all(isinstance(n, str) and n in _AXES for n in names)
    if not good or len(set(names)) < len(names) or not {"y", "x"} <= set(names):
        raise DecodeError(f"its axes {str(names)[:60]} are not read", "read are t, c, z, y and x")
    return "".join(names)


def _plain_axes(array: ZarrArray) -> str:
    if array.names is not None and len(array.names) == len(array.shape):
        return _axes(list(array.names))
    if len(array.shape) != 2:
        raise DecodeError(
            f"it is an array of {len(array.shape)} axes without names",
            "give it OME-Zarr metadata, or dimension_names of t, c, z, y and x",
        )
    return "yx"


def _dataset(store: Store, said: Any, axes: str) -> _Level:
    path = said.get("path") if isinstance(said, dict) else None
    words = path.split("/") if isinstance(path, str) else [".."]
    plain = all(w not in ("", ".", "..") and w.isprintable() and "\\" not in w for w in words)
    if not plain or len(str(path)) > 200 or any(":" in w for w in words):
        raise DecodeError(f"the path {str(path)[:60]!r} of a level leads elsewhere", DAMAGED)
    array = open_array(store, str(path))
    if array is None:
        raise DecodeError(f"its level {str(path)[:60]!r} is missing", DAMAGED)
    if len(array.shape) != len(axes):
        raise DecodeError(f"a level has {len(array.shape)} axes, not {len(axes)} ({axes})", DAMAGED)
    return _Level(array, axes)
