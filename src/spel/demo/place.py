"""Where the demonstration writes: the folder asked for, or a temporary one where that is closed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from spel.errors import ParameterError

DEFAULT = Path("demo")


def folder(asked: Path | None) -> tuple[Path, str]:
    """A folder that can be written, and a word if it is not the usual one.

    Raises
    ------
    ParameterError
        If the folder that was asked for cannot be written.
    """
    place = DEFAULT if asked is None else asked
    try:
        place.mkdir(parents=True, exist_ok=True)
        problem = "" if os.access(place, os.W_OK | os.X_OK) else "it may not be written"
    except OSError as error:
        problem = error.strerror or str(error)
    if not problem:
        return place, ""
    if asked is not None:
        raise ParameterError(f"{place}: {problem}; give another folder with --out")
    other = Path(tempfile.mkdtemp(prefix="spel-demo-"))
    return other, f"{place.absolute()} cannot be used ({problem}); writing to {other}"
