"""Folders of marker files: which file marks which image."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from spel.core.markers import Markers
from spel.errors import FormatError, plural
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.annotation.markers import LABEL_IMAGES, background_of, read_markers
from spel.io.sources import expand

__all__ = ["find_markers", "images_by_name", "is_marker_folder", "marked_images"]

_LABEL_IMAGES = tuple(f"-label{form}" for form in LABEL_IMAGES)

SUFFIXES = ("-seeds.txt", ".txt", "-markers.json", ".json", *_LABEL_IMAGES, *LABEL_IMAGES)


def find_markers(
    folder: str | os.PathLike[str],
    images: Mapping[str, tuple[int, ...]] | None = None,
    *,
    convention: str = "auto",
) -> dict[str, Markers]:
    """Markers of a folder by image name, in the order of the names.

    The name is the file's without ``-seeds.txt``, ``.txt``, ``-markers.json``, ``.json``, or
    ``-label.png``, ``.png`` and so on for the label images that `read_markers` takes. With
    "auto", the convention is that of all files together: a file with object strokes alone follows
    its neighbours.

    Parameters
    ----------
    folder : str or path
    images : mapping of str to (rows, cols), optional
        Sizes of the images; markers of another size, or without an image, are refused.
    convention : see `read_markers`

    Raises
    ------
    FormatError
        A file is malformed, two files mark one image, or sizes differ.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FormatError(f"{place}: it is not a folder; give the folder of marker files")
    markers: dict[str, Markers] = {}
    stated = set()  # images whose file states the background
    others: list[str] = []
    for file in sorted(place.iterdir()):
        suffix = next((s for s in SUFFIXES if file.name.lower().endswith(s)), None)
        if suffix is None or file.name.startswith("."):
            others += [file.name] * (not file.name.startswith("."))
            continue
        name = file.name[: -len(suffix)]
        if name in markers:
            raise FormatError(f"{file}: image {name!r} has two marker files; keep one")
        markers[name] = read_markers(file, convention=convention)
        if suffix.endswith(".json"):
            stated.add(name)
        if images is not None:
            _check_image(file, name, markers[name], images)
    if not markers:
        raise FormatError(
            f"{place}: it holds no marker file; expected names like 000001-seeds.txt or "
            "000001-markers.json"
        )
    if others:
        warnings.warn(
            f"{place}: {plural(len(others), 'file')} left out, no marker files, for example "
            f"{others[0]}; the names of markers end in {', '.join(SUFFIXES)}",
            AnnotationWarning,
            stacklevel=2,
        )
    if convention == "auto":  # all labels of the files that state no background decide together
        rest = markers.keys() - stated
        background = background_of({label for name in rest for label in markers[name].classes})
        for name in rest:
            markers[name] = replace(markers[name], background=background)
    return markers


def _check_image(
    file: Path, name: str, markers: Markers, images: Mapping[str, tuple[int, ...]]
) -> None:
    if name not in images:
        raise FormatError(f"{file}: there is no image named {name!r}")
    try:
        markers.check_fits(images[name], f"image {name!r}")
    except FormatError as error:
        raise FormatError(f"{file}: {error}") from None


def is_marker_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether the files of a folder are markers, and not labels of YOLO or VOC."""
    for file in sorted(Path(folder).iterdir()):
        name = file.name.lower()
        if name.endswith(("-seeds.txt", "-markers.json", *_LABEL_IMAGES)):
            return True
        if name.endswith(".json") and file.is_file():
            return b'"strokes"' in file.read_bytes()[: 1 << 20]
        if name.endswith(".txt") and file.is_file():
            with file.open("rb") as opened:
                words = opened.readline(200).split()
            if words:  # n xsize ysize [zsize]; YOLO has a class and four shares
                return len(words) in (3, 4) and all(word.isdigit() for word in words)
    return False


def images_by_name(
    images: Iterable[Path], marked: Collection[str], markers: str | os.PathLike[str]
) -> dict[str, Path]:
    """The image of each name, by which markers belong to it.

    Raises
    ------
    FormatError
        If the markers of one name fit two images, as in folders of folders.
    """
    paths: dict[str, Path] = {}
    for path in images:
        earlier = paths.setdefault(path.stem, path)
        if earlier is not path and path.stem in marked:
            raise FormatError(
                f"{markers}: {earlier} and {path} both fit the markers of {path.stem!r}; keep one"
            )
    return paths


def marked_images(
    images: str | os.PathLike[str],
    markers: str | os.PathLike[str],
    convention: str = "auto",
) -> tuple[dict[str, Markers], dict[str, Path]]:
    """Markers by image name, and the image files by name, of two folders.

    Raises
    ------
    FormatError
        As `find_markers`, and if there is no image for some markers.
    """
    by_image = find_markers(markers, convention=convention)
    paths = images_by_name(expand([Path(images)]), by_image, markers)
    missing = [name for name in by_image if name not in paths]
    if missing:
        raise FormatError(
            f"{markers}: there is no image for the markers of {', '.join(missing[:5])} in {images}"
        )
    return by_image, paths
