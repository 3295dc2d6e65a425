"""Reading and writing annotations in any format, which their content decides when they are read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from spel.errors import plural, printable
from spel.io.annotation.annotations import Annotations, AnnotationWarning, ImageBoxes
from spel.io.annotation.convert import coco, codec, jsonl
from spel.io.annotation.convert.collector import Collector
from spel.io.annotation.convert.file_names import LARGE
from spel.io.annotation.formats import FORMATS, check_volume
from spel.io.annotation.image_folder import ImageFolder, match_images
from spel.io.annotation.recognize import format_of
from spel.io.annotation.results import Result
from spel.io.text_files import problems_error

__all__ = [
    "lost_fields",
    "read_as",
    "read_coco",
    "read_labels",
    "write_as",
    "write_coco",
    "write_labels",
]

Images = str | os.PathLike[str] | ImageFolder | None
Report = Callable[[str], None]

_SHOWN = 100


def read_labels(
    path: str | os.PathLike[str],
    *,
    form: str = "",
    images: Images = None,
    like: Annotations | None = None,
    turn: bool = False,
    strict: bool = False,
    report: Report | None = None,
) -> Annotations:
    """Read boxes of images from COCO, Pascal VOC, YOLO, Label Studio, GeoJSON, CSV or results.

    Parameters
    ----------
    path : str or path
        A file; for VOC and YOLO a folder, for YOLO also a ``data.yaml``.
    form : str, optional
        One of `spel.io.FORMATS`; by default the content decides.
    images : path or ImageFolder, optional
        The images. With them, names are those of the files, and sizes are compared.
    like : Annotations, optional
        The data set whose ids a COCO list of results uses.
    turn : bool
        Whether boxes drawn on stored images, before their EXIF rotation, are turned.
    strict : bool
        Whether one malformed entry refuses the file. By default each is left out with a warning
        that names it.
    report : callable, optional
        Called with the text of each warning; by default they are Python's (`AnnotationWarning`).

    Returns
    -------
    Annotations

    Raises
    ------
    FormatError
        If the file is of none of these formats, no image in it can be read, or images and
        annotations do not agree.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "boxes.csv"
    >>> _ = path.write_text("filename,xmin,ymin,xmax,ymax,class" + chr(10) + "a.png,1,2,5,8,dog")
    >>> truth = read_labels(path)
    >>> truth.images[0].boxes.tolist(), truth.classes
    ([[1.0, 2.0, 5.0, 8.0]], ('dog',))
    """
    source = Path(path)
    files = images if images is None or isinstance(images, ImageFolder) else ImageFolder(images)
    name = form or format_of(source)
    collector = Collector(files, like)
    codec(name).read(source, collector)
    annotations = _checked(collector.annotations(name), collector, source, strict, report)
    return annotations if files is None else match_images(annotations, files, turn=turn)


def read_coco(
    path: str | os.PathLike[str], *, strict: bool = False, max_bytes: int = LARGE
) -> Annotations:
    """Read a COCO annotation file.

    Parameters
    ----------
    path : str or path
    strict : bool
        Whether one malformed entry refuses the file, with every problem listed. By default each is
        left out with an `AnnotationWarning` that names its place, e.g. ``annotations[3]: bbox: the
        box [1, 2, 0, 4] (x, y, width, height) has no area``.
    max_bytes : int
        Largest size of the file.

    Raises
    ------
    FormatError
        The file is not COCO.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "truth.json"
    >>> _ = path.write_text('''{"images": [
    ...     {"id": 7, "file_name": "a.png", "width": 9, "height": 5}],
    ...     "categories": [{"id": 1, "name": "plate"}],
    ...     "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 2]}]}''')
    >>> truth = read_coco(path)
    >>> truth.images[0].boxes.tolist(), truth.images[0].classes
    ([[1.0, 2.0, 4.0, 4.0]], ('plate',))
    """
    collector = Collector()
    coco.read(Path(path), collector, max_bytes)
    return _checked(collector.annotations("coco"), collector, Path(path), strict, None)


def write_coco(
    path: str | os.PathLike[str], annotations: Annotations | Sequence[ImageBoxes]
) -> None:
    """Write annotations as a COCO file, atomically; :func:`read_coco` gives them back.

    Parameters
    ----------
    path : str or path
    annotations : Annotations, or sequence of ImageBoxes

    Raises
    ------
    FormatError
        Two images have the same name, a true box has no area, or a size is unknown.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> name = tempfile.mkdtemp() + "/truth.json"
    >>> write_coco(name, [ImageBoxes("a.png", (5, 9), np.array([[1.0, 2, 4, 4]]))])
    >>> format_of(name), len(read_coco(name).images)
    ('coco', 1)
    """
    write_labels(path, annotations, form="coco")


def write_labels(
    path: str | os.PathLike[str], annotations: Annotations | Sequence[ImageBoxes], *, form: str
) -> None:
    """Write annotations in one of `spel.io.FORMATS`.

    Parameters
    ----------
    path : str or path
    annotations : Annotations, or sequence of ImageBoxes
    form : str
        One of `spel.io.FORMATS`.

    Raises
    ------
    ParameterError
        If the format is unknown, or the place cannot be written.
    FormatError
        If the format has no place for a name, a size or a volume.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/truth.csv"
    >>> write_labels(path, [ImageBoxes("a.png", (10, 20), [[1, 2, 5, 8]], ("dog",))], form="csv")
    >>> one = read_labels(path).images[0]
    >>> one.image, one.boxes.tolist(), one.classes
    ('a.png', [[1.0, 2.0, 5.0, 8.0]], ('dog',))
    """
    if not isinstance(annotations, Annotations):
        names = sorted({name for one in annotations for name in one.classes})
        annotations = Annotations(tuple(annotations), tuple(names))
    _write(form, path, annotations)


def write_as(
    form: str,
    path: str | os.PathLike[str],
    results: Iterable[Result],
    *,
    classes: Sequence[str] = (),
    fresh: bool = False,
) -> None:
    """Write results in one of `spel.io.FORMATS`; files appear whole or not at all.

    Parameters
    ----------
    form : str
    path : str or path
        A file, or a folder if the format has a file per image.
    results : iterable of Result
    classes : sequence of str, optional
        Names of the classes in the order of their numbers; by default sorted. State all of them if
        files are written separately but belong together.
    fresh : bool
        Whether label files that are in the folder already are removed. By default they stay beside
        the new ones.

    Raises
    ------
    ParameterError
        If the format is unknown, or the place cannot be written.
    FormatError
        If two images would get the same file, or the format has no place for a name or a size.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/results.coco.json"
    >>> write_as("coco", path, [Result("a.png", (10, 20), [[1, 2, 5, 8]], [0.5], [24.0])])
    >>> read_as("coco", path)[0].scores.tolist(), format_of(path)
    ([0.5], 'coco')
    """
    if fresh and form in FORMATS and FORMATS[form].label:
        _remove_labels(Path(path), FORMATS[form].label)
    _write(form, path, jsonl.annotations_of(list(results), classes))


def _remove_labels(folder: Path, suffix: str) -> None:
    """Remove the label files of a folder; the file of its classes stays, and so their numbers."""
    for file in folder.glob(f"*{suffix}"):
        if file.name != "classes.txt":
            file.unlink()
    Path(folder, "images.json").unlink(missing_ok=True)


def _write(form: str, path: str | os.PathLike[str], annotations: Annotations) -> None:
    writer = codec(form)
    for one in annotations:
        if len(one.size) == 3:
            check_volume(form, one.image)
    writer.write(Path(path), annotations)


def read_as(
    form: str,
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Read results in one of `spel.io.FORMATS`; a box without a score gets the score 1.

    Parameters
    ----------
    form : str
    path : str or path
    images : path, optional
        The folder of the images, if the files do not state their sizes.

    Returns
    -------
    list of Result

    Raises
    ------
    FormatError
        If the file is not of that format, or an entry is malformed; all problems are listed with
        their places. (`spel.io.read_labels` leaves such entries out with a warning.)

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/results.csv"
    >>> write_as("csv", path, [Result("a.png", (10, 20), [[1, 2, 5, 8]], [0.5], [24.0])])
    >>> read_as("csv", path)[0].boxes.tolist()
    [[1.0, 2.0, 5.0, 8.0]]
    """
    collector = Collector(ImageFolder(images) if images is not None else None)
    codec(form).read(Path(path), collector)
    if collector.problems:
        raise problems_error(os.fsdecode(path), collector.problems)
    return jsonl.results_of(collector.annotations(form))


def lost_fields(annotations: Annotations, form: str) -> list[str]:
    """Sentences about what of these annotations a format has no place for."""
    lost: list[str] = []
    crowds = sum(int(one.crowd.sum()) for one in annotations)
    if crowds and form not in ("coco", "voc"):
        lost.append(
            f"{form} has no place for crowds: {plural(crowds, 'box')} around crowds, written like "
            "the others"
        )
    if form != annotations.form:
        fields = {key for one in annotations for key, value in one.details.items() if value}
        fields |= {key for one in annotations for d in one.box_details for key in d}
        fields |= set(annotations.details) - {"info"}
        fields -= {"id", "model", "ms", "geometry", "type", "value"}
        if fields:
            lost.append(f"left out, since {form} has no place for it: {', '.join(sorted(fields))}")
    if form == "jsonl" and any(one.scores is None and len(one) for one in annotations):
        lost.append("results have scores: every true box gets the score 1")
    return lost


def _checked(
    annotations: Annotations,
    collector: Collector,
    path: Path,
    strict: bool,
    report: Report | None,
) -> Annotations:
    """The annotations; their problems are raised or reported."""
    if collector.problems and (strict or not annotations.images):
        raise problems_error(os.fsdecode(path), collector.problems)
    name = printable(os.fsdecode(path))
    texts = [f"{problem}; left out" for problem in collector.problems] + collector.notes
    for text in texts[:_SHOWN]:
        _report(f"{name}: {text}", report)
    if len(texts) > _SHOWN:
        _report(f"{name}: and {len(texts) - _SHOWN} more", report)
    return replace(annotations, problems=tuple(texts))


def _report(text: str, report: Report | None) -> None:
    if report is None:
        warnings.warn(text, AnnotationWarning, stacklevel=4)
    else:
        report(text)
