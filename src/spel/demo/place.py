"""Where the demonstration writes: the requested folder, or a temporary one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from spel.errors import ParameterError

DEFAULT = Path("demo")


def writable_folder(requested: Path | None) -> tuple[Path, str]:
    """A folder that can be written, and a message if it is not the default one.

    Raises
    ------
    ParameterError
        If the requested folder cannot be written.
    """
    place = DEFAULT if requested is None else requested
    try:
        place.mkdir(parents=True, exist_ok=True)
        problem = "" if os.access(place, os.W_OK | os.X_OK) else "no permission to write there"
    except OSError as error:
        problem = error.strerror or str(error)
    if not problem:
        return place, ""
    if requested is not None:
        raise ParameterError(f"{place}: {problem}; give another folder with --out")
    other = Path(tempfile.mkdtemp(prefix="spel-demo-"))
    return other, f"{place.absolute()} cannot be used ({problem}); writing to {other}"
