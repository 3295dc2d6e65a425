"""Resuming a run: the files of an earlier run, made to agree with its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spel.atomic import replacing
from spel.runs.manifest import Entry, Manifest, checksum
from spel.runs.sources import Sources
from spel.runs.task import Identity

NO_LINE = ""
"""In place of a checksum, in the entry of a source whose parts are all done."""


@dataclass(frozen=True)
class ResumeState:
    """What an earlier run into the same folder has done.

    Attributes
    ----------
    done : frozenset of str
        Images, parts of split sources such as frames, and sources whose parts are all done.
    failed, counted : int
        Failures among them, and items that the job counts, such as boxes.
    images : int
        Number of them that have a line in the results or the failures.
    changed : tuple of str
        Files that were done but have changed since; they are done again.
    """

    done: frozenset[str]
    failed: int
    counted: int
    images: int
    changed: tuple[str, ...]


def reconcile(
    manifest: Manifest,
    files: tuple[Path, Path],
    sources: Sources,
    *,
    retry: bool = False,
    counted: str = "",
) -> ResumeState:
    """Make the lines of results and failures and the entries of the manifest the same set.

    An input is done if it has an entry in the manifest and an undamaged line, still belongs to the
    run, and its file has not changed. All other lines and entries are removed: they were not
    confirmed before a crash, their inputs have changed, or they failed and are tried again. A split
    source whose parts are not all done is read again.
    """
    valid, changed = _valid_entries(manifest, sources, retry)
    counts = _keep_lines(files, valid, counted)
    incomplete = sources.incomplete(manifest.entries, counts)
    if incomplete:
        valid = {name: entry for name, entry in valid.items() if name not in incomplete}
        counts = _keep_lines(files, valid, counted)
    entries = [entry for name, entry in valid.items() if name in counts]
    if len(entries) < len(manifest.entries):
        manifest.rewrite(entries)
    done = frozenset(entry.image for entry in entries)
    return ResumeState(
        done,
        failed=sum(entry.failed for entry in entries),
        counted=sum(counts[name] for name in done),
        images=sum(entry.line != NO_LINE for entry in entries),
        changed=tuple(changed),
    )


def sort_lines(path: Path, sources: Sources) -> None:
    """Bring the lines of a file into the order of the sources."""
    lines = list(read_lines(path))
    keys = [sources.rank(name) for _, name, _ in lines]
    if all(a <= b for a, b in pairwise(keys)):
        return
    order = sorted(range(len(lines)), key=lambda i: (keys[i], i))
    _write(path, [lines[i][0] for i in order])


def read_lines(path: Path, counted: str = "") -> Iterator[tuple[bytes, str, int]]:
    """Whole lines of a file, the name of the image (empty if there is none), and counted items."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                values = json.loads(line)
                image = values["image"]
            except (ValueError, KeyError, TypeError, RecursionError):
                image, values = "", {}
            items = values.get(counted) if isinstance(values, dict) else None
            count = len(items) if isinstance(items, list) else 0
            yield line[:-1], image if isinstance(image, str) else "", count


def _valid_entries(
    manifest: Manifest, sources: Sources, retry: bool
) -> tuple[dict[str, Entry], list[str]]:
    """Entries of unchanged inputs of the run, and the inputs that have changed."""
    valid: dict[str, Entry] = {}
    changed: dict[str, None] = {}
    unchanged: dict[tuple[str, Identity | None], bool] = {}  # a video has many entries
    for name, entry in manifest.entries.items():
        if name not in sources or (retry and entry.failed):
            continue
        file = sources.split(name)[0], entry.identity
        if file not in unchanged:
            unchanged[file] = _is_unchanged(*file)
        if unchanged[file]:
            valid[name] = entry
        else:
            changed[file[0]] = None
    return valid, list(changed)


def _is_unchanged(source: str, identity: Identity | None) -> bool:
    if identity is None:  # the file could not be read at all
        return Identity.of(source, contents=False) is None
    return identity.matches(source)


def _keep_lines(files: tuple[Path, Path], valid: dict[str, Entry], counted: str) -> dict[str, int]:
    """Keep the lines of valid entries in both files; counts by image, 0 for one without a line."""
    counts = {name: 0 for name, entry in valid.items() if entry.line == NO_LINE}
    for failed, path in zip((False, True), files, strict=True):
        counts |= _keep_lines_of(path, failed, valid, counted)
    return counts


def _keep_lines_of(
    path: Path, failed: bool, valid: dict[str, Entry], counted: str
) -> dict[str, int]:
    """Keep the lines of valid entries, each once; counts by image."""
    counts: dict[str, int] = {}
    lines: list[bytes] = []
    removed = False
    for line, name, count in read_lines(path, counted):
        entry = valid.get(name)
        confirmed = entry is not None and entry.failed == failed and entry.line == checksum(line)
        if confirmed and name not in counts:
            counts[name] = count
            lines.append(line)
        else:
            removed = True
    if removed or (path.exists() and path.stat().st_size != sum(len(x) + 1 for x in lines)):
        _write(path, lines)
    return counts


def _write(path: Path, lines: Sequence[bytes]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
