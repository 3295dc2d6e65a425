"""Work on one image that all workers share: what each part gives is stored, and taken in order."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable
from zipfile import BadZipFile

import numpy as np

from spel import atomic
from spel.core.threads import threads
from spel.errors import FormatError
from spel.runs.shard import Shard
from spel.runs.task import Identity, Outcome, PartError, Task

Item = TypeVar("Item")
Taken = TypeVar("Taken")

RunParts = Callable[[Iterable[Task]], Iterator[Outcome]]
"""Runs tasks in the workers of a run, and gives their outcomes in order."""

KEY = "key"
ENDING = "parts"


@runtime_checkable
class SpreadTask(Protocol):
    """What a task returns that leaves its work to all workers: `spread` gives the record."""

    @property
    def image(self) -> str:
        """Path of the input."""

    def spread(self, run: RunParts, identity: Identity | None) -> Any:
        """The record; called in the process of the run, which computes no part itself."""


@dataclass(frozen=True, eq=False)
class PartTask:
    """One call of a function; its value is stored in a file if there is a place for it."""

    image: str
    identity: Identity | None
    threads: int
    function: Callable[[Any], Any]
    item: Any
    place: Path | None

    def __call__(self) -> Any:
        with threads(self.threads):
            value = self.function(self.item)
        return value if self.place is None else store(self.place, value)


@dataclass(frozen=True)
class PartFolder:
    """A folder for the parts of one image, which a run finds again after it was killed.

    Parts of another key, which is what they depend on, are removed.
    """

    path: Path
    key: str

    def open(self) -> None:
        """Create the folder, or take what an earlier run or another shard has left in it."""
        place = self.path / KEY
        if place.exists() and place.read_text() == self.key:
            return
        self.remove()
        atomic.make_folder(self.path)
        atomic.write_text(place, self.key)

    def remove(self) -> None:
        """Remove the folder with all parts."""
        shutil.rmtree(self.path, ignore_errors=True)

    def place(self, number: int, index: int) -> Path:
        """The file of a part of a pass."""
        return self.path / f"{number:02d}-{index:06d}.npz"


@dataclass
class Workers:
    """A `Mapping` whose calls are tasks of the workers of a run, stored as they are done.

    Without a folder, values come back from the workers, and nothing can be resumed. Of several
    shards, each begins with its own parts, and then takes those of the others from the last one on.
    """

    image: str
    identity: Identity | None
    run: RunParts
    folder: PartFolder | None = None
    threads: int = 1
    shard: Shard = field(default_factory=Shard)
    passes: int = 0

    def __call__(
        self, function: Callable[[Item], Taken], items: Iterable[Item], /
    ) -> Iterator[Taken]:
        number, self.passes = self.passes, self.passes + 1
        listed = items if isinstance(items, Sequence) else list(items)
        values = partial(self._values, number, function, listed)
        order = range(len(listed))
        if self.shard.count > 1 and self.folder is not None:
            own = self.shard.select(order)
            others = sorted(set(order) - set(own), reverse=True)
            for _ in values([*own, *others]):
                pass
        return values(order)

    def _values(
        self,
        number: int,
        function: Callable[[Item], Taken],
        items: Sequence[Item],
        order: Iterable[int],
    ) -> Iterator[Any]:
        """The values of some parts; those that are stored are not computed again."""
        waiting: deque[tuple[Path | None, bool]] = deque()

        def missing() -> Iterator[PartTask]:
            for index in order:
                place = None if self.folder is None else self.folder.place(number, index)
                stored = place is not None and place.exists()
                waiting.append((place, stored))
                if not stored:
                    about = self.image, self.identity, self.threads
                    yield PartTask(*about, function, items[index], place)

        for outcome in self.run(missing()):
            while waiting[0][1]:
                yield load(waiting.popleft()[0])
            if outcome.failed:
                raise PartError(outcome.result)
            place, _ = waiting.popleft()
            yield outcome.result if place is None else load(place)
        for place, _ in waiting:
            yield load(place)


def remove_parts(folder: Path) -> None:
    """Remove the parts of all images that were not done in the folder of a run."""
    for key in folder.glob(f"*.{ENDING}/{KEY}"):
        shutil.rmtree(key.parent, ignore_errors=True)


def store(place: Path, value: Any) -> None:
    """Store an array, or a tuple of arrays and numbers; they are compressed, but for decimals."""
    arrays = {f"{i}": one for i, one in enumerate(value)} if isinstance(value, tuple) else {}
    if not isinstance(value, tuple):
        arrays["array"] = value
    whole = all(np.asarray(one).dtype.kind in "iubV" for one in arrays.values())
    with atomic.replacing(place) as temporary, temporary.open("wb") as file:
        (np.savez_compressed if whole else np.savez)(file, **arrays)


def load(place: Path | None) -> Any:
    """What `store` has stored; a damaged file, or none, is a FormatError."""
    assert place is not None
    try:
        with np.load(place, allow_pickle=False) as file:
            if "array" in file:
                return file["array"]
            return tuple(file[str(i)][()] for i in range(len(file.files)))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise FormatError(
            f"{os.fspath(place)}: a stored part of an image cannot be read ({error}); use --fresh "
            "to compute it again"
        ) from error
