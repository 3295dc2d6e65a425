"""The images of a session by opaque ids: the numbers of their files, and what networks take."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import to_white
from spel.errors import FormatError, ImageReadError, ParameterError, SpelError
from spel.studio.sources import Source

MAX_LOADED_BYTES = 1 << 29
"""Images that are held in memory, besides the latest one."""
MAX_DECODING = 2
"""Images that are decoded at the same time."""
BAND = 256
"""Rows that are brought to other units at once."""
WHITE = 255.0
"""Full intensity of images in the studio, whatever their files have."""

Array = npt.NDArray[Any]
Cut = tuple[int, int]
"""The axis of a stack that a plane is orthogonal to, and its place on this axis."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """An image in memory.

    Attributes
    ----------
    values : (rows, cols, channels) array
        The numbers of the file, in its own type.
    digest : str
        Hash of the numbers, by which results are found.
    stack : tuple of int, optional
        Planes, rows and columns of the file, if it holds several planes.
    cut : tuple of int, optional
        Which plane of the stack this is.
    white : float, optional
        Full intensity of an image that is not of 8 bits.
    planes : function, optional
        Loads all planes of a stack along its first axis, of which this is one.
    """

    id: str
    name: str
    values: Array
    digest: str
    stack: tuple[int, int, int] | None = None
    cut: Cut | None = None
    white: float | None = None
    planes: Callable[[], tuple[Loaded, ...]] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.values.shape[0]), int(self.values.shape[1])

    @cached_property
    def array(self) -> Array:
        """The image as networks take it, in units of 8 bits."""
        if self.white is None or self.white == WHITE:
            return self.values
        array = np.empty(self.values.shape, np.float32)
        for row in range(0, len(array), BAND):
            array[row : row + BAND] = to_white(self.values[row : row + BAND], self.white, WHITE)
        array.setflags(write=False)
        return array

    @property
    def nbytes(self) -> int:
        """Bytes that the image takes, in both units."""
        return self.values.nbytes + (0 if self.white is None else 4 * self.values.size)


class Images:
    """Sources in order, and the images that were read last; safe to use from many threads.

    Images of lessons are found by their ids, and are not among the images of the user. The id of a
    source means its image, or the middle plane of a stack; ``"id@0.12"`` means plane
    12 along axis 0 of a stack.
    """

    def __init__(self, sources: Iterable[Source] = (), lessons: Iterable[Source] = ()) -> None:
        self._sources: dict[str, Source] = {}
        self._lessons = {source.id: source for source in lessons}
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._stack: tuple[str, Array] | None = None
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
        return id in self._sources or id in self._lessons

    @property
    def lessons(self) -> tuple[Source, ...]:
        """Images of lessons that are not among those of the user."""
        return tuple(s for id, s in self._lessons.items() if id not in self._sources)

    def source(self, id: str) -> Source:
        """The source of an image.

        Raises
        ------
        NoImageError
            If there is none.
        """
        key = source_id(id)
        source = self._sources.get(key) or self._lessons.get(key)
        if source is None:
            raise NoImageError(f"there is no image {id[:40]!r}; reload the page")
        return source

    def check(self, source: Source) -> None:
        """Read an image once, to see whether it can be read.

        Raises
        ------
        ImageReadError
            If it cannot; the message begins with the name of the image.
        """
        try:
            with self._decoding:
                _loaded(source, source.id, _read(source))
        except SpelError as error:
            raise ImageReadError(_about(source, error)) from error

    def load(self, id: str) -> Loaded:
        """The image, read only once as long as it is among the last few."""
        source = self.source(id)
        with self._lock:
            if id in self._loaded:
                self._loaded.move_to_end(id)
                return self._loaded[id]
        try:
            with self._decoding:
                loaded = _loaded(source, id, self._array(source))
        except NoImageError:
            raise
        except SpelError as error:
            message = _about(source, error)
            with self._lock:
                self._problems[source.id] = message
            raise ImageReadError(message) from error
        if loaded.stack is not None and loaded.cut is not None and loaded.cut[0] == 0:
            loaded = replace(loaded, planes=partial(self._planes, source.id, loaded.stack[0]))
        with self._lock:
            self._problems.pop(source.id, None)
            self._loaded[id] = loaded
            while len(self._loaded) > 1 and self._bytes() > MAX_LOADED_BYTES:
                self._loaded.popitem(last=False)
        return loaded

    def _planes(self, id: str, count: int) -> tuple[Loaded, ...]:
        return tuple(self.load(f"{id}@0.{plane}") for plane in range(count))

    def _bytes(self) -> int:
        return sum(image.nbytes for image in self._loaded.values())

    def _array(self, source: Source) -> Array:
        """The array of a source; the last stack stays in memory, as its planes come one by one."""
        with self._lock:
            if self._stack is not None and self._stack[0] == source.id:
                return self._stack[1]
        array = _read(source)
        if array.ndim == 4:
            with self._lock:
                self._stack = (source.id, array)
        return array

    def problem(self, id: str) -> str | None:
        """Why the image could not be read when it was last tried, or None."""
        with self._lock:
            return self._problems.get(source_id(id))


def source_id(id: str) -> str:
    """The id of the source of an image.

    Examples
    --------
    >>> source_id("3f@0.12"), source_id("3f")
    ('3f', '3f')
    """
    return id.partition("@")[0]


def _about(source: Source, error: SpelError) -> str:
    """An error as a sentence that begins with the image's name."""
    text = str(error)
    for prefix in (f"{source.name}: ", "open file: "):
        text = text.removeprefix(prefix)
    return f"{source.name}: {text}"


class NoImageError(ParameterError):
    """The session has no image of this id."""


def _read(source: Source) -> Array:
    array = np.asarray(source.read())
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise FormatError(f"{source.name}: it holds an array of shape {array.shape}, not an image")
    return array


def _loaded(source: Source, id: str, array: Array) -> Loaded:
    stack, cut, name = None, None, source.name
    if array.ndim == 4:
        stack = (int(array.shape[0]), int(array.shape[1]), int(array.shape[2]))
        cut = _cut(id, stack)
        array = np.take(array, cut[1], axis=cut[0])
        name = name if cut[0] == 0 and "@" not in id else f"{name} [{cut[0]}: {cut[1]}]"
    elif id != source.id:
        raise NoImageError(f"{source.name}: it has no planes")
    values = np.ascontiguousarray(array).view()
    values.setflags(write=False)
    white = None if values.dtype == np.uint8 else source.white(values)
    return Loaded(id, name, values, digest_of(values, white), stack, cut, white)


def _cut(id: str, stack: tuple[int, int, int]) -> Cut:
    """The plane that an id means."""
    _, marked, text = id.partition("@")
    if not marked:
        return 0, stack[0] // 2
    numbers = re.fullmatch(r"([012])\.(\d{1,9})", text)
    if numbers is None or int(numbers[2]) >= stack[int(numbers[1])]:
        raise NoImageError(f"there is no plane {text[:20]!r} in a stack of {stack}")
    return int(numbers[1]), int(numbers[2])


def digest_of(array: Array, white: float | None = None) -> str:
    """Hash of an array's type, shape and bytes, and of what full intensity is."""
    head = f"{array.dtype.str}{array.shape}" + ("" if white is None else f" {white!r}")
    digest = blake2b(head.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
