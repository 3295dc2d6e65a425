"""File names for what belongs to an image, and class files: safe, distinct and exact."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from spel.atomic import make_folder, write_text
from spel.errors import FormatError, printable
from spel.io.annotation.annotations import ImageBoxes
from spel.io.text_files import MIB

__all__ = ["LARGE", "check_distinct", "dump", "named_files", "safe_stem", "stems"]

LARGE = 512 * MIB
"""Largest annotation file that is read, in bytes."""


def safe_stem(image: str) -> str:
    """A file name for what belongs to an image, without its folders and suffix."""
    parts = [part for part in image.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    name = "__".join(parts) or "image"
    name, _, frame = name.partition("#frame=")
    stem = name[: name.rfind(".")] if "." in name[1:] else name
    stem += f"-{frame}" if frame else ""
    stem = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in stem)
    while len(stem.encode()) > 200:
        stem = stem[:-1]
    return stem.lstrip(".") or "image"


def stems(images: Sequence[str]) -> list[str]:
    """File names for what belongs to images, without suffix and without the folders of them all.

    Examples
    --------
    >>> stems(["photos/a.png", "photos/b/a.png"]), stems(["photos/a.png", "b.png"])
    (['a', 'b__a'], ['photos__a', 'b'])
    """
    parts = [image.replace("\\", "/").split("/") for image in images]
    folders = zip(*(one[:-1] for one in parts))
    shared = len(list(takewhile(lambda level: len(set(level)) == 1, folders)))
    return [safe_stem("/".join(one[shared:])) for one in parts]


def named_files(
    folder: Path, images: Sequence[ImageBoxes], suffix: str, earlier: Sequence[str] = ()
) -> list[tuple[Path, ImageBoxes]]:
    """A file in the folder for each image, beside those of earlier ones; the folder is created."""
    names = stems([*earlier, *(one.image for one in images)])
    check_distinct(name.casefold() for name in names)  # some file systems ignore capitals
    make_folder(folder)
    return [(folder / (name + suffix), one) for name, one in zip(names[len(earlier) :], images)]


def check_distinct(names: Iterable[str]) -> None:
    """Refuse two images of one name."""
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            raise FormatError(
                f"two images would share the name {printable(name)!r}; rename one or use csv"
            )
        earlier.add(name)


def dump(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
