"""Images in class folders, or with their class in their name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spel.errors import ParameterError
from spel.io.sources import IMAGE_SUFFIXES, natural_key, warn_of_others


@dataclass(frozen=True)
class LabelledImages:
    """Image files and their classes.

    Attributes
    ----------
    paths : tuple of path
    classes : tuple of str
        The class of each image.
    """

    paths: tuple[Path, ...]
    classes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class."""
        return dict(sorted(Counter(self.classes).items()))


def labelled_images(
    folder: str | os.PathLike[str], *, by: Literal["folder", "prefix"] = "folder"
) -> LabelledImages:
    """The images of a folder with their classes.

    Parameters
    ----------
    folder : path
    by : {"folder", "prefix"}
        The class is the name of the subfolder that holds the image, or the part of the file's name
        before the first ``_``.

    Returns
    -------
    LabelledImages

    Raises
    ------
    ParameterError
        If there are no images, an image has no class, or there is only one class.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ParameterError(
            f"{place}: there is no such folder; name the one that holds the images"
        )
    every = [
        p
        for p in place.rglob("*")
        if p.is_file() and not any(part.startswith(".") for part in p.relative_to(place).parts)
    ]
    files = sorted((p for p in every if p.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)
    warn_of_others(place, every)
    if not files:
        raise ParameterError(f"{place}: the folder has no image; expected {_wanted(place, by)}")
    if by == "prefix":
        classes = [p.name.split("_")[0] for p in files]
        odd = [p for p in files if "_" not in p.name]
        why = "their names have no '_' after the class"
    else:
        classes = [p.relative_to(place).parts[0] for p in files]
        odd = [p for p in files if p.parent == place]
        why = "they lie in no class folder"
    if odd:
        raise ParameterError(
            f"{place}: {len(odd)} of {len(files)} images have no class: {why} (the first is "
            f"{odd[0].name}); expected {_wanted(place, by)}"
        )
    if len(set(classes)) < 2:
        raise ParameterError(
            f"{place}: only one class ({classes[0]!r}, {len(files)} images); expected two or more: "
            f"{_wanted(place, by)}"
        )
    return LabelledImages(tuple(files), tuple(classes))


def class_above(path: Path, classes: Collection[str]) -> str:
    """The nearest folder above an image that is named like a class, or else its own folder.

    Examples
    --------
    >>> class_above(Path("set/cat/monday/1.png"), ["cat", "dog"])
    'cat'
    """
    names = [place.name for place in path.parents]
    return next((name for name in names if name in classes), path.parent.name)


def _wanted(place: Path, by: str) -> str:
    """An example of the expected names, for messages."""
    if by == "prefix":
        return f"names such as {place}/cat_001.png, with the class before the first '_'"
    return f"a folder per class, such as {place}/cat/001.png and {place}/dog/002.png"
