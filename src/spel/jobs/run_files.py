"""The files of a run: results, failures, manifest and ``run.json``, written in that order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from spel import atomic
from spel.io.annotation.results import Result
from spel.jobs.resume import NO_LINE, ResumeState
from spel.jobs.video import VideoEnd
from spel.lines import LineWriter
from spel.runs import Entry, Failure, Manifest, Outcome, Shard
from spel.runs.manifest import checksum

SYNC_SECONDS, SYNC_LINES = 1.0, 64
"""Time and number of lines between two flushes to the disk."""
NEVER = 1 << 30
"""In place of a number of lines: the writer itself never flushes, `RunWriter` does."""


@dataclass(frozen=True)
class RunFiles:
    """Paths of the files of a run, or of one shard of it."""

    folder: Path
    shard: Shard = field(default_factory=Shard)

    @property
    def results(self) -> Path:
        return self.folder / self.shard.name("results.jsonl")

    @property
    def failures(self) -> Path:
        return self.folder / self.shard.name("failures.jsonl")

    @property
    def manifest(self) -> Path:
        return self.folder / self.shard.name("manifest.jsonl")

    @property
    def summary(self) -> Path:
        return self.folder / self.shard.name("run.json")

    @property
    def names(self) -> set[str]:
        """Names of all of them."""
        paths = (self.results, self.failures, self.manifest, self.summary)
        return {path.name for path in paths}


def results_files(folder: Path) -> Iterator[Path]:
    """The results in the folder of a run: one file, or one per shard."""
    whole = RunFiles(folder).results
    if whole.exists():
        yield whole
    yield from sorted(folder.glob("results.*-of-*.jsonl"))


class RunWriter:
    """Appends the outcomes of tasks and confirms them in the manifest.

    Parameters
    ----------
    stack : ExitStack
        Closes the files.
    files : RunFiles
    manifest : Manifest
    state : ResumeState
        What was done before.
    config : dict
        What ``run.json`` states besides the counts.
    remaining : set of str
        Inputs that are still to be done.
    """

    def __init__(
        self,
        stack: ExitStack,
        files: RunFiles,
        manifest: Manifest,
        state: ResumeState,
        config: dict[str, Any],
        remaining: set[str],
    ) -> None:
        self._results, self._failed_lines = (
            stack.enter_context(LineWriter(path, sync_every=NEVER))
            for path in (files.results, files.failures)
        )
        self._manifest, self._summary, self._config = manifest, files.summary, config
        self.remaining = remaining
        self.done, self.failed, self.boxes = state.images, state.failed, state.boxes
        self.failures: list[Failure] = []
        self._began = perf_counter()
        self._synced, self._pending = monotonic(), 0
        self._write_summary(complete=False)

    @property
    def seconds(self) -> float:
        """Seconds since the writer was made."""
        return perf_counter() - self._began

    def add(self, outcome: Outcome) -> None:
        """Write the line of an outcome, then its entry in the manifest."""
        result: Result | Failure | VideoEnd = outcome.result
        line = self._write_line(result)
        sum_of_line = checksum(line) if line else NO_LINE
        self._manifest.add(
            Entry(result.image, outcome.failed, sum_of_line, outcome.identity, outcome.ms)
        )
        self.remaining.discard(result.image)
        self._pending += 1
        if self._pending >= SYNC_LINES or monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def close(self) -> None:
        """Flush all files and write the summary."""
        self._sync()
        self._write_summary(complete=not self.remaining)

    def _write_line(self, result: Result | Failure | VideoEnd) -> str:
        """Append the line of a result or failure; the end of a video has none."""
        if isinstance(result, VideoEnd):
            return ""
        self.done += 1
        if isinstance(result, Failure):
            line = json.dumps(result.to_dict())
            self._failed_lines.append(line)
            self.failures.append(result)
            self.failed += 1
        else:
            line = replace(result, ms=0.0).to_line()  # times differ from run to run
            self._results.append(line)
            self.boxes += len(result)
        return line

    def _sync(self) -> None:
        self._results.flush()
        self._failed_lines.flush()
        self._manifest.flush()
        self._synced, self._pending = monotonic(), 0

    def _write_summary(self, *, complete: bool) -> None:
        totals = {
            "complete": complete,
            "done": self.done,
            "failed": self.failed,
            "boxes": self.boxes,
            "seconds": round(self.seconds, 3),
        }
        text = json.dumps({**self._config, **totals}, indent=1, allow_nan=False) + "\n"
        atomic.write_text(self._summary, text)
