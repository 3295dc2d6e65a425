"""The images of a session: files under its roots, uploads and rendered samples, by opaque ids."""

from __future__ import annotations

import importlib.util
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import to_white, white_of
from spel.data import street
from spel.errors import FormatError, ImageReadError, ParameterError, SpelError
from spel.io import describe, read as read_image
from spel.io.isolation import AVAILABLE
from spel.io.sources import expand
from spel.studio.document import Box

MAX_PIXELS = 64_000_000
MAX_SHOWN = 4_000_000
"""Images of more pixels are shown and edited at a fraction 1/2, 1/3, ... of their size."""
MAX_LOADED = 24
"""Images that are held in memory."""
MAX_DECODING = 2
"""Images in full size that are in memory at the same time."""
MAX_NAME = 80
WHITE = 255.0
"""Full intensity of images in the studio, whatever their files have."""

Array = npt.NDArray[Any]


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


@dataclass(frozen=True, eq=False)
class Loaded:
    """An image in memory.

    Attributes
    ----------
    array : (rows, cols, channels) array
    digest : str
        Hash of its content, by which results are found.
    reduced : int
        Every so many rows and columns of the file were taken; 1 for the whole image.
    planes : int
        Planes of the file.
    plane : int, optional
        The plane that is shown, if the file holds several.
    white : float, optional
        Full intensity of an image that is not of 8 bits; its array is in units of 8 bits.
    """

    id: str
    name: str
    array: Array
    digest: str
    reduced: int = 1
    planes: int = 1
    plane: int | None = None
    white: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.array.shape[0]), int(self.array.shape[1])


class Images:
    """Sources in order, and the images that were read last; safe to use from many threads."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources: dict[str, Source] = {}
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._lock = threading.Lock()
        self._decoding = threading.BoundedSemaphore(MAX_DECODING)
        for source in sources:
            self.add(source)

    def add(self, source: Source) -> Source:
        """Add a source; a number is appended to its name if another source has the same name."""
        with self._lock:
            if source.id in self._sources:
                return self._sources[source.id]
            names = {s.name for s in self._sources.values()}
            name, number = source.name, 2
            while name in names:
                name, number = f"{source.name} ({number})", number + 1
            added = replace(source, name=name)
            self._sources[source.id] = added
            return added

    def __iter__(self) -> Iterator[Source]:
        return iter(tuple(self._sources.values()))

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, id: object) -> bool:
        return id in self._sources

    def source(self, id: str) -> Source:
        """The source of this id.

        Raises
        ------
        NoImageError
            If there is none.
        """
        if id not in self._sources:
            raise NoImageError(f"there is no image {id[:40]!r}; reload the page")
        return self._sources[id]

    def check(self, source: Source) -> None:
        """Read an image once, to see whether it can be read."""
        with self._decoding:
            _load(source)

    def load(self, id: str) -> Loaded:
        """The image, read only once as long as it is among the last few."""
        source = self.source(id)
        with self._lock:
            if id in self._loaded:
                self._loaded.move_to_end(id)
                return self._loaded[id]
        try:
            with self._decoding:
                loaded = _load(source)
        except SpelError as error:
            message = _about(source, error)
            with self._lock:
                self._problems[id] = message
            raise ImageReadError(message) from error
        with self._lock:
            self._problems.pop(id, None)
            self._loaded[id] = loaded
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
        return loaded

    def problem(self, id: str) -> str | None:
        """Why the image could not be read when it was last tried, or None."""
        with self._lock:
            return self._problems.get(id)


def _about(source: Source, error: SpelError) -> str:
    """An error as a sentence that begins with the image's name."""
    text = str(error)
    for prefix in (f"{source.name}: ", "open file: "):
        text = text.removeprefix(prefix)
    return f"{source.name}: {text}"


class NoImageError(ParameterError):
    """The session has no image of this id."""


def _load(source: Source) -> Loaded:
    array = np.asarray(source.read())
    array = array[..., None] if array.ndim == 2 else array
    planes, plane = 1, None
    if array.ndim == 4:
        planes, plane = len(array), len(array) // 2
        array = array[plane]
    if array.ndim != 3 or 0 in array.shape:
        raise FormatError(f"{source.name}: it holds an array of shape {array.shape}, not an image")
    reduced = int(np.ceil(np.sqrt(array.shape[0] * array.shape[1] / MAX_SHOWN)))
    array = np.ascontiguousarray(array[::reduced, ::reduced])
    white = None if array.dtype == np.uint8 else source.white(array)
    if white is not None:
        array = to_white(array, white, WHITE)
    array.setflags(write=False)
    return Loaded(source.id, source.name, array, digest_of(array), reduced, planes, plane, white)


def digest_of(array: Array) -> str:
    """Hash of an array's type, shape and bytes."""
    digest = blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# -- sources -------------------------------------------------------------------------------------


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
    # A link may have replaced the file since its path was resolved.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(real, flags | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise FormatError(f"{real.name}: it cannot be read ({error.strerror})") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or os.path.realpath(real) != str(real):
            raise FormatError(f"{real.name}: it is not a regular file any more, so it is not read")
        image: Array = read_image(file, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
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


def _street_source(seed: int) -> Source:
    def truth() -> tuple[Box, ...]:
        return tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in street(seed).boxes.tolist())

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
