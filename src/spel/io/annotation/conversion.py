"""Files of one format to another: boxes, strokes, architectures, models and activations."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from spel.errors import FormatError, ParameterError, plural
from spel.io.annotation import libift, libift_write, mimg
from spel.io.annotation.annotations import Annotations
from spel.io.annotation.convert.yolo import class_names as names_of
from spel.io.annotation.formats import FORMATS, format_by_suffix
from spel.io.annotation.labels import Report, lost_fields, read_labels, write_labels
from spel.io.annotation.markers import convention_of, read_markers, write_markers
from spel.io.annotation.recognize import format_of, is_label_folder
from spel.io.image.reader import read
from spel.io.image.writer import write
from spel.nn import Color, load

FilePath = str | os.PathLike[str]

NO_BOXES = (".safetensors", ".mimg", ".txt", ".npy", ".tif", ".tiff")
BOXES_ONLY = (".csv", ".jsonl", ".geojson")


def holds_boxes(source: FilePath, target: FilePath) -> bool:
    """Whether a source holds boxes of images, and the target is a format of boxes by its name.

    Parameters
    ----------
    source, target : path

    Raises
    ------
    FormatError
        If the target can only hold boxes, and the source holds none.
    """
    from_path, suffix = Path(source), Path(target).suffix.lower()
    if suffix in NO_BOXES:
        return False
    if from_path.is_dir():
        return is_label_folder(from_path)
    if from_path.suffix.lower() not in (*BOXES_ONLY, ".json", ".xml", ".yaml"):
        return False
    try:
        return bool(format_of(from_path))
    except FormatError:
        if suffix in BOXES_ONLY:
            raise
        return False


def convert_boxes(
    source: FilePath,
    target: FilePath,
    *,
    source_form: str | None = None,
    target_form: str | None = None,
    images: FilePath | None = None,
    like: FilePath | None = None,
    class_names: FilePath | None = None,
    turn: bool = False,
    strict: bool = False,
    report: Report,
) -> str:
    """Write the boxes of a file or folder in another format.

    Parameters
    ----------
    source, target : path
    source_form, target_form : str, optional
        Formats, of `spel.io.FORMATS`; by default that of the content, and that of the name.
    images : path, optional
        Folder of the images: their names are taken and their sizes compared.
    like : path, optional
        COCO data set of a list of results.
    class_names : path, optional
        ``classes.txt`` or ``data.yaml`` that fixes the numbers of classes.
    turn, strict
        As `spel.io.read_labels` takes them.
    report : callable
        Takes warnings of the reader, and what the new format cannot hold.

    Returns
    -------
    str
        What was done, for people.

    Raises
    ------
    ParameterError
        If the name of the target does not say the format.
    FormatError
        If the source cannot be read.
    """
    form = source_form or format_of(source)
    to = target_form or format_by_suffix(Path(target))
    if not to:
        raise ParameterError(
            f"convert {source} to {target}: the name does not say the format; give --to "
            f"{', '.join(FORMATS)}"
        )
    others = None if like is None else read_labels(like, report=report)
    annotations = read_labels(
        source, form=form, images=images, like=others, turn=turn, strict=strict, report=report
    )
    if class_names is not None:
        annotations = _numbered_by(annotations, Path(class_names))
    for line in lost_fields(annotations, to):
        report(line)
    write_labels(target, annotations, form=to)
    count = sum(map(len, annotations))
    return f"{plural(count, 'box')} on {plural(len(annotations), 'image')}: {form} became {to}"


def _numbered_by(annotations: Annotations, class_names: Path) -> Annotations:
    names = names_of(class_names)
    return replace(annotations, classes=tuple(names[key] for key in sorted(names)))


def convert_file(
    source: FilePath,
    target: FilePath,
    *,
    labels: str = "auto",
    arch: FilePath | None = None,
    space: str | None = "labnorm2",
) -> str:
    """Write strokes, an architecture, a model, a network or an activation in another format.

    Parameters
    ----------
    source, target : path
        Their suffixes say what becomes what, see ``spel convert --help``.
    labels : str
        The meaning of labels of strokes, see `spel.io.annotation.markers`.
    arch : path, optional
        ``arch.json`` of a model folder.
    space : str, optional
        Colour space of a network's input; None takes the channels as they are.

    Returns
    -------
    str
        What was done, for people.

    Raises
    ------
    ParameterError
        If there is no such conversion.
    FormatError
        If the source cannot be read.
    """
    of, to = Path(source), Path(target)
    kinds = of.suffix.lower(), to.suffix.lower()
    if of.is_dir() and kinds[1] == ".safetensors":
        libift.read_model(of, arch=arch, space=space).save(to)
        return "a model folder became a network"
    if kinds[0] == ".safetensors" and kinds[1] in (".json", ""):
        return _convert_network(of, to)
    if kinds == (".json", ".safetensors"):
        libift.read_arch(of, space=space).save(to)
        return "an architecture became a network to be learned"
    if kinds[0] == ".mimg" and kinds[1] in (".npy", ".tif", ".tiff"):
        write(to, mimg.read_mimg(of))
        return "a multi-band image was converted"
    if kinds[1] == ".mimg":
        mimg.write_mimg(to, read(of))
        return "an image became a multi-band image"
    if kinds[1] in (".txt", ".json"):
        drawn = read_markers(of, convention=labels)
        write_markers(to, drawn)
        return convention_of(drawn)
    raise ParameterError(
        f"convert {source} to {target}: there is no conversion from {kinds[0] or 'a folder'} to "
        f"{kinds[1] or 'a folder'}; see spel convert --help"
    )


def _convert_network(source: Path, target: Path) -> str:
    """Write a network as an architecture, or as a folder of its kernels."""
    network = load(source)
    spaces = [n.layer.space for n in network.nodes if isinstance(n.layer, Color)]
    colour = f"; its colour space, {spaces[0]}, is no part of the format" if spaces else ""
    if target.suffix:
        libift_write.write_arch(target, network)
        return f"a network became an architecture{colour}"
    libift_write.write_model(target, network)
    return f"a network became a model folder{colour}"
