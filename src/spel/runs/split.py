"""Sources that are split into parts, each a task of its own, such as the frames of a video."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from spel.runs.image_task import ImageTask
from spel.runs.shard import Shard
from spel.runs.sources import Sources
from spel.runs.task import Failure, Identity, Task

OnSplit = Callable[[int], None]
"""Called when a source is opened, with the number of parts that it is expected to give."""


@runtime_checkable
class SplitTask(Protocol):
    """A source whose work is done by the tasks of its parts."""

    @property
    def image(self) -> str:
        """Path of the source."""

    def parts(
        self, done: Collection[str], shard: Shard, seconds: float | None, on_split: OnSplit | None
    ) -> Generator[Task, None, None]:
        """A task for every part of this shard that is not done, then an `EndTask`."""


@dataclass(frozen=True)
class End:
    """All parts of a source are done; it has no line in the results."""

    image: str


@dataclass(frozen=True)
class EndTask:
    """The last task of a source: `End`, or why the source stopped before its end."""

    image: str
    identity: Identity | None
    failure: Failure | None = None

    def __call__(self) -> End | Failure:
        return self.failure or End(self.image)


def with_parts(
    tasks: Iterable[Task],
    done: Collection[str] = (),
    shard: Shard | None = None,
    seconds: float | None = None,
    on_split: OnSplit | None = None,
) -> Generator[Task, None, None]:
    """The tasks, with each source that is split replaced by its parts, one source at a time."""
    part = shard or Shard()
    for task in tasks:
        if isinstance(task, SplitTask):
            yield from task.parts(done, part, seconds, on_split)
        elif isinstance(task, ImageTask):
            yield replace(task, shard=part)
        else:
            yield task


def tasks_of_shard(tasks: Sequence[Task], shard: Shard) -> list[Task]:
    """The tasks of a shard; all shards share the parts of a source that is split."""
    own = {id(task) for task in shard.select(tasks)}
    return [task for task in tasks if id(task) in own or isinstance(task, SplitTask)]


def sources_of(tasks: Iterable[Task]) -> Sources:
    """The sources of a run with these tasks."""
    tasks = list(tasks)
    split = [task.image for task in tasks if isinstance(task, SplitTask)]
    return Sources([task.image for task in tasks], split)
