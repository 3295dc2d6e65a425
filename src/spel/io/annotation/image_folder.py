"""The image files that annotations belong to: their names, sizes and EXIF orientations."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ImageReadError, printable
from spel.io.annotation.annotations import UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.image.reader import describe
from spel.io.sources import expand
from spel.io.text_files import problems_error

__all__ = ["ImageFile", "ImageFolder", "check_size", "match_images", "turned_boxes"]


_IN_STORED_FRAME = ("segmentation", "geometry", "value", "original_width", "original_height")
"""Fields of boxes that state positions, and are left out when boxes are turned."""


@dataclass(frozen=True)
class ImageFile:
    """An image file: its name relative to the folder, its displayed size and its orientation.

    `planes` is 0, except for volumes.
    """

    name: str
    path: Path
    size: tuple[int, int]
    orientation: int
    planes: int = 0


class ImageFolder:
    """Image files of a folder (or list), found by the names that annotation files give them.

    Parameters
    ----------
    images : path or iterable of paths
        A folder, or image files.

    Raises
    ------
    ParameterError
        If there is no image.

    Examples
    --------
    >>> import tempfile
    >>> from spel.io import write
    >>> place = Path(tempfile.mkdtemp())
    >>> write(place / "000042.png", np.zeros((3, 5), np.uint8))
    >>> folder = ImageFolder(place)
    >>> folder.names, folder.find("train/000042.jpg").size, folder.by_number(42).name
    (('000042.png',), (3, 5), '000042.png')
    """

    def __init__(self, images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> None:
        paths = expand(images)
        root = Path(images) if isinstance(images, (str, os.PathLike)) else None
        root = root if root is not None and root.is_dir() else None
        self._files: dict[str, ImageFile] = {}
        self._paths = {_relative(path, root): path for path in paths}
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self._paths:
            self._by_stem[PurePosixPath(name).stem].append(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files."""
        return tuple(self._paths)

    def find(self, name: str) -> ImageFile | None:
        """The file of an image, or None.

        It is the file with the exact relative path, or else the only one with that path but for
        the suffix, or else the only file whose path ends in the name, with its suffix or without,
        or else the only one with the same name or stem. If several fit, none is taken.
        """
        name = name.replace("\\", "/")
        if name in self._paths:
            return self._file(name)
        whole = PurePosixPath(name).with_suffix("") if _has_image_suffix(name) else name
        alike = self._by_stem.get(PurePosixPath(whole).name, [])
        base = PurePosixPath(name).name
        for near in (
            [n for n in alike if str(PurePosixPath(n).with_suffix("")) == whole],
            [n for n in alike if f"/{n}".endswith(f"/{name}")],
            [n for n in alike if f"/{PurePosixPath(n).with_suffix('')}".endswith(f"/{whole}")],
            [n for n in alike if PurePosixPath(n).name == base],
            alike,
        ):
            if len(near) == 1:
                return self._file(near[0])
        return None

    def by_number(self, number: int) -> ImageFile | None:
        """The only file whose stem is this number, as in COCO: ``000000000042.jpg``."""
        names = [n for stem, ns in self._by_stem.items() if stem.isdigit() for n in ns]
        near = [n for n in names if int(PurePosixPath(n).stem[:30]) == number]
        return self._file(near[0]) if len(near) == 1 else None

    def _file(self, name: str) -> ImageFile:
        if name not in self._files:
            path = self._paths[name]
            try:
                info = describe(path)
            except ImageReadError as error:
                raise FormatError(str(error)) from error
            self._files[name] = ImageFile(
                name, path, (info.rows, info.cols), info.orientation, info.planes
            )
        return self._files[name]


def _relative(path: Path, root: Path | None) -> str:
    return path.relative_to(root).as_posix() if root is not None else path.as_posix()


def _has_image_suffix(name: str) -> bool:
    return PurePosixPath(name).suffix.lower().lstrip(".") in (
        *("png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp", "pgm", "ppm", "pnm", "npy"),
        *("jpe", "jfif", "pbm", "pam", "pfm", "svs", "ndpi", "qptiff", "jp2", "jxl"),
    )


def match_images(
    annotations: Annotations, files: ImageFolder, *, turn: bool = False
) -> Annotations:
    """Annotations with the names of their image files, after a comparison of their sizes.

    Parameters
    ----------
    annotations : Annotations
    files : ImageFolder
    turn : bool
        Whether boxes that were drawn on the stored image, before its EXIF rotation, are turned to
        the displayed image; otherwise such an image is refused by name.

    Returns
    -------
    Annotations

    Raises
    ------
    FormatError
        If an image is missing, or its size differs from that in the annotations; all such images
        are listed.

    Examples
    --------
    >>> import tempfile
    >>> from spel.io import write
    >>> place = Path(tempfile.mkdtemp())
    >>> write(place / "a.png", np.zeros((3, 5), np.uint8))
    >>> truth = Annotations((ImageBoxes("labels/a", UNKNOWN_SIZE, [[1, 0, 4, 2]]),), ("object",))
    >>> one = match_images(truth, ImageFolder(place)).images[0]
    >>> one.image, one.size
    ('a.png', (3, 5))
    """
    images: list[ImageBoxes] = []
    problems: list[str] = []
    for one in annotations:
        file = files.find(one.image)
        if file is None:
            problems.append(f"{printable(one.image)}: there is no such image, or there are several")
            continue
        try:
            images.append(_fitted(one, file, turn))
        except FormatError as error:
            problems.append(str(error))
    if problems:
        raise problems_error("annotations and images do not agree", problems)
    return replace(annotations, images=tuple(images))


def _fitted(one: ImageBoxes, file: ImageFile, turn: bool) -> ImageBoxes:
    named = replace(one, image=file.name, orientation=file.orientation)
    if one.size == UNKNOWN_SIZE:
        return replace(named, size=file.size)
    size = file.size if len(one.size) == 2 else (file.planes, *file.size)
    return check_size(named, size, file.orientation, turn)


def check_size(
    one: ImageBoxes, size: tuple[int, ...], orientation: int, turn: bool = False
) -> ImageBoxes:
    """The boxes, if they belong to an image of this displayed size; turned if `turn` allows it.

    Raises
    ------
    FormatError
        If the sizes differ.
    """
    stored = size[::-1] if orientation >= 5 else size
    if turn and orientation != 1 and one.size == stored:
        boxes = turned_boxes(one.boxes, stored, orientation)
        details = tuple(
            {k: v for k, v in d.items() if k not in _IN_STORED_FRAME} for d in one.box_details
        )
        return replace(one, boxes=boxes, size=size, box_details=details)
    if one.size == size:
        return one
    drawn, shown = (" x ".join(map(str, n[::-1])) for n in (one.size, size))
    if one.size == stored:
        raise FormatError(
            f"{printable(one.image)}: its boxes were drawn on the stored image of {drawn} (width x "
            f"height), before its EXIF rotation (orientation {orientation}) to {shown}; turn the "
            "boxes (--turn, or turn=True), or annotate the displayed image"
        )
    raise FormatError(
        f"{printable(one.image)}: the annotations say {drawn} (width x height), but the image has "
        f"{shown}; use the image that was annotated"
    )


def turned_boxes(
    boxes: npt.ArrayLike, stored: tuple[int, ...], orientation: int
) -> npt.NDArray[np.float64]:
    """Boxes of a stored image of size (rows, cols), in the frame of the displayed image.

    Examples
    --------
    >>> turned_boxes([[0, 0, 2, 1]], (10, 20), 6).tolist()  # 90 degrees clockwise
    [[9.0, 0.0, 10.0, 2.0]]
    """
    rows, cols = stored
    x0, y0, x1, y1 = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    left, right, top, bottom = cols - x1, cols - x0, rows - y1, rows - y0  # mirrored
    columns = {
        1: (x0, y0, x1, y1),
        2: (left, y0, right, y1),
        3: (left, top, right, bottom),
        4: (x0, top, x1, bottom),
        5: (y0, x0, y1, x1),
        6: (top, x0, bottom, x1),
        7: (top, left, bottom, right),
        8: (y0, left, y1, right),
    }
    return np.stack(columns[orientation], axis=1)
