"""What a run has written so far, made to agree with its manifest before it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spel.atomic import replacing
from spel.jobs.video import Asked
from spel.run import Entry, Manifest
from spel.run.manifest import checksum
from spel.run.task import Identity

NO_LINE = ""
"""In place of a checksum, in the entry of a video whose frames were all given."""


@dataclass(frozen=True)
class Kept:
    """Inputs that need not be done again.

    Attributes
    ----------
    done : frozenset of str
        Images, frames of videos, and videos whose frames were all given.
    failed, boxes : int
    images : int
        How many of them have a line.
    changed : tuple of str
        Inputs that were done but are another file now; they are done again.
    """

    done: frozenset[str]
    failed: int
    boxes: int
    changed: tuple[str, ...]
    images: int


def agreed(
    manifest: Manifest, files: tuple[Path, Path], asked: Asked, *, retry: bool = False
) -> Kept:
    """Make the lines of results and failures and the manifest's entries the same set.

    An input is done if the manifest says so, its line is there unharmed, the input is still asked
    for and is still the same file. All other lines go: they were not confirmed before a crash, or
    belong to inputs that changed. A video whose frames are not all done is opened again.

    Parameters
    ----------
    manifest : Manifest
    files : (path, path)
        Results and failures.
    asked : Asked
        All inputs of the run.
    retry : bool
        Do failed inputs again.
    """
    good: dict[str, Entry] = {}
    changed: dict[str, None] = {}
    still: dict[tuple[str, Identity | None], bool] = {}  # a video has many entries and one file
    for image, entry in manifest.entries.items():
        if image not in asked or (retry and entry.failed):
            continue
        source = asked.split(image)[0], entry.identity
        if source not in still:
            still[source] = _same(*source)
        if still[source]:
            good[image] = entry
        else:
            changed[source[0]] = None
    found = _all_cleaned(files, good)
    broken = asked.broken(manifest.entries, found)
    if broken:
        good = {image: entry for image, entry in good.items() if image not in broken}
        found = _all_cleaned(files, good)
    kept = [entry for image, entry in good.items() if image in found]
    if len(kept) < len(manifest.entries):
        manifest.rewrite(kept)
    done = frozenset(entry.image for entry in kept)
    failed_count = sum(entry.failed for entry in kept)
    boxes = sum(found[image] for image in done)
    lines = sum(entry.line != NO_LINE for entry in kept)
    return Kept(done, failed_count, boxes, tuple(changed), lines)


def ordered(path: Path, asked: Asked) -> None:
    """Bring the lines of a file into the order of the inputs, if they are in another one."""
    lines = list(_lines(path))
    keys = [asked.place(image) for _, image, _ in lines]
    if all(a <= b for a, b in pairwise(keys)):
        return
    chosen = sorted(range(len(lines)), key=lambda i: (keys[i], i))
    _write(path, [lines[i][0] for i in chosen])


def _same(source: str, identity: Identity | None) -> bool:
    if identity is None:  # it could not be read at all
        return Identity.of(source, contents=False) is None
    return identity.still(source)


def _all_cleaned(files: tuple[Path, Path], good: dict[str, Entry]) -> dict[str, int]:
    """Leave the lines of good entries in both files; boxes by image, 0 for what has no line."""
    found = {image: 0 for image, entry in good.items() if entry.line == NO_LINE}
    for failed, path in zip((False, True), files):
        found |= _cleaned(path, failed, good)
    return found


def _cleaned(path: Path, failed: bool, good: dict[str, Entry]) -> dict[str, int]:
    """Leave only the lines of good entries, each once; boxes by image."""
    boxes: dict[str, int] = {}
    lines: list[bytes] = []
    dropped = False
    for line, image, count in _lines(path):
        entry = good.get(image)
        right = entry is not None and entry.failed == failed and entry.line == checksum(line)
        if right and image not in boxes:
            boxes[image] = count
            lines.append(line)
        else:
            dropped = True
    if dropped or (path.exists() and path.stat().st_size != sum(len(x) + 1 for x in lines)):
        _write(path, lines)
    return boxes


def _lines(path: Path) -> Iterator[tuple[bytes, str, int]]:
    """Whole lines that name an image: the line, the image, its number of boxes."""
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
            count = len(values.get("boxes", ())) if isinstance(values, dict) else 0
            yield line[:-1], os.fspath(image) if isinstance(image, str) else "", count


def _write(path: Path, lines: Sequence[bytes]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)
