"""The files of a run: results, failures, manifest and ``run.json``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spel.runs.shard import Shard


@dataclass(frozen=True)
class RunFiles:
    """Paths of the files of a run, or of one shard of it.

    Parameters
    ----------
    folder : path
    shard : Shard
    """

    folder: Path
    shard: Shard = field(default_factory=Shard)

    @property
    def results(self) -> Path:
        """A line of JSON for each input that was done: ``results.jsonl``."""
        return self.folder / self.shard.name("results.jsonl")

    @property
    def failures(self) -> Path:
        """A line of JSON for each input that failed: ``failures.jsonl``."""
        return self.folder / self.shard.name("failures.jsonl")

    @property
    def manifest(self) -> Path:
        """What the run is and which inputs are done: ``manifest.jsonl``."""
        return self.folder / self.shard.name("manifest.jsonl")

    @property
    def summary(self) -> Path:
        """Settings, counts and times of the whole run: ``run.json``."""
        return self.folder / self.shard.name("run.json")

    def collected(self, ending: str) -> Path:
        """A file that is made of all results: ``results.csv``, or ``results.2-of-3.csv``."""
        return self.folder / self.shard.name(f"results.{ending}")

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
