"""Pictures of what was found, one set per image, written where the image was read.

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
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.errors import ParameterError

if TYPE_CHECKING:
    from spel.jobs.detect import DetectJob

KINDS = {"overlay": "overlay.jpg", "mask": "mask.png", "saliency": "saliency.tif"}
ENDINGS = tuple(KINDS.values())
VIDEO = "overlay.mp4"
_LONGEST = 200


def save_pictures(
    job: DetectJob,
    name: str,
    image: npt.NDArray[Any],
    found: Detections,
    kinds: Sequence[str] | None = None,
) -> None:
    """Write the pictures that a job asks for, or only some kinds of them.

    Raises
    ------
    ParameterError
        For an unknown kind or a place that cannot be written.
    """
    from spel import draw
    from spel.io import write

    stem = Path(job.folder) / name
    for kind in job.save if kinds is None else kinds:
        if kind not in KINDS:
            raise ParameterError(f"save {kind!r}: expected one of {', '.join(KINDS)}")
        path = f"{stem}.{KINDS[kind]}"
        if kind == "overlay":
            write(path, draw.overlay(image, found))
        elif kind == "saliency":
            write(path, job.network(image))
        elif found.components is not None:
            write(path, found.components.astype(np.uint16))


class Pictures(Collection[str]):
    """The names of a run's files: those given, and every picture of its tasks.

    Examples
    --------
    >>> class Task:
    ...     name = "gate"
    >>> own = Pictures({"run.json"}, [Task()])
    >>> [n in own for n in ("run.json", "gate.mask.png", "gate-000030.mask.png", "a.mask.png")]
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


def names(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A file name without suffix for each path, each once: stems, numbered where they repeat.

    Names that differ only in capitals or in their Unicode form count as the same, for some file
    systems take them so; long ones are cut, so that endings fit.

    Examples
    --------
    >>> names(["a/x.png", "b/x.jpg", "y.png", "x-2.png", "X.png"])
    ['x', 'x-2', 'y', 'x-2-2', 'X-3']
    """
    taken: dict[str, int] = {}
    chosen: list[str] = []
    for path in paths:
        stem = _fitting(Path(path).stem)
        name, known = stem, _folded(stem)
        while _folded(name) in taken:
            taken[known] += 1
            name = f"{stem}-{taken[known]}"
        taken[_folded(name)] = 1
        chosen.append(name)
    return chosen


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())


def _fitting(stem: str) -> str:
    """The beginning of a name, so that an ending and a number fit into 255 bytes."""
    stem = stem[:_LONGEST]
    while len(os.fsencode(stem)) > _LONGEST:
        stem = stem[:-1]
    return stem
