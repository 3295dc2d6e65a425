"""Sums in a file, with the number of portions they contain, so that a stopped run can continue."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spel.atomic import write_bytes
from spel.linear import ExactMoments

EVERY_S = 20.0
"""Seconds between two saves."""


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
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="numpy") as file:
                about = file.metadata() or {}
                if about.get("key") != self.key:
                    return 0
                portions = int(about["portions"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, KeyError):  # no file, or not one of sums
            return 0
        shapes = {name: array.shape for name, array in sums.arrays().items()}
        if any(name not in arrays or arrays[name].shape != shapes[name] for name in shapes):
            return 0
        sums.restore(arrays)
        return portions

    def save(self, sums: ExactMoments, portions: int, *, now: bool = False) -> None:
        """Save the sums over the first portions, if `every_s` seconds have passed or `now`."""
        from safetensors.numpy import save as to_bytes

        if not now and time.monotonic() - self._saved_at < self.every_s:
            return
        about = {"key": self.key, "portions": str(portions)}
        arrays = {name: np.ascontiguousarray(a) for name, a in sums.arrays().items()}
        write_bytes(self.path, to_bytes(arrays, metadata=about))
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def key_of(settings: Mapping[str, Any], paths: Sequence[str], classes: Sequence[str]) -> str:
    """A hash of the settings, and of each file's name, size, time of change and class."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for path, name in zip(paths, classes):
        status = os.stat(path)
        line = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{name}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
