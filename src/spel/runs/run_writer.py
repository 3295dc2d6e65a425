"""Outcomes as lines: results or failures first, then the manifest that confirms them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from time import monotonic, perf_counter
from typing import Any

from spel import atomic
from spel.errors import WriteError
from spel.lines import LineWriter
from spel.runs.manifest import Entry, Manifest, checksum
from spel.runs.resume import NO_LINE, ResumeState
from spel.runs.run_files import RunFiles
from spel.runs.source_image import Record
from spel.runs.split import End
from spel.runs.task import Failure, Outcome

SYNC_SECONDS, SYNC_LINES = 1.0, 64
"""Time and number of lines between two flushes to the disk."""
NEVER = 1 << 30
"""In place of a number of lines: the writer itself never flushes, `RunWriter` does."""


class RunWriter:
    """Appends the outcomes of tasks and confirms them in the manifest.

    `config` is what ``run.json`` states besides the counts, and `remaining` are the inputs that are
    still to be done.
    """

    def __init__(
        self,
        stack: ExitStack,
        files: RunFiles,
        manifest: Manifest,
        state: ResumeState,
        config: dict[str, Any],
        counted: str,
        remaining: set[str],
    ) -> None:
        self._results, self._failed_lines = (
            stack.enter_context(LineWriter(path, sync_every=NEVER))
            for path in (files.results, files.failures)
        )
        self._manifest, self._files, self._config = manifest, files, config
        self._counted = counted
        self.remaining = remaining
        self.done, self.failed, self.items = state.images, state.failed, state.counted
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
        result: Record | Failure | End = outcome.result
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

    def _write_line(self, result: Record | Failure | End) -> str:
        """Append the line of a result or failure; the end of a split source has none."""
        if isinstance(result, End):
            return ""
        self.done += 1
        if isinstance(result, Failure):
            self._check_folder()
            line = json.dumps(result.to_dict())
            self._failed_lines.append(line)
            self.failures.append(result)
            self.failed += 1
        else:
            values = result.to_dict()
            line = json.dumps(values, allow_nan=False)
            self._results.append(line)
            self.items += len(values.get(self._counted, ()))
        return line

    def _check_folder(self) -> None:
        if not self._files.manifest.exists():
            raise WriteError(
                f"{self._files.folder}: the folder of the run has vanished; when it is back, the "
                "same command goes on"
            )

    def _sync(self) -> None:
        self._check_folder()
        self._results.flush()
        self._failed_lines.flush()
        self._manifest.flush()
        self._synced, self._pending = monotonic(), 0

    def _write_summary(self, *, complete: bool) -> None:
        totals = {
            "complete": complete,
            "done": self.done,
            "failed": self.failed,
            **({self._counted: self.items} if self._counted else {}),
            "seconds": round(self.seconds, 3),
        }
        text = json.dumps({**self._config, **totals}, indent=1, allow_nan=False) + "\n"
        atomic.write_text(self._files.summary, text)
