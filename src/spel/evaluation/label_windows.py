"""Label images of an answer and of the truth, whole or window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.evaluation.label_files import check_sizes
from spel.io.image.label_image import read_label_image
from spel.io.image.reader import describe
from spel.io.large import LargeImage, is_zarr
from spel.io.parts import NO_LIMIT, is_too_large
from spel.large.tiling import Tiling
from spel.nn.tiles import default_size

Labels = npt.NDArray[Any]


def label_pairs(answer: Path | None, truth: Path) -> Iterator[tuple[Labels, Labels]]:
    """The labels of an answer and of the truth, one part of the image after the other.

    Images that are too large to be read whole, and OME-Zarr, are read by windows.

    Parameters
    ----------
    answer : path, optional
        Without an answer it is 0 everywhere.
    truth : path

    Raises
    ------
    FormatError
        If the sizes differ.
    """
    with ExitStack() as stack:
        true = _opened(truth, stack)
        mine = None if answer is None else _opened(answer, stack)
        if answer is not None and mine is not None:
            check_sizes(answer, mine.shape[:-1], truth, true.shape[:-1])
        for window in Tiling(true, default_size(true.shape)).places:
            part = _labels(truth, true, window)
            yield np.zeros_like(part) if mine is None else _labels(answer, mine, window), part


def _opened(path: Path, stack: ExitStack) -> Any:
    """The label image in memory, or one that is read by windows; with an axis of channels."""
    if is_zarr(path) or is_too_large(describe(path, max_pixels=NO_LIMIT)):
        return stack.enter_context(LargeImage(path))
    return read_label_image(path)[..., None]


def _labels(path: Path | None, source: Any, window: tuple[slice, ...]) -> Labels:
    values = np.asarray(source[window])
    if values.shape[-1] > 1 and (values != values[..., :1]).any():
        raise FormatError(f"{path}: the channels of its pixels differ; labels are one number each")
    return values[..., 0]
