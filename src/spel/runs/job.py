"""What a run needs of a job: its configuration, its tasks, and what is made of their results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from spel.runs.run_files import RunFiles
from spel.runs.task import Task


@runtime_checkable
class Job(Protocol):
    """A frozen configuration that names tasks; a run knows nothing else of it.

    A task returns a record: a value with `image`, the name of its input, and `to_dict`, the plain
    values that stand in a line of ``results.jsonl``. Other files that it writes are written
    atomically, so that doing it again gives the same files.
    """

    @property
    def counted(self) -> str:
        """The entry of a record whose items the report counts, such as "boxes"; may be empty."""

    @property
    def writes_files(self) -> bool:
        """Whether the files of single images are the result; records name them in "files"."""

    def to_dict(self) -> dict[str, Any]:
        """Settings that a resumed run must share, ready for JSON."""

    def comparable(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Stored settings, perhaps of an earlier version, as they are compared."""

    def tasks(self, sources: Sequence[str], folder: str) -> Sequence[Task]:
        """A task for each source, in the order of the sources.

        Parameters
        ----------
        sources : sequence of str
            Paths of files; all inputs of the run, whatever the shard.
        folder : str
            Where tasks may write files; empty if there is no folder.
        """

    def collect(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> list[Path]:
        """Write what is made of all results, and return the files.

        Called when all tasks are done and the lines stand in the order of the sources.

        Parameters
        ----------
        files : RunFiles
            The files of the run; results first of all.
        tasks : sequence of Task
            Those of this shard.
        changed : collection of str
            Inputs of tasks that this call of `run` has done.
        """
