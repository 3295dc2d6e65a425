"""Tasks about portions of the images, which can be pickled: for this process or for workers.

The result of a task does not depend on the process that computes it: the engine gives the same bits
for any number of threads, and products of rows are computed by one thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import full_range
from spel.core.threads import blas_in_one_thread, threads
from spel.errors import ShapeError, SpelError, printable
from spel.io.image.header import MAX_PIXELS
from spel.io.image.reader import describe, read_with_white
from spel.learning.finite import check_finite
from spel.linear import ClassMoments
from spel.sklearn.heads import as_precise

PORTION = 1000
"""Number of images of one portion, whose moments are summed at once."""

BATCH_BYTES = 16 << 20
"""About the largest number of bytes of the images that run through the features at once."""

BATCH = 200
"""Largest number of images that run through the features at once."""

Rows = npt.NDArray[np.float32]
Run = Callable[[Iterable[Any]], Iterator[Any]]
"""A function from tasks to their results, in order."""


def run_here(tasks: Iterable[Any]) -> Iterator[Any]:
    """Run tasks in this process."""
    return (task() for task in tasks)


class ExampleFiles(Sequence[Any]):
    """Image files as a sequence of arrays in the full range of their type, read on access."""

    def __init__(
        self,
        paths: Sequence[str],
        *,
        isolate: bool = False,
        max_pixels: int = MAX_PIXELS,
        page: int | None = None,
    ) -> None:
        self.paths, self.page = list(paths), page
        self.options: dict[str, Any] = {"isolate": isolate, "max_pixels": max_pixels}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._some(self.paths[index])
        path = self.paths[index]
        image = full_range(*read_with_white(path, page=self.page, **self.options))
        check_finite(image, path)
        return image

    def _some(self, paths: Sequence[str]) -> ExampleFiles:
        return ExampleFiles(paths, page=self.page, **self.options)

    def select(self, indices: Sequence[int]) -> ExampleFiles:
        """The files with these indices."""
        return self._some([self.paths[i] for i in indices])

    def shapes(self) -> dict[tuple[int, ...], str]:
        """The shapes that the headers of the files state, with the first file of each."""
        sizes: dict[tuple[int, ...], str] = {}
        for path in self.paths:
            info = describe(path, **self.options)
            one_plane = self.page is not None and info.times == 1
            planes = (info.planes,) if info.planes and not one_plane else ()
            sizes.setdefault((*planes, info.rows, info.cols, info.channels), path)
        return sizes


def select(images: Sequence[Any], indices: Sequence[int]) -> Sequence[Any]:
    """The images with these indices; files stay files."""
    if isinstance(images, ExampleFiles):
        return images.select(indices)
    return [images[i] for i in indices]


def name_of(images: Sequence[Any], index: int) -> str:
    """The name of an image in messages."""
    return images.paths[index] if isinstance(images, ExampleFiles) else f"image {index}"


@dataclass(frozen=True, eq=False)
class Portion:
    """A call about some of the images."""

    images: Sequence[Any]
    threads: int | None = None

    @property
    def image(self) -> str:
        """The folder that holds all its files, so that an error is not laid on one of them."""
        if isinstance(self.images, ExampleFiles):
            alike = len({os.path.isabs(path) for path in self.images.paths}) == 1
            return (os.path.commonpath(self.images.paths) if alike else "") or "."
        return name_of(self.images, 0)

    @property
    def identity(self) -> None:
        """None: the input is no single file."""
        return

    def __call__(self) -> Any:
        with blas_in_one_thread():
            if self.threads is None:
                return self.compute()
            with threads(self.threads):
                return self.compute()

    def compute(self) -> Any:
        """The result."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class ShapesOf(Portion):
    """Gives the shapes of the images, with the name of the first image of each."""

    def compute(self) -> dict[tuple[int, ...], str]:
        """The shapes, without reading pixels if the images are files."""
        if isinstance(self.images, ExampleFiles):
            return self.images.shapes()
        shapes: dict[tuple[int, ...], str] = {}
        for index, image in enumerate(self.images):
            shapes.setdefault(np.shape(image), name_of(self.images, index))
        return shapes


@dataclass(frozen=True, eq=False)
class RowsOf(Portion):
    """Gives the feature vectors of the images, a row for each."""

    features: Any = None

    def compute(self) -> Rows:
        """The rows (n, d); an error names the image."""
        parts: list[Rows] = []
        for batch, first in _batches(self.images):
            try:
                parts.append(np.asarray(self.features.transform(batch), np.float32))
            except SpelError as error:
                error.add_note(f"image {name_of(self.images, first)}")
                raise
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class MomentsOf(RowsOf):
    """Gives the moments of the images' feature vectors about an origin, by class."""

    numbers: Any = None
    origin: Any = None
    classes: int = 0

    def compute(self) -> ClassMoments:  # type: ignore[override]
        """The moments of the rows."""
        return moments_of(super().compute(), self.numbers, self.origin, self.classes)


@dataclass(frozen=True, eq=False)
class PredictionsOf(Portion):
    """Gives the class of each image by a fitted model."""

    model: Any = None

    def compute(self) -> npt.NDArray[Any]:
        """The predicted classes (n,)."""
        return np.concatenate([self.model.predict(batch) for batch, _ in _batches(self.images)])


def moments_of(
    rows: Rows, numbers: npt.NDArray[np.int64], origin: npt.NDArray[Any], classes: int
) -> ClassMoments:
    """The moments of rows of numbered classes."""
    moments = ClassMoments(origin, classes)
    with np.errstate(over="ignore", invalid="ignore"):  # refused when they are added up
        moments.add(as_precise(rows), numbers)
    return moments


def _batches(images: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    """Images of one shape and type as an array, with the index of the first."""
    group: list[npt.NDArray[Any]] = []
    for index in range(len(images)):
        image = np.asarray(images[index])
        check_finite(image, name_of(images, index))
        full = len(group) >= max(1, min(BATCH, BATCH_BYTES // max(1, image.nbytes)))
        if group and (full or group[0].shape != image.shape or group[0].dtype != image.dtype):
            yield np.stack(group), index - len(group)
            group = []
        group.append(image)
    if group:
        yield np.stack(group), len(images) - len(group)


def shapes_of(images: Sequence[Any], run: Run) -> dict[tuple[int, ...], str]:
    """The shapes of all images, with the name of the first image of each."""
    shapes: dict[tuple[int, ...], str] = {}
    for some in run(ShapesOf(images[part]) for part in portions(len(images))):
        shapes = {**some, **shapes}
    return shapes


def portions(count: int) -> list[slice]:
    """The portions of `count` images, as slices of their indices.

    Examples
    --------
    >>> portions(2500)
    [slice(0, 1000, None), slice(1000, 2000, None), slice(2000, 2500, None)]
    """
    return [slice(i, min(i + PORTION, count)) for i in range(0, count, PORTION)]


def check_channels(shapes: Mapping[tuple[int, ...], str]) -> None:
    """Refuse images of several numbers of channels; `shapes` has an image's name for each.

    Raises
    ------
    ShapeError

    Examples
    --------
    >>> check_channels({(8, 8, 3): "a.png", (9, 9, 3): "b.png"})
    """
    named: dict[int, str] = {}
    for shape, name in shapes.items():
        named.setdefault(shape[-1] if len(shape) > 2 else 1, name)
    if len(named) > 1:
        counts = ", ".join(f"{count} ({printable(named[count])})" for count in sorted(named))
        raise ShapeError(
            f"images of {counts} channels; expected as many in all: save all as grey or as RGB, "
            "without transparency"
        )


def check_one_shape(shapes: Mapping[tuple[int, ...], str], features: str) -> None:
    """Refuse images of several sizes for features that need one size.

    Raises
    ------
    ShapeError
    """
    if len(shapes) > 1:
        (first, one), (other, another) = list(shapes.items())[:2]
        raise ShapeError(
            f"images of different sizes ({printable(one)} {shown(first)}, {printable(another)} "
            f"{shown(other)}), but the features {features!r} need one size; resize the images, or "
            "use the features 'pooled' or a network"
        )


def shown(shape: tuple[int, ...]) -> str:
    """A shape in messages.

    Examples
    --------
    >>> shown((32, 48, 3))
    '32 x 48 x 3'
    """
    return " x ".join(map(str, shape))
