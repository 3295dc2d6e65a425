"""Names of the files of a run: one distinct stem for every input."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

_MAX_BYTES = 200
_OME = re.compile(r"\.ome$", re.IGNORECASE)  # of scan.ome.tif, whose mask may be an OME-TIFF too
_FRAME = re.compile(r"-[0-9]{6,}$")


@dataclass(frozen=True)
class OutputFiles:
    """Where a task writes the files of its input.

    Attributes
    ----------
    folder : str
    stem : str
        Name of the files, without what follows the first dot.
    written : bool
        False for a shard that helps another one, which writes the files.

    Examples
    --------
    >>> files = OutputFiles("out", "gate")
    >>> str(files.path("mask.png")), str(files.of_frame(30).path("mask.png"))
    ('out/gate.mask.png', 'out/gate-000030.mask.png')
    """

    folder: str
    stem: str
    written: bool = True

    def path(self, ending: str) -> Path:
        """The file with this ending."""
        return Path(self.folder) / f"{self.stem}.{ending}"

    def of_frame(self, index: int) -> OutputFiles:
        """The files of a frame of a video."""
        return replace(self, stem=f"{self.stem}-{index:06d}")


class FileNames(Container[str]):
    """Names of the files of a run: the given ones, and all that begin with a stem and a dot.

    >>> own = FileNames({"run.json"}, ["gate", "b.1"])
    >>> names = ("run.json", "gate.png", "gate-000030.mask.png", "b.1.steps.png", "c.gate.png")
    >>> [name in own for name in names]
    [True, True, True, True, False]
    """

    def __init__(self, names: Collection[str], stems: Collection[str]) -> None:
        self.names, self.stems = frozenset(names), frozenset(stems)

    def __contains__(self, name: object) -> bool:
        text = str(name)
        dots = [i for i, character in enumerate(text) if character == "."]
        beginnings = [text[:i] for i in dots]
        return text in self.names or any(
            stem in self.stems or _FRAME.sub("", stem) in self.stems for stem in beginnings
        )


def file_stems(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A distinct file name without suffix for each path: its stem, numbered where it repeats.

    Names that differ only in capitals or in their Unicode form count as equal, because some file
    systems do not distinguish them. Long names are cut so that suffixes fit.

    Examples
    --------
    >>> file_stems(["a/x.png", "b/x.jpg", "y.png", "x-2.png", "X.png"])
    ['x', 'x-2', 'y', 'x-2-2', 'X-3']
    >>> file_stems(["scan.ome.tif", "scan.OME.zarr"])
    ['scan', 'scan-2']
    """
    taken: dict[str, int] = {}
    names: list[str] = []
    for path in paths:
        stem = _shortened(_OME.sub("", Path(path).stem) or Path(path).stem)
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
