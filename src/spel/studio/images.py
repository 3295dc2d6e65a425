"""The images of a session: files under its roots, uploads and rendered samples, by opaque ids."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ParameterError

MAX_PIXELS = 64_000_000
MAX_SHOWN = 4_000_000
"""Larger images are shown and edited at a whole fraction of their size."""
KEPT = 24

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Source:
    """One image: where it comes from, what it is called on the page, and the code that makes it."""

    id: str
    name: str
    read: Callable[[], npt.NDArray[Any]]
    path: Path | None = None
    truth: Callable[[], tuple[Box, ...]] | None = None
    code: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Loaded:
    """An image in memory.

    Attributes
    ----------
    array : (rows, cols, channels) array
    digest : str
        Of its content: results are found by it.
    reduced : int
        1, or every so many spels of the file were taken.
    """

    id: str
    name: str
    array: npt.NDArray[Any]
    digest: str
    reduced: int = 1

    @property
    def size(self) -> tuple[int, int]:
        return int(self.array.shape[0]), int(self.array.shape[1])


class Images:
    """Sources in order, and the last few that were read."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources: dict[str, Source] = {}
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = threading.Lock()
        for source in sources:
            self.add(source)

    def add(self, source: Source) -> Source:
        """Take a source; its name gets a number if another one has it."""
        with self._lock:
            if source.id in self._sources:
                return self._sources[source.id]
            names = {s.name for s in self._sources.values()}
            name, number = source.name, 2
            while name in names:
                name, number = f"{source.name} ({number})", number + 1
            kept = replace(source, name=name)
            self._sources[source.id] = kept
            return kept

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(tuple(self._sources.values()))

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, id: object) -> bool:
        return id in self._sources

    def source(self, id: str) -> Source:
        if id not in self._sources:
            raise ParameterError(f"no image {id[:40]!r}; reload the page")
        return self._sources[id]

    def load(self, id: str) -> Loaded:
        """The image, read at most once while it is among the last few."""
        source = self.source(id)
        with self._lock:
            if id in self._loaded:
                self._loaded.move_to_end(id)
                return self._loaded[id]
        array = _flat(source.read(), source.name)
        reduced = int(np.ceil(np.sqrt(array.shape[0] * array.shape[1] / MAX_SHOWN)))
        array = np.ascontiguousarray(array[::reduced, ::reduced])
        array.setflags(write=False)
        found = Loaded(id, source.name, array, digest_of(array), reduced)
        with self._lock:
            self._loaded[id] = found
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        return found


def _flat(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    array = np.asarray(array)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim == 4:
        array = array[len(array) // 2]  # a volume is shown by its middle plane
    if array.ndim != 3 or 0 in array.shape:
        raise FormatError(f"{name}: an array of shape {array.shape}; expected an image")
    return array


def digest_of(array: npt.NDArray[Any]) -> str:
    """Hash of an array's type, shape and bytes."""
    digest = blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def files(paths: Sequence[str | os.PathLike[str]], roots: Sequence[Path] = ()) -> list[Source]:
    """Image files, folders of them and lists as sources; ids tell nothing about the path."""
    from spel.io.sources import expand

    found = []
    allowed = [Path(os.path.realpath(root)) for root in roots]
    for path in expand([os.fspath(p) for p in paths]) if paths else []:
        real = Path(os.path.realpath(path))
        if allowed and not any(real.is_relative_to(root) for root in allowed):
            raise ParameterError(f"{path}: it lies outside of {', '.join(map(str, allowed))}")
        key = blake2b(os.fsencode(real), digest_size=8).hexdigest()
        found.append(Source(key, clean_name(path.name), _reader(real), real))
    return found


def _reader(real: Path) -> Callable[[], npt.NDArray[Any]]:
    def read() -> npt.NDArray[Any]:
        from spel.io import read as read_image

        # No link may have come in its place since the path was resolved.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            handle = os.open(real, flags | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise FormatError(f"{real.name}: cannot be read ({error.strerror})") from None
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode) or os.path.realpath(real) != str(real):
                raise FormatError(f"{real.name}: no plain file any more; it is not read")
            return read_image(file, max_pixels=MAX_PIXELS)

    return read


def clean_name(name: str) -> str:
    """A file name as harmless text: no control characters, not too long.

    Examples
    --------
    >>> clean_name("a\\x1b[31m\\n<b>.png")
    'a [31m <b>.png'
    """
    text = "".join(c if c.isprintable() else " " for c in name.encode("utf-8", "replace").decode())
    return text.strip()[:80] or "image"


def samples() -> list[Source]:
    """Images that need no file: rendered streets with known plates, and scikit-image's coins."""
    found = []
    for seed, name in ((3, "street 3"), (7, "street 7"), (11, "street 11"), (5, "street 5")):
        code = ("from spel.data import street", "", f"image = street({seed}).image")
        found.append(
            Source(f"street-{seed}", name, _street(seed), truth=_street_truth(seed), code=code)
        )
    return found + _bundled()


def _street(seed: int) -> Callable[[], npt.NDArray[Any]]:
    def read() -> npt.NDArray[Any]:
        from spel.data import street

        return street(seed).image

    return read


def _street_truth(seed: int) -> Callable[[], tuple[Box, ...]]:
    def truth() -> tuple[Box, ...]:
        from spel.data import street

        return tuple(tuple(box) for box in street(seed).boxes.tolist())

    return truth


def _bundled() -> list[Source]:
    """Pictures that lie in scikit-image's own package; nothing is fetched."""
    import importlib.util

    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(spec.submodule_search_locations[0]) / "data"
    names = (("coins.png", "coins"), ("cell.png", "cell"), ("ihc.png", "tissue"))
    found = []
    for file, name in names:
        path = Path(os.path.realpath(folder / file))
        if path.is_file():
            found.append(Source(f"sample-{name}", name, _reader(path)))
    return found
