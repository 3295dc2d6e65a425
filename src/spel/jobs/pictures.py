"""Pictures of detections: their kinds, their names, and how they are written.

======== ========================== ===================================================
save     file                       holds
======== ========================== ===================================================
overlay  ``NAME.overlay.jpg``       the image with boxes and scores
mask     ``NAME.mask.png``          16 bits: 0, or the number of the box, in the output's size
saliency ``NAME.saliency.tif``      the network's output, float32
======== ========================== ===================================================

Of a video, ``NAME.overlay.mp4`` and, for each frame, ``NAME-000030.mask.png`` and so on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.errors import ParameterError
from spel.io.image.writer import write
from spel.nn import Network

KINDS = {"overlay": "overlay.jpg", "mask": "mask.png", "saliency": "saliency.tif"}
ENDINGS = tuple(KINDS.values())
VIDEO = "overlay.mp4"
_MAX_BYTES = 200


def save_pictures(
    folder: str | os.PathLike[str],
    name: str,
    kinds: Sequence[str],
    network: Network,
    image: npt.NDArray[Any],
    found: Detections,
) -> None:
    """Write pictures of the detections in an image.

    Parameters
    ----------
    folder : path
    name : str
        Name of the pictures, without suffix.
    kinds : sequence of {"overlay", "mask", "saliency"}
    network : Network
        Its output is the saliency.
    image : array
    found : Detections

    Raises
    ------
    ParameterError
        If a kind is unknown, or the folder cannot be written.
    """
    stem = Path(folder) / name
    for kind in kinds:
        if kind not in KINDS:
            raise ParameterError(f"save {kind!r}: expected one of {', '.join(KINDS)}")
        path = f"{stem}.{KINDS[kind]}"
        if kind == "overlay":
            write(path, draw.overlay(image, found))
        elif kind == "saliency":
            write(path, network(image))
        elif found.components is not None:
            write(path, found.components.astype(np.uint16))


class FileNames(Collection[str]):
    """Names of the files of a run: the given ones, and every picture of its tasks.

    Examples
    --------
    >>> class Task:
    ...     name = "gate"
    >>> own = FileNames({"run.json"}, [Task()])
    >>> [name in own for name in ("run.json", "gate.mask.png", "gate-000030.mask.png", "a.png")]
    [True, True, True, False]
    """

    def __init__(self, names: Collection[str], tasks: Sequence[Any]) -> None:
        self.names = {*names, *(f"{t.name}.{end}" for t in tasks for end in (*ENDINGS, VIDEO))}

    def __contains__(self, name: object) -> bool:
        plain = re.sub(r"-[0-9]{6,}(?=\.[a-z]+\.[a-z]+$)", "", str(name))
        return name in self.names or plain in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def picture_names(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A distinct file name without suffix for each path: its stem, numbered where it repeats.

    Names that differ only in capitals or in their Unicode form count as equal, because some file
    systems do not distinguish them. Long names are cut so that suffixes fit.

    Examples
    --------
    >>> picture_names(["a/x.png", "b/x.jpg", "y.png", "x-2.png", "X.png"])
    ['x', 'x-2', 'y', 'x-2-2', 'X-3']
    """
    taken: dict[str, int] = {}
    names: list[str] = []
    for path in paths:
        stem = _shortened(Path(path).stem)
        name, key = stem, _folded(stem)
        while _folded(name) in taken:
            taken[key] += 1
            name = f"{stem}-{taken[key]}"
        taken[_folded(name)] = 1
        names.append(name)
    return names


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())


def _shortened(stem: str) -> str:
    """The beginning of a name, so that a suffix and a number fit into 255 bytes."""
    stem = stem[:_MAX_BYTES]
    while len(os.fsencode(stem)) > _MAX_BYTES:
        stem = stem[:-1]
    return stem
