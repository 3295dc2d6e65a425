"""What a run has written so far, made to agree with its manifest before it goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spel.atomic import replacing
from spel.run import Entry, Manifest
from spel.run.manifest import checksum
from spel.run.task import Identity


@dataclass(frozen=True)
class Kept:
    """Inputs that need not be done again.

    Attributes
    ----------
    done : frozenset of str
    failed, boxes : int
    changed : tuple of str
        Inputs that were done but are another file now; they are done again.
    """

    done: frozenset[str]
    failed: int
    boxes: int
    changed: tuple[str, ...]


def agreed(
    manifest: Manifest, files: tuple[Path, Path], images: Sequence[str], *, retry: bool = False
) -> Kept:
    """Make the lines of results and failures and the manifest's entries the same set.

    An input is done if the manifest says so, its line is there unharmed, the input is still asked
    for and is still the same file. All other lines go: they were not confirmed before a crash, or
    belong to inputs that changed.

    Parameters
    ----------
    manifest : Manifest
    files : (path, path)
        Results and failures.
    images : sequence of str
        All inputs of the run.
    retry : bool
        Do failed inputs again.
    """
    asked = set(images)
    good: dict[str, Entry] = {}
    changed = []
    for image, entry in manifest.entries.items():
        if image not in asked or (retry and entry.failed):
            continue
        if _same(entry):
            good[image] = entry
        else:
            changed.append(image)
    found: dict[str, int] = {}
    for failed, path in zip((False, True), files):
        found |= _cleaned(path, failed, good)
    kept = [entry for image, entry in good.items() if image in found]
    if len(kept) < len(manifest.entries):
        manifest.rewrite(kept)
    done = frozenset(entry.image for entry in kept)
    failed_count = sum(entry.failed for entry in kept)
    return Kept(done, failed_count, sum(found[image] for image in done), tuple(changed))


def ordered(path: Path, images: Sequence[str]) -> None:
    """Bring the lines of a file into the order of the inputs, if they are in another one."""
    place = {image: i for i, image in enumerate(images)}
    lines = list(_lines(path))
    keys = [place.get(image, len(place)) for _, image, _ in lines]
    if all(a <= b for a, b in pairwise(keys)):
        return
    chosen = sorted(range(len(lines)), key=lambda i: (keys[i], i))
    _write(path, [lines[i][0] for i in chosen])


def _same(entry: Entry) -> bool:
    if entry.identity is None:  # it could not be read at all
        return Identity.of(entry.image, contents=False) is None
    return entry.identity.still(entry.image)


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
