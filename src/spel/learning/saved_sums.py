"""Sums in a file, with the number of portions they contain, so that a stopped run can continue."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from spel.atomic import replacing
from spel.linear import ExactMoments

EVERY_S = 20.0
"""Seconds between two saves."""

ABOUT = "about"
"""The name of the array that holds the key and the number of portions, as JSON."""


class SavedSums:
    """A file with sums over the first portions of the images.

    Parameters
    ----------
    path : path
    key : str
        A hash of all that the sums depend on; a file with another key is ignored.
    every_s : float
        Seconds between two saves.
    """

    def __init__(self, path: str | os.PathLike[str], key: str, *, every_s: float = EVERY_S) -> None:
        self.path, self.key, self.every_s = Path(path), key, every_s
        self._saved_at = time.monotonic()

    def restore(self, sums: ExactMoments) -> int:
        """Put the saved sums into `sums`, and return the number of portions in them."""
        try:
            with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(str(file[ABOUT]))
                fits = about["key"] == self.key and about["shapes"] == _shapes(sums)
                if not fits or file.zip.testzip():
                    return 0
                sums.restore(file)
                return int(about["portions"])
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):  # no file, or another one
            return 0

    def save(self, sums: ExactMoments, portions: int, *, now: bool = False) -> None:
        """Save the sums over the first portions, if `every_s` seconds have passed or `now`."""
        if not now and time.monotonic() - self._saved_at < self.every_s:
            return
        about = json.dumps({"key": self.key, "portions": portions, "shapes": _shapes(sums)})
        arrays: dict[str, Any] = {ABOUT: np.array(about), **sums.arrays()}
        with replacing(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)  # one after the other, so without a copy of all in memory
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _shapes(sums: ExactMoments) -> dict[str, list[int]]:
    """The shapes of the arrays of the sums."""
    return {name: list(array.shape) for name, array in sums.arrays().items()}


def key_of(settings: Mapping[str, Any], paths: Sequence[str], classes: Sequence[str]) -> str:
    """A hash of the settings, and of each file's name, size, time of change and class."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for path, name in zip(paths, classes):
        status = os.stat(path)
        line = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{name}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
