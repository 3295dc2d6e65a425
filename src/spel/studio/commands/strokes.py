"""Commands that draw strokes, name classes and learn from both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from spel.core.markers import Markers
from spel.decide.segmentation import segmentation_of
from spel.errors import FormatError, ParameterError
from spel.io.annotation.annotations import ONE_CLASS
from spel.nn import Network
from spel.studio import learning, reduction
from spel.studio.cache import Run
from spel.studio.commands.registry import Arguments, Workspace, command
from spel.studio.document import (
    CLASS_COLORS,
    MAX_NAME,
    Class,
    Document,
    Entry,
    Stroke,
    display_name,
)
from spel.studio.images import Loaded
from spel.studio.strokes import markers_of, strokes_of

MAX_CLASSES = 64


@command("add_stroke")
def add_stroke(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Add a stroke to an image.

    Arguments: image; stroke, see `spel.studio.document.Stroke`.
    """
    image = workspace.load(str(arguments["image"])).id
    stroke = Stroke.from_dict(arguments["stroke"])
    strokes = document.strokes.get(image, ())
    if any(s.id == stroke.id for s in strokes):
        return document  # the page sent it twice
    return document.with_strokes(image, (*strokes, stroke))


@command("remove_strokes")
def remove_strokes(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Remove strokes of an image.

    Arguments: image; ids of the strokes.
    """
    image, ids = str(arguments["image"]), {str(i) for i in arguments["ids"]}
    strokes = document.strokes.get(image, ())
    return document.with_strokes(image, tuple(s for s in strokes if s.id not in ids))


@command("clear_strokes")
def clear_strokes(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Remove all strokes of an image.

    Arguments: image.
    """
    return document.with_strokes(str(arguments["image"]), ())


def with_markers(document: Document, image: Loaded, markers: Markers, stem: str) -> Document:
    """The document with markers from a file on an image, and with a class for each label."""
    markers.check_fits(image.size, image.name)
    strokes = document.strokes.get(image.id, ())
    labels = {c.label for c in document.classes}
    classes = tuple(
        Class(label, f"class {label}", CLASS_COLORS[label % len(CLASS_COLORS)])
        for label in markers.classes
        if label not in labels
    )
    document = replace(document, classes=document.classes + classes)
    return document.with_strokes(image.id, (*strokes, *strokes_of(markers, stem)))


def with_classes(document: Document, names: Sequence[str]) -> tuple[Document, dict[str, int]]:
    """The document with a class of objects for each name, and the label of each name.

    Boxes that are all called "object" are of the first class of objects, whatever it is called.
    """
    objects = [one for one in document.classes if one.label > 0]
    labels = {one.name: one.label for one in objects}
    if tuple(names) == (ONE_CLASS,) and objects:
        return document, {ONE_CLASS: objects[0].label}
    added: list[Class] = []
    for name in names:
        if name in labels:
            continue
        free = (n for n in range(1, 256) if n not in labels.values())
        label = next(free, None)
        if label is None or len(document.classes) + len(added) >= MAX_CLASSES:
            raise ParameterError(f"{len(names)} classes; at most {MAX_CLASSES} are allowed")
        labels[name] = label
        added.append(
            Class(label, display_name(name[:MAX_NAME]), CLASS_COLORS[label % len(CLASS_COLORS)])
        )
    return replace(document, classes=(*document.classes, *added)), labels


@command("set_classes")
def set_classes(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Set names, labels and colors of all classes.

    Arguments: classes, each with a name, a label from 0 to 255 and a color as #rrggbb.
    """
    if not 1 <= len(arguments["classes"]) <= MAX_CLASSES:
        raise ParameterError(
            f"{len(arguments['classes'])} classes; expected 1 to {MAX_CLASSES} classes"
        )
    classes = tuple(_class(item) for item in arguments["classes"])
    if len({c.label for c in classes}) < len(classes):
        raise ParameterError("two classes have the same label; give each label once")
    return replace(document, classes=classes)


def _class(item: Any) -> Class:
    color, label = str(item["color"]), int(item["label"])
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ParameterError(f"color {color!r:.20}; expected #rrggbb")
    if not 0 <= label <= 255:
        raise ParameterError(f"label {label}; expected 0 to 255")
    return Class(label, display_name(item["name"]), color)


@command("learn")
def learn(document: Document, workspace: Workspace, arguments: Arguments) -> Document:
    """Learn the kernels and the decoder of a network from the strokes of all images.

    Arguments: network; start, the first step to learn, by default the first one; seed, by default
    42; decoder, by default "linear"; cut, whether masks are cut by the colours of each image, by
    default as before.
    """
    name = arguments["network"]
    entry = document.entry(name)
    cut = arguments.get("cut", segmentation_of(entry.network).cut)
    if not isinstance(cut, bool):
        raise FormatError(f"learn: cut {cut!r:.40}; expected true or false")
    images = [workspace.load(i) for i in workspace.marked_images()]
    start = arguments.get("start")
    factor = _learning_factor(entry.network, images, start)

    def activate(network: Network) -> list[Any]:
        reduced = Entry(reduction.reduced(network, factor))
        return [_output(workspace.run_entry(reduced, image.id)) for image in images]

    network = learning.relearn(
        reduction.whole(entry.network),
        [_reduced_image(image, factor) for image in images],
        [_reduced_markers(document, image, factor) for image in images],
        [image.name for image in images],
        activate=activate,
        start=start,
        seed=int(arguments.get("seed", 42)),
        decoder=str(arguments.get("decoder", "linear")),
        factor=factor,
        class_names={one.label: one.name for one in document.classes},
        cut=cut,
    )
    network = reduction.reduced(network, factor)
    return document.with_entry(name, Entry(network, entry.bypassed & set(network.names)))


def _learning_factor(network: Network, images: list[Loaded], start: str | None) -> int:
    """By how much images are reduced while the network is learned, and from then on.

    Raises
    ------
    ParameterError
        If kernels that stay were learned at another size.
    """
    factor = reduction.factor_of(network)
    needed = max([factor, *(reduction.needed_factor(image.size) for image in images)])
    if start and needed != factor:
        raise ParameterError(
            f"the kernels before {start!r} work on images at 1/{factor} of their size, but the "
            f"images with strokes need 1/{needed}; learn all kernels again"
        )
    return needed


def _reduced_image(image: Loaded, factor: int) -> Any:
    return image.array if factor == 1 else reduction.reduce_image(image.array, factor)


def _reduced_markers(document: Document, image: Loaded, factor: int) -> Markers:
    markers = markers_of(document.strokes[image.id], image.size)
    return markers.rescaled(factor, [-(-n // factor) for n in image.size])


def _output(run: Run) -> Any:
    if run.output is None:
        raise ParameterError(f"step {run.results[-1].name!r} fails: {run.results[-1].error}")
    return run.output.array
