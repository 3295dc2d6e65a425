"""Where images come from: files under the session's roots, uploads, and samples."""

from __future__ import annotations

import importlib.util
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import white_of
from spel.data import street
from spel.errors import FormatError, ImageReadError, ParameterError
from spel.io import describe, read as read_image
from spel.io.isolation import AVAILABLE
from spel.io.large import is_zarr
from spel.io.sources import expand
from spel.studio.digits import digit
from spel.studio.document import Box

MAX_PIXELS = 64_000_000
MAX_NAME = 80

Array = npt.NDArray[Any]

MATRIX: Array = np.array(
    [[6, 1, 7, -9], [9, 8, -2, -17], [12, 13, -10, -19], [11, 11, -9, -13]], np.float32
)
"""J of the lecture's slide about ReLU."""
_MATRIX_CODE = (f"image = np.array({MATRIX.tolist()})[..., None]",)
UNSEEN = 10**6
"""Seeds from here on make digits that no classifier was fitted to."""
_DIGIT_CODE = ("from spel.studio.digits import digit", "", f"image = digit(5, seed={UNSEEN})")
_STREETS_CODE = (
    "from spel.data import street",
    "",
    "image = np.stack([street(seed).image for seed in (3, 5, 7)])",
)


@dataclass(frozen=True)
class Source:
    """One image: where it comes from, its name on the page, and the code that makes it."""

    id: str
    name: str
    read: Callable[[], Array]
    path: Path | None = None
    truth: Callable[[], tuple[Box, ...]] | None = None
    code: tuple[str, ...] = ()
    white: Callable[[Array], float | None] = white_of


def files(paths: Sequence[str | os.PathLike[str]], roots: Sequence[Path] = ()) -> list[Source]:
    """Image files, folders of them and lists as sources; the ids do not reveal the paths.

    Raises
    ------
    ParameterError
        If a file lies outside of all `roots`, links resolved.
    """
    sources = []
    allowed = [Path(os.path.realpath(root)) for root in roots]
    for path in expand([os.fspath(p) for p in paths]) if paths else []:
        real = Path(os.path.realpath(path))
        if allowed and not any(real.is_relative_to(root) for root in allowed):
            raise ParameterError(f"{path}: it lies outside of {', '.join(map(str, allowed))}")
        key = blake2b(os.fsencode(real), digest_size=8).hexdigest()
        sources.append(file_source(key, path.name, real))
    return sources


def file_source(id: str, name: str, path: str | os.PathLike[str]) -> Source:
    """A file as a source; links in its path are resolved now, and later ones are refused."""
    real = Path(os.path.realpath(path))
    return Source(
        id, clean_name(name), partial(_read_file, real), real, white=partial(_white_of_file, real)
    )


def _read_file(real: Path) -> Array:
    if is_zarr(real):
        return _read_zarr(real)
    # A link may have replaced the file since its path was resolved.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(real, flags | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise FormatError(f"{real.name}: it cannot be read ({error.strerror})") from None
    regular = stat.S_ISREG(os.fstat(handle).st_mode) and os.path.realpath(real) == str(real)
    if not regular:
        os.close(handle)
        raise FormatError(f"{real.name}: it is not a regular file any more, so it is not read")
    with os.fdopen(handle, "rb") as file:
        image: Array = read_image(file, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
        return image


def _read_zarr(real: Path) -> Array:
    """An image that is a folder of OME-Zarr."""
    if os.path.realpath(real) != str(real):
        raise FormatError(f"{real.name}: it is a link now, so it is not read")
    try:
        image: Array = read_image(real, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
    except ImageReadError as error:
        raise ImageReadError(str(error).replace(str(real), real.name)) from error
    return image


def _white_of_file(real: Path, array: Array) -> float | None:
    info = describe(real, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
    return white_of(array, info.range[1])


def clean_name(name: str) -> str:
    """A file name as harmless text: no control characters, not too long.

    Examples
    --------
    >>> clean_name("a\\x1b[31m\\n<b>.png")
    'a [31m <b>.png'
    """
    text = "".join(c if c.isprintable() else " " for c in name.encode("utf-8", "replace").decode())
    return text.strip()[:MAX_NAME] or "image"


def samples() -> list[Source]:
    """Images that need no file: rendered streets with known plates, and scikit-image's pictures."""
    return [_street_source(seed) for seed in (3, 7, 11, 5)] + _scikit_image_sources()


def lesson_sources() -> list[Source]:
    """The images of the lessons, which need no file either."""
    return [
        *samples(),
        Source("lesson-matrix", "J", lambda: MATRIX, code=_MATRIX_CODE),
        Source("lesson-digit", "five", lambda: digit(5, seed=UNSEEN), code=_DIGIT_CODE),
        Source("lesson-streets", "three streets", _three_streets, code=_STREETS_CODE),
    ]


def _three_streets() -> Array:
    return np.stack([street(seed).image for seed in (3, 5, 7)])


def _street_source(seed: int) -> Source:
    def truth() -> tuple[Box, ...]:
        return tuple(Box(*box) for box in street(seed).boxes.tolist())

    return Source(
        f"street-{seed}",
        f"street {seed}",
        lambda: street(seed).image,
        truth=truth,
        code=("from spel.data import street", "", f"image = street({seed}).image"),
    )


def _scikit_image_sources() -> list[Source]:
    """Pictures that are part of the installed scikit-image; nothing is downloaded."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(spec.submodule_search_locations[0]) / "data"
    names = {"coins.png": "coins", "cell.png": "cell", "ihc.png": "tissue"}
    return [
        replace(file_source(f"sample-{name}", name, folder / file), path=None)
        for file, name in names.items()
        if (folder / file).is_file()
    ]
