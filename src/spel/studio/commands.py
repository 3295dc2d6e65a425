"""Commands: what a user can do. Each is a function from a document to the next one.

A command takes the document, the desk (which images there are, what networks give on them) and the
arguments that the page sent. It checks them, changes nothing, and returns a new document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide import Decision
from spel.errors import FormatError, ParameterError
from spel.nn import (
    BatchNormalize,
    Convolution,
    DivisiveNormalize,
    Layer,
    Network,
    Node,
    Residue,
)
from spel.nn.node import INPUT
from spel.studio import banks, edit, learning
from spel.studio.cache import Run
from spel.studio.describe import adjacency_from, with_fields
from spel.studio.document import Class, Document, Entry, Stroke
from spel.studio.images import Loaded
from spel.studio.steps import new_layer
from spel.studio.strokes import markers_of, strokes_of

Given = Mapping[str, Any]


class Desk(Protocol):
    """What commands ask of the session."""

    def load(self, image: str) -> Loaded: ...
    def run_entry(self, entry: Entry, image: str) -> Run: ...
    def image_ids(self) -> tuple[str, ...]: ...


Command = Callable[[Document, Desk, Given], Document]
COMMANDS: dict[str, Command] = {}
MAX_NETWORKS = 64


def command(name: str) -> Callable[[Command], Command]:
    def keep(function: Command) -> Command:
        COMMANDS[name] = function
        return function

    return keep


def apply(document: Document, desk: Desk, given: Given) -> Document:
    """The document after a command ``{"do": name, ...}``.

    Raises
    ------
    ParameterError, FormatError, ShapeError
        If the command is unknown, or its arguments do not fit; the document stays as it was.
    """
    name = given.get("do")
    if name not in COMMANDS:
        raise ParameterError(f"command {name!r:.40}; expected one of {', '.join(sorted(COMMANDS))}")
    try:
        return COMMANDS[name](document, desk, given)
    except KeyError as error:
        raise FormatError(f"{name}: {error.args[0]!r} is missing") from None
    except (TypeError, AttributeError, IndexError, OverflowError) as error:
        raise FormatError(f"{name}: {error}") from None


# -- networks ------------------------------------------------------------------------------------


def _edited(document: Document, given: Given, change: Callable[[Network], Network]) -> Document:
    name = given["network"]
    entry = document.entry(name)
    network = change(entry.network)
    bypassed = entry.bypassed & set(network.names)
    return document.with_entry(name, Entry(network, bypassed))


def _layer_changed(document: Document, given: Given, change: Callable[[Layer], Layer]) -> Document:
    return _edited(document, given, lambda n: n.replace(given["node"], change(n[given["node"]])))


def _bank_changed(document: Document, given: Given, change: Callable[[Any], Any]) -> Document:
    def changed(layer: Layer) -> Layer:
        if not isinstance(layer, Convolution):
            raise ParameterError(f"step {given['node']!r} is no convolution and has no kernels")
        return replace(layer, bank=change(layer.bank))

    return _layer_changed(document, given, changed)


@command("add_network")
def add_network(document: Document, desk: Desk, given: Given) -> Document:
    name = _title(given["name"])
    if len(document.networks) >= MAX_NETWORKS:
        raise ParameterError(f"{MAX_NETWORKS} networks; remove some first")
    if name in document.networks:
        raise ParameterError(f"there is a network {name!r} already; give another name")
    if "copy" in given:
        return document.with_entry(name, document.entry(given["copy"]))
    return document.with_entry(name, Entry(learning.template(given["template"])))


@command("remove_network")
def remove_network(document: Document, desk: Desk, given: Given) -> Document:
    document.entry(given["network"])
    if len(document.networks) == 1:
        raise ParameterError("the last network stays; add another one first")
    rest = {n: e for n, e in document.networks.items() if n != given["network"]}
    return replace(document, networks=rest)


@command("rename_network")
def rename_network(document: Document, desk: Desk, given: Given) -> Document:
    document.entry(given["network"])
    name = _title(given["name"])
    if name in document.networks:
        raise ParameterError(f"there is a network {name!r} already; give another name")
    return replace(
        document,
        networks={name if n == given["network"] else n: e for n, e in document.networks.items()},
    )


def _title(name: Any) -> str:
    text = "".join(c for c in str(name) if c.isprintable()).strip()
    if not 1 <= len(text) <= 60:
        raise ParameterError(f"name {str(name)[:60]!r}; expected 1 to 60 characters")
    return text


@command("stage_lesson")
def stage_lesson(document: Document, desk: Desk, given: Given) -> Document:
    """Set a lesson's network to the state of one of its steps, whatever it was before."""
    name = "lesson"
    document = document.with_entry(name, Entry(learning.template(given["template"])))
    for one in given.get("commands", [])[:20]:
        document = apply(document, desk, {**one, "network": name})
    return document


@command("set_layer")
def set_layer(document: Document, desk: Desk, given: Given) -> Document:
    return _layer_changed(document, given, lambda layer: with_fields(layer, given["fields"]))


@command("add_step")
def add_step(document: Document, desk: Desk, given: Given) -> Document:
    entry = document.entry(given["network"])
    kind, after = str(given["kind"]), str(given["after"])
    channels = _channels_after(entry, desk, given, after)
    stem = str(given.get("name") or kind)
    name = edit.free_name(entry.network, stem)
    if kind == "residue":
        inner = edit.free_name(entry.network, f"{stem}.normalized")
        layer: Layer = DivisiveNormalize(Adjacency.rectangle(width=25, height=5))
        nodes = [
            Node(inner, layer, (after,)),
            Node(name, Residue(scale="max"), (after, inner)),
        ]
    elif kind == "batch_normalize":
        nodes = [Node(name, _fitted(document, desk, given, entry, after), (after,))]
    else:
        nodes = [Node(name, new_layer(kind, channels), (after,))]
    return _edited(document, given, lambda n: edit.added(n, after, nodes))


def _channels_after(entry: Entry, desk: Desk, given: Given, after: str) -> int:
    image = str(given.get("image") or next(iter(desk.image_ids()), ""))
    if not image:
        return 1
    if after == INPUT:
        return int(desk.load(image).array.shape[-1])
    step = desk.run_entry(Entry(entry.network), image).step(after)
    return int(step.kept.array.shape[-1]) if step is not None and step.kept is not None else 1


def _fitted(
    document: Document, desk: Desk, given: Given, entry: Entry, after: str
) -> BatchNormalize:
    """Batch normalization with the statistics of all images of the session together."""
    total, square, count = 0.0, 0.0, 0
    for image in desk.image_ids()[:16]:
        if after == INPUT:
            array = desk.load(image).array
        else:
            step = desk.run_entry(Entry(entry.network), image).step(after)
            if step is None or step.kept is None:
                raise ParameterError(f"{after!r} gives nothing on {image} yet; mend it first")
            array = step.kept.array
        flat = array.reshape(-1, array.shape[-1]).astype(np.float64)
        total, square, count = total + flat.sum(0), square + (flat**2).sum(0), count + len(flat)
    if not count:
        raise ParameterError("there is no image to take statistics from; open one first")
    mean = total / count
    deviation = np.sqrt(np.maximum(square / count - mean**2, 0))
    return BatchNormalize(mean, deviation, over="channel")


@command("remove_step")
def remove_step(document: Document, desk: Desk, given: Given) -> Document:
    return _edited(document, given, lambda n: edit.removed(n, given["node"]))


@command("move_step")
def move_step(document: Document, desk: Desk, given: Given) -> Document:
    return _edited(document, given, lambda n: edit.moved(n, given["node"], given["after"]))


@command("rename_step")
def rename_step(document: Document, desk: Desk, given: Given) -> Document:
    return _edited(document, given, lambda n: edit.renamed(n, given["node"], str(given["name"])))


@command("bypass_step")
def bypass_step(document: Document, desk: Desk, given: Given) -> Document:
    entry = document.entry(given["network"])
    entry.network.node(given["node"])
    change = {given["node"]}
    off = entry.bypassed | change if given["off"] else entry.bypassed - change
    changed = replace(entry, bypassed=off)
    if changed.effective is None:
        raise ParameterError("the last step that is on stays on")
    return document.with_entry(given["network"], changed)


# -- kernels -------------------------------------------------------------------------------------


@command("set_bank")
def set_bank(document: Document, desk: Desk, given: Given) -> Document:
    entry = document.entry(given["network"])
    (source, *_) = entry.network.node(given["node"]).inputs
    channels = _channels_after(entry, desk, given, source)
    new = banks.preset(given["preset"], channels, given.get("options"))
    return _bank_changed(document, given, lambda bank: new)


@command("set_kernel")
def set_kernel(document: Document, desk: Desk, given: Given) -> Document:
    kernel = int(given["kernel"])
    bias = None if given.get("bias") is None else float(given["bias"])
    return _bank_changed(
        document, given, lambda b: banks.with_kernel(b, kernel, given.get("weights"), bias)
    )


@command("resize_kernels")
def resize_kernels(document: Document, desk: Desk, given: Given) -> Document:
    size = int(given["width"]), int(given["height"])
    return _bank_changed(document, given, lambda b: banks.resized(b, *size))


@command("set_kernel_adjacency")
def set_kernel_adjacency(document: Document, desk: Desk, given: Given) -> Document:
    adjacency = adjacency_from(given["adjacency"])
    return _bank_changed(document, given, lambda b: banks.redilated(b, adjacency))


@command("copy_kernel")
def copy_kernel(document: Document, desk: Desk, given: Given) -> Document:
    return _bank_changed(document, given, lambda b: banks.with_copy(b, int(given["kernel"])))


@command("invert_kernels")
def invert_kernels(document: Document, desk: Desk, given: Given) -> Document:
    kernels = [int(k) for k in given["kernels"]]
    return _bank_changed(document, given, lambda b: banks.inverted(b, kernels))


@command("keep_kernels")
def keep_kernels(document: Document, desk: Desk, given: Given) -> Document:
    kernels = [int(k) for k in given["kernels"]]
    return _edited(document, given, lambda n: edit.kept(n, given["node"], kernels))


@command("drop_kernels")
def drop_kernels(document: Document, desk: Desk, given: Given) -> Document:
    layer = document.entry(given["network"]).network[given["node"]]
    count = len(layer.bank) if isinstance(layer, Convolution) else 0
    gone = {int(k) for k in given["kernels"]}
    kept = [k for k in range(count) if k not in gone]
    return _edited(document, given, lambda n: edit.kept(n, given["node"], kept))


# -- strokes and learning ------------------------------------------------------------------------


@command("add_stroke")
def add_stroke(document: Document, desk: Desk, given: Given) -> Document:
    image = desk.load(str(given["image"])).id
    stroke = Stroke.from_dict(given["stroke"])
    old = document.strokes.get(image, ())
    if any(s.id == stroke.id for s in old):
        return document  # sent twice
    return document.with_strokes(image, (*old, stroke))


@command("remove_strokes")
def remove_strokes(document: Document, desk: Desk, given: Given) -> Document:
    image, gone = str(given["image"]), {str(i) for i in given["ids"]}
    old = document.strokes.get(image, ())
    return document.with_strokes(image, tuple(s for s in old if s.id not in gone))


@command("clear_strokes")
def clear_strokes(document: Document, desk: Desk, given: Given) -> Document:
    return document.with_strokes(str(given["image"]), ())


def with_markers(document: Document, image: Loaded, markers: Markers, stem: str) -> Document:
    """The document with markers from a file put on an image."""
    markers.check_fits(image.size, image.name)
    old = document.strokes.get(image.id, ())
    known = {c.label for c in document.classes}
    new = tuple(
        Class(label, f"class {label}", COLORS[label % len(COLORS)])
        for label in markers.classes
        if label not in known
    )
    document = replace(document, classes=document.classes + new)
    return document.with_strokes(image.id, (*old, *strokes_of(markers, stem)))


COLORS = (
    "#2f6fd0",
    "#e8710a",
    "#1a9e77",
    "#a846c2",
    "#c9a400",
    "#d6336c",
    "#0f9fb5",
    "#7a5c3e",
    "#5b8c00",
    "#6f6f6f",
)


@command("set_classes")
def set_classes(document: Document, desk: Desk, given: Given) -> Document:
    import re

    classes = []
    for item in given["classes"][:64]:
        color = str(item["color"])
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
            raise ParameterError(f"color {color!r:.20}; expected #rrggbb")
        label = int(item["label"])
        if not 0 <= label <= 255:
            raise ParameterError(f"label {label}; expected 0 to 255")
        classes.append(Class(label, _title(item["name"]), color))
    if len({c.label for c in classes}) < len(classes) or not classes:
        raise ParameterError("classes: expected each label once, and at least one")
    return replace(document, classes=tuple(classes))


@command("learn")
def learn(document: Document, desk: Desk, given: Given) -> Document:
    name = given["network"]
    entry = document.entry(name)
    drawn = [i for i in desk.image_ids() if document.strokes.get(i)]
    if not drawn:
        raise ParameterError("no stroke is drawn yet; draw on an object and on the background")
    images = [desk.load(i) for i in drawn]
    network = learning.relearned(
        entry.network,
        [image.array for image in images],
        [markers_of(document.strokes[image.id], image.size) for image in images],
        [image.name for image in images],
        activate=lambda known: [_output(desk.run_entry(Entry(known), i)) for i in drawn],
        start=given.get("start"),
        seed=int(given.get("seed", 42)),
        decoder=str(given.get("decoder", "linear")),
    )
    return document.with_entry(name, Entry(network, entry.bypassed & set(network.names)))


def _output(run: Run) -> Any:
    if run.output is None:
        raise ParameterError(f"{run.steps[-1].name}: {run.steps[-1].error}")
    return run.output.array


# -- decisions, truth, pins ----------------------------------------------------------------------


@command("set_decision")
def set_decision(document: Document, desk: Desk, given: Given) -> Document:
    entry = document.entry(given["network"])
    decision = Decision.from_dict(given["decision"])
    return document.with_entry(given["network"], entry.decided(decision))


@command("set_truth")
def set_truth(document: Document, desk: Desk, given: Given) -> Document:
    image = desk.load(str(given["image"])).id
    boxes = []
    for box in given["boxes"][:100_000]:
        x0, y0, x1, y1 = (float(v) for v in box)
        if not (np.isfinite([x0, y0, x1, y1]).all() and x0 < x1 and y0 < y1):
            raise ParameterError(f"box {box!r:.60}; expected x0 < x1 and y0 < y1")
        boxes.append((x0, y0, x1, y1))
    return replace(document, truth={**document.truth, image: tuple(boxes)})


@command("set_pins")
def set_pins(document: Document, desk: Desk, given: Given) -> Document:
    known = set(desk.image_ids())
    pins = tuple(dict.fromkeys(str(i) for i in given["images"] if str(i) in known))
    return replace(document, pins=pins[:8])
