"""Appends results of detection, one JSON line per image, each flushed to the disk."""

from __future__ import annotations

import os
from typing import Any

from spel.io.annotation.results import Result
from spel.lines import LineWriter

__all__ = ["ResultsWriter"]


class ResultsWriter:
    """Appends results to a file, one line each (see `spel.lines.LineWriter`).

    Parameters
    ----------
    path : str or path
        Created if absent, continued if present.
    sync_every : int
        Number of lines between two flushes to the disk.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from spel.io.annotation.results import read_results
    >>> name = tempfile.mkdtemp() + "/results.jsonl"
    >>> empty = Result("a.png", (4, 6), np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    >>> with ResultsWriter(name) as writer:
    ...     writer.append(empty)
    >>> read_results(name) == [empty]
    True
    """

    def __init__(self, path: str | os.PathLike[str], *, sync_every: int = 1) -> None:
        self._lines = LineWriter(path, sync_every=sync_every)

    def append(self, result: Result) -> None:
        """Add one line."""
        self._lines.append(result.to_line())

    def flush(self) -> None:
        """Flush all lines to the disk."""
        self._lines.flush()

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        self._lines.close()

    def __enter__(self) -> ResultsWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self._lines.__exit__(*error)
