"""Marker files: the seeds of libift, label images, and strokes in JSON."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.image.label_image import read_label_image
from spel.io.json_files import read_json
from spel.io.text_files import MAX_TEXT, read_text, table

__all__ = ["background_of", "check_convention", "convention_of", "read_markers", "write_markers"]

LABEL_IMAGES = (".png", ".tif", ".tiff", ".npy", ".bmp", ".pgm")
"""Endings of label images that stand for strokes."""

MAX_PIXELS = 1 << 31
_COLUMNS = {2: "x y marker label", 3: "x y z marker label"}


def read_markers(
    path: str | os.PathLike[str], *, convention: str = "auto", isolate: bool = False
) -> Markers:
    """Markers of one image from a file.

    There are three formats: seeds as libift, FLIM-Builder and pyflim write them (``n xsize ysize
    [zsize]``, then lines of ``x y [z] marker label [handicap]``), JSON strokes (``{"size": [rows,
    cols], "strokes": [{"label": 1, "points": [[row, col], ...]}]}``), and label images (0 where
    nothing is drawn, labels elsewhere; or -1 where nothing is drawn, as in `Markers.from_image`).

    Parameters
    ----------
    path : str or path
    convention : str
        Which label is the background: "from-0" (libift, FLIM-Builder, pyflim), "from-1" (LIDS) or
        any other, such as "from-3", and "classes" for none, as in classification. "auto" takes 0
        if the label 0 occurs, and 1 if exactly 1 and 2 occur; otherwise labels are classes.
        `convention_of` states the choice in words. Labels are never shifted.
    isolate : bool
        Whether a label image is decoded in a worker, as for `spel.read`.

    Returns
    -------
    Markers

    Raises
    ------
    FormatError
        If the file is cut short, its count differs from its number of lines, there is text in
        place of numbers, or a point lies outside the image.
    ParameterError
        If the convention is another word.
    """
    check_convention(convention)
    place = Path(path)
    if place.suffix.lower() in LABEL_IMAGES:
        markers = _from_label_image(place, isolate)
    elif place.suffix.lower() == ".json":
        markers = _from_json(place)
    else:
        markers = _from_seeds(place)
    own = markers.background
    if convention == "auto":
        background = background_of(set(markers.classes)) if own == -1 else own
    else:
        background = None if convention == "classes" else int(convention.removeprefix("from-"))
    return Markers(markers.points, markers.labels, markers.size, background, markers.ids)


def check_convention(convention: str) -> str:
    """The convention of labels, or a ParameterError.

    Parameters
    ----------
    convention : str
        As for `read_markers`.

    Examples
    --------
    >>> check_convention("from-3")
    'from-3'
    """
    if not re.fullmatch(r"auto|classes|from-\d{1,9}", convention, re.ASCII):
        raise ParameterError(
            f"{convention!r} does not say which label is the background; give auto, classes, or "
            "from-0, from-1 and so on"
        )
    return convention


def convention_of(markers: Markers) -> str:
    """The label convention of these markers, in words.

    Examples
    --------
    >>> convention_of(Markers([(0, 0)], [1], (2, 2), background=0))
    'label 0 is background, every other label is an object (libift, FLIM-Builder, pyflim)'
    """
    if markers.background is None:
        return "labels are classes; none of them is background (classification)"
    maker = {0: " (libift, FLIM-Builder, pyflim)", 1: " (LIDS)"}.get(markers.background, "")
    return f"label {markers.background} is background, every other label is an object{maker}"


def write_markers(path: str | os.PathLike[str], markers: Markers) -> None:
    """Write markers, whole or not at all, in the format that the suffix states.

    ``.txt`` stands for libift's seeds, ``.json`` for strokes. Reading the file gives equal markers.
    A file of seeds does not state the background, so it is read with the same convention.

    Raises
    ------
    ParameterError
        If the suffix is another one.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.json"
    >>> write_markers(path, Markers([(0, 1)], [1], (2, 2)))
    >>> read_markers(path).points.tolist()
    [[0, 1]]
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".txt":
        size = " ".join(str(n) for n in markers.size[::-1])
        columns = [*markers.points.T[::-1], markers.ids, markers.labels]
        body = "".join(
            " ".join(str(v) for v in row) + "\n" for row in zip(*[c.tolist() for c in columns])
        )
        atomic.write_text(path, f"{len(markers)} {size}\n{body}")
    elif suffix == ".json":
        atomic.write_text(path, json.dumps(to_dict(markers)) + "\n")
    else:
        raise ParameterError(f"write_markers: {path}: suffix {suffix!r}; expected .txt or .json")


def to_dict(markers: Markers) -> dict[str, Any]:
    """Plain lists and numbers: strokes, which are runs of spels with one label and id."""
    keys = np.stack([markers.labels, markers.ids], axis=1)
    starts = np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1
    strokes = [
        {
            "label": int(keys[part[0], 0]),
            "id": int(keys[part[0], 1]),
            "points": markers.points[part].tolist(),
        }
        for part in np.split(np.arange(len(keys)), starts)
        if len(part)
    ]
    return {"size": list(markers.size), "background": markers.background, "strokes": strokes}


def from_dict(value: Any, name: str = "markers") -> Markers:
    """Markers from the lists that `to_dict` gives.

    Raises
    ------
    FormatError
        If a part is missing, has a wrong type, or lies outside the image.
    """
    if not isinstance(value, dict) or not isinstance(value.get("strokes"), list):
        raise FormatError(f'{name}: expected {{"size": [rows, cols], "strokes": [...]}}')
    size: Any = value.get("size")
    if (
        not isinstance(size, list)
        or len(size) not in (2, 3)
        or not all(_is_int(n) and 0 < n < MAX_PIXELS for n in size)
    ):
        raise FormatError(f"{name}: size {size!r:.60}; expected [rows, cols], each at least 1")
    background = value.get("background", -1)
    if not (background is None or _is_int(background)):
        raise FormatError(f"{name}: background {background!r:.40}; expected a label or null")
    points: list[list[int]] = []
    labels: list[int] = []
    ids: list[int] = []
    for number, stroke in enumerate(value["strokes"]):
        if not _is_stroke(stroke, len(size)):
            raise FormatError(
                f'{name}: stroke {number} is malformed; expected {{"label": 1, "points": '
                f"[[{', '.join(['plane', 'row', 'col'][-len(size) :])}], ...]}}, whole numbers"
            )
        points += stroke["points"]
        labels += [stroke["label"]] * len(stroke["points"])
        ids += [stroke.get("id", number + 1)] * len(stroke["points"])
    return _markers(name, points, labels, size, background, ids)


def _is_stroke(stroke: Any, ndim: int) -> bool:
    return (
        isinstance(stroke, dict)
        and _is_int(stroke.get("label"))
        and _is_int(stroke.get("id", 0))
        and isinstance(stroke.get("points"), list)
        and all(
            isinstance(point, list) and len(point) == ndim and all(map(_is_int, point))
            for point in stroke["points"]
        )
    )


def _from_json(path: Path) -> Markers:
    return from_dict(read_json(path, max_bytes=MAX_TEXT, max_depth=None), str(path))


def _from_seeds(path: Path) -> Markers:
    lines = read_text(path).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise FormatError(f"{path}: it is empty; expected 'n xsize ysize', then a seed a line")
    head = table(path, lines[:1], 1, range(3, 5), "n xsize ysize [zsize]")[0]
    ndim = len(head) - 1
    if (head != np.rint(head)).any() or head[0] < 0 or (head[1:] < 1).any():
        raise FormatError(
            f"{path}: line 1 says {lines[0][:40]!r}; expected a count of at least 0 and sizes of "
            "at least 1, whole numbers"
        )
    if np.prod(head[1:]) > MAX_PIXELS:
        raise FormatError(
            f"{path}: line 1 states an image of {np.prod(head[1:]):.3g} pixels; expected at most "
            f"{MAX_PIXELS:,}"
        )
    if ndim == 3 and head[3] == 1:  # libift's general writer gives an image a zsize of 1
        lines, ndim, head = _without_plane(path, lines), 2, head[:3]
    if len(lines) - 1 != head[0]:
        raise FormatError(
            f"{path}: line 1 announces {int(head[0])} seeds, but {len(lines) - 1} follow; is the "
            "file cut short?"
        )
    seeds = _seeds(path, lines[1:], ndim)
    size = [int(n) for n in head[1:][::-1]]
    points = seeds[:, :ndim][:, ::-1]
    return _markers(str(path), points, seeds[:, ndim + 1], size, -1, seeds[:, ndim])


def _seeds(path: Path, lines: list[str], ndim: int) -> npt.NDArray[np.int64]:
    """Rows ``x y [z] marker label``; handicaps other than 0 are left out with a warning."""
    every = table(path, lines, 2, range(ndim + 2, ndim + 4), _COLUMNS[ndim])
    values = every[:, : ndim + 2]
    if every[:, ndim + 2 :].any():
        warnings.warn(
            f"{path}: the handicaps of its seeds are left out", AnnotationWarning, stacklevel=4
        )
    wrong = ((values != np.rint(values)) | (np.abs(values) >= MAX_PIXELS)).any(axis=1)
    if wrong.any():
        line = 2 + int(np.flatnonzero(wrong)[0])
        raise FormatError(f"{path}: line {line}: expected whole numbers {_COLUMNS[ndim]}")
    return values.astype(np.int64)


def _without_plane(path: Path, lines: list[str]) -> list[str]:
    """The lines of a volume of one plane, as those of an image."""
    flat = [lines[0]]
    for number, line in enumerate(lines[1:], 2):
        words = line.split()
        if len(words) < 5 or words[2] not in ("0", "0.0"):
            raise FormatError(
                f"{path}: line {number} ({line[:40]!r}); expected {_COLUMNS[3]}, z = 0"
            )
        flat.append(" ".join(words[:2] + words[3:]))
    return flat


def _from_label_image(path: Path, isolate: bool) -> Markers:
    image = read_label_image(path, isolate=isolate)
    if image.dtype.kind not in "iub":
        raise FormatError(
            f"{path}: its pixels are {image.dtype}; a label image has whole numbers, 0 where "
            "nothing is drawn"
        )
    labels = image.astype(np.int64)
    if labels.min(initial=0) < -1:
        raise FormatError(f"{path}: the label {labels.min()}; expected labels of at least 0")
    drawn = labels > labels.min(initial=0)  # above -1, if there is any
    return _markers(str(path), np.argwhere(drawn), labels[drawn], list(labels.shape), -1, None)


def _markers(
    name: str,
    points: npt.ArrayLike,
    labels: npt.ArrayLike,
    size: Sequence[int],
    background: int | None,
    ids: npt.ArrayLike | None,
) -> Markers:
    """Markers; what their constructor refuses becomes a `FormatError` of the file."""
    try:
        return Markers(
            np.asarray(points, dtype=np.int64).reshape(-1, len(size)),
            np.asarray(labels, dtype=np.int64),
            tuple(size),
            background,
            None if ids is None else np.asarray(ids, dtype=np.int64),
        )
    except (ValueError, OverflowError, TypeError) as error:
        raise FormatError(f"{name}: {str(error).removeprefix('Markers: ')}") from None


def background_of(classes: set[int]) -> int | None:
    """The label of the background, derived from the labels that occur; None if they are classes."""
    if 0 in classes or not classes:
        return 0
    return 1 if classes == {1, 2} else None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
