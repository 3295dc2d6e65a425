"""Marker files: libift's seeds, label images and JSON strokes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spel import atomic
from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError
from spel.io.annotation.numbers import read_json, read_text, table

__all__ = ["convention_of", "find_markers", "read_markers", "write_markers"]

Convention = Literal["auto", "from-0", "from-1", "classes"]
CONVENTIONS = ("auto", "from-0", "from-1", "classes")
SUFFIXES = ("-seeds.txt", ".txt", "-markers.json", ".json", "-label.png", ".png")
MAX_SPELS = 1 << 31
_LINES = {2: "x y marker label", 3: "x y z marker label"}


def read_markers(path: str | os.PathLike[str], *, convention: Convention = "auto") -> Markers:
    """Markers of one image from a file.

    Three formats, told apart by content: seeds as libift, FLIM-Builder and pyflim write them
    (``n xsize ysize [zsize]``, then ``x y [z] marker label [handicap]`` a line), JSON strokes
    (``{"size": [rows, cols], "strokes": [{"label": 1, "points": [[row, col], ...]}]}``) and label
    images (0 where nothing is drawn, labels elsewhere).

    Parameters
    ----------
    path : str or path
    convention : {"auto", "from-0", "from-1", "classes"}
        Which label is the background: 0 (libift, FLIM-Builder, pyflim), 1 (LIDS), or none, as in
        classification. "auto" takes 0 if the label 0 occurs; 1 if exactly 1 and 2 occur; else
        labels are classes. `convention_of` says aloud what was taken. Labels are never shifted.

    Returns
    -------
    Markers

    Raises
    ------
    FormatError
        The file is not what it says: cut short, counts that lie, text where numbers belong, points
        outside of the announced size.
    """
    if convention not in CONVENTIONS:
        raise ParameterError(
            f"read_markers: convention {convention!r}; expected one of {', '.join(CONVENTIONS)}"
        )
    place = Path(path)
    if place.suffix.lower() in (".png", ".tif", ".tiff", ".npy", ".bmp", ".pgm"):
        markers = _from_label_image(place)
    elif place.suffix.lower() == ".json":
        markers = _from_json(place)
    else:
        markers = _from_seeds(place)
    own = markers.background
    background = {"from-0": 0, "from-1": 1, "classes": None}.get(
        convention, _background(set(markers.classes)) if own == -1 else own
    )
    return Markers(markers.points, markers.labels, markers.size, background, markers.ids)


def convention_of(markers: Markers) -> str:
    """In words: which label convention these markers follow.

    Examples
    --------
    >>> convention_of(Markers([(0, 0)], [1], (2, 2), background=0))
    'label 0 is background, every other label is an object (libift, FLIM-Builder, pyflim)'
    """
    if markers.background is None:
        return "labels are classes; none of them is background (classification)"
    maker = {0: " (libift, FLIM-Builder, pyflim)", 1: " (LIDS)"}.get(markers.background, "")
    return f"label {markers.background} is background, every other label is an object{maker}"


def find_markers(
    folder: str | os.PathLike[str],
    images: Mapping[str, tuple[int, ...]] | None = None,
    *,
    convention: Convention = "auto",
) -> dict[str, Markers]:
    """Markers of a folder by image name, in the order of the names.

    The name is the file's without ``-seeds.txt``, ``.txt``, ``-markers.json``, ``.json``,
    ``-label.png`` or ``.png``. With "auto", the convention is that of all files together: a file
    with object strokes alone follows its neighbours.

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
    found: dict[str, Markers] = {}
    stated = set()
    for file in sorted(place.iterdir()):
        suffix = next((s for s in SUFFIXES if file.name.lower().endswith(s)), None)
        if suffix is None or file.name.startswith("."):
            continue
        name = file.name[: -len(suffix)]
        if name in found:
            raise FormatError(f"{file}: image {name!r} has two marker files; keep one")
        found[name] = read_markers(file, convention=convention)
        if suffix.endswith(".json"):
            stated.add(name)
        if images is not None and name not in images:
            raise FormatError(f"{file}: there is no image named {name!r}")
        if images is not None:
            try:
                found[name].check_fits(images[name], f"image {name!r}")
            except FormatError as error:
                raise FormatError(f"{file}: {error}") from None
    if not found:
        raise FormatError(
            f"{place}: it holds no marker file; expected names like 000001-seeds.txt or "
            "000001-markers.json"
        )
    if convention == "auto":
        # Strokes of a JSON file state their background; of the others all labels together decide.
        silent = {n for n, m in found.items() if n not in stated}
        together = _background({c for n in silent for c in found[n].classes})
        for name in silent:
            m = found[name]
            found[name] = Markers(m.points, m.labels, m.size, together, m.ids)
    return found


def marked_images(
    images: str | os.PathLike[str],
    markers: str | os.PathLike[str],
    convention: Convention = "auto",
) -> tuple[dict[str, Markers], dict[str, Path]]:
    """Markers by image name, and the image files by name, of two folders.

    Raises
    ------
    FormatError
        As `find_markers`, and if there is no image for some markers.
    """
    from .sources import expand

    drawn = find_markers(markers, convention=convention)
    paths = {path.stem: path for path in expand([Path(images)])}
    missing = [name for name in drawn if name not in paths]
    if missing:
        raise FormatError(
            f"{markers}: there is no image for the markers of {', '.join(missing[:5])} in {images}"
        )
    return drawn, paths


def write_markers(path: str | os.PathLike[str], markers: Markers) -> None:
    """Write markers whole or not at all; the suffix says the format.

    ``.txt`` gives libift's seeds, ``.json`` strokes. Reading either back gives equal markers; a
    seeds file keeps no background, and is read with the same convention.

    Raises
    ------
    ParameterError
        For another suffix.
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
    """Plain lists and numbers: runs of spels of one label and id, in their order."""
    keys = np.stack([markers.labels, markers.ids], axis=1)
    cuts = np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1 if len(keys) else []
    strokes = [
        {
            "label": int(keys[part[0], 0]),
            "id": int(keys[part[0], 1]),
            "points": markers.points[part].tolist(),
        }
        for part in np.split(np.arange(len(keys)), cuts)
        if len(part)
    ]
    return {"size": list(markers.size), "background": markers.background, "strokes": strokes}


def from_dict(value: Any, where: str = "markers") -> Markers:
    """Markers from what `to_dict` gives.

    Raises
    ------
    FormatError
        If a part is missing, of another type, or outside of the image.
    """
    if not isinstance(value, dict) or not isinstance(value.get("strokes"), list):
        raise FormatError(f'{where}: expected {{"size": [rows, cols], "strokes": [...]}}')
    size = value.get("size")
    if (
        not isinstance(size, list)
        or len(size) not in (2, 3)
        or not all(_is_int(n) and 0 < n < MAX_SPELS for n in size)
    ):
        raise FormatError(f"{where}: size {size!r:.60}; expected [rows, cols], each at least 1")
    background = value.get("background", -1)
    if not (background is None or _is_int(background)):
        raise FormatError(f"{where}: background {background!r:.40}; expected a label or null")
    points, labels, ids = [], [], []
    for number, stroke in enumerate(value["strokes"]):
        label = stroke.get("label") if isinstance(stroke, dict) else None
        places = stroke.get("points") if isinstance(stroke, dict) else None
        name = stroke.get("id", number + 1) if isinstance(stroke, dict) else None
        good = (
            _is_int(label)
            and _is_int(name)
            and isinstance(places, list)
            and all(
                isinstance(p, list) and len(p) == len(size) and all(map(_is_int, p)) for p in places
            )
        )
        if not good:
            raise FormatError(
                f'{where}: stroke {number} is malformed; expected {{"label": 1, "points": '
                f"[[{', '.join(['plane', 'row', 'col'][-len(size) :])}], ...]}}, whole numbers"
            )
        points += places
        labels += [label] * len(places)
        ids += [name] * len(places)
    return _made(
        where,
        np.asarray(points, dtype=object).reshape(-1, len(size)),
        labels,
        size,
        background,
        ids,
    )


def _from_json(path: Path) -> Markers:
    return from_dict(read_json(path), str(path))


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
    if np.prod(head[1:]) > MAX_SPELS:
        raise FormatError(f"{path}: line 1 says an image of {np.prod(head[1:]):.3g} spels")
    if ndim == 3 and head[3] == 1:  # libift's general writer: a flat image has a z of 1
        lines, ndim, head = _without_plane(path, lines), 2, head[:3]
    body = lines[1:]
    if len(body) != head[0]:
        raise FormatError(
            f"{path}: line 1 announces {int(head[0])} seeds, {len(body)} are there; is the file "
            "cut short?"
        )
    rows = table(path, body, 2, range(ndim + 2, ndim + 4), _LINES[ndim])
    whole = rows[:, : ndim + 2]
    if (whole != np.rint(whole)).any() or (np.abs(whole) >= MAX_SPELS).any():
        line = 2 + int(
            np.flatnonzero(
                (whole != np.rint(whole)).any(axis=1) | (np.abs(whole) >= MAX_SPELS).any(axis=1)
            )[0]
        )
        raise FormatError(f"{path}: line {line}: expected whole numbers {_LINES[ndim]}")
    numbers = whole.astype(np.int64)
    size = [int(n) for n in head[1:][::-1]]
    return _made(
        str(path), numbers[:, :ndim][:, ::-1], numbers[:, ndim + 1], size, -1, numbers[:, ndim]
    )


def _without_plane(path: Path, lines: list[str]) -> list[str]:
    """Seeds lines of a volume of one plane, as those of an image."""
    flat = [lines[0]]
    for number, line in enumerate(lines[1:], 2):
        words = line.split()
        if len(words) < 5 or words[2] not in ("0", "0.0"):
            raise FormatError(f"{path}: line {number} ({line[:40]!r}); expected {_LINES[3]}, z = 0")
        flat.append(" ".join(words[:2] + words[3:]))
    return flat


def _from_label_image(path: Path) -> Markers:
    from spel.io.image.reader import read

    image = read(path)
    if image.shape[-1] != 1 or image.dtype.kind not in "iub":
        raise FormatError(
            f"{path}: {image.shape[-1]} channels of {image.dtype}; a label image has one channel "
            "of whole numbers, 0 where nothing is drawn"
        )
    labels = image[..., 0].astype(np.int64)
    return _made(
        str(path), np.argwhere(labels > 0), labels[labels > 0], list(labels.shape), -1, None
    )


def _made(where: str, points: Any, labels: Any, size: Any, background: Any, ids: Any) -> Markers:
    """Markers, their checks told as a `FormatError` of the file."""
    try:
        return Markers(
            np.asarray(points, dtype=np.int64),
            np.asarray(labels, dtype=np.int64),
            tuple(size),
            background,
            None if ids is None else np.asarray(ids, dtype=np.int64),
        )
    except (ValueError, OverflowError, TypeError) as error:
        raise FormatError(f"{where}: {str(error).removeprefix('Markers: ')}") from None


def _background(classes: set[int]) -> int | None:
    if 0 in classes or not classes:
        return 0
    return 1 if classes == {1, 2} else None


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
