"""The Python that makes what is on the screen: it is meant to be read, copied and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.errors import ParameterError
from spel.io import write
from spel.io.annotation.markers import write_markers
from spel.nn import Unlearned
from spel.nn.intensity import expected_white
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.studio.images import Loaded, digest_of
from spel.studio.learning_code import learning_code, learns
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.source import source
from spel.studio.strokes import markers_of

View = Mapping[str, Any]

MAX_INLINE = 600
"""Parameters that a script spells out; networks with more are loaded from their file."""


def network_code(session: Session, name: str, image: str) -> list[str]:
    """Lines that make the network, as it works on an image, and call it `net`."""
    network = session.fitted(name, image)
    if network.parameters <= MAX_INLINE and not network.meta.get("learned"):
        return [f"net = {source(network)}"]
    return [
        "# a copy with the session; the page Export saves it where you like",
        f"net = spel.load({source(str(session.file_of(network)))})",
    ]


def image_code(
    session: Session, image: str, white: float | None = None, *, whole: bool = False
) -> list[str]:
    """Lines that make the image and call it `image`.

    Parameters
    ----------
    white : float, optional
        Full intensity in what the network expects; without it the numbers stay as they are.
    whole : bool
        All planes of a stack, not only the one that is shown.
    """
    origin, loaded = session.images.source(image), session.load(image)
    plane = "" if whole else _plane(loaded)
    lines = list(origin.code)
    if lines:
        lines += [f"image = image{plane}"] if plane else []
    elif origin.path is None:
        planes = loaded.planes() if whole and loaded.planes is not None else None
        values = loaded.values if planes is None else np.stack([one.values for one in planes])
        path = _exports(session) / f"{digest_of(values)}.npy"
        if not path.exists():
            write(path, values)
        lines = [f"image = spel.read({source(str(path))})"]
    else:
        lines = [f"image = spel.read({source(str(origin.path))}){plane}"]
    if loaded.white is None or white is None:
        return lines
    return [
        "from spel.core.intensity import to_white",
        *lines,
        f"image = to_white(image, {loaded.white:g}, {white:g})",
    ]


def _plane(loaded: Loaded) -> str:
    """The index that takes a plane of a stack."""
    if loaded.cut is None:
        return ""
    axis, place = loaded.cut
    return f"[{':, ' * axis}{place}]"


def _exports(session: Session) -> Path:
    folder = session.folder / "exports"
    folder.mkdir(exist_ok=True)
    return folder


def markers_file(session: Session, image: str) -> Path:
    """A file that holds the strokes of an image as markers."""
    loaded = session.load(image)
    markers = markers_of(session.document.strokes.get(image, ()), loaded.size)
    path = _exports(session) / f"{image}-{digest_of(markers.image())[:12]}.json"
    if not path.exists():
        write_markers(path, markers)
    return path


def view_code(session: Session, view: View) -> str:
    """A whole script for a view of the page: it prints or saves what the page shows.

    Parameters
    ----------
    view : mapping
        ``page``, ``network``, ``image``, ``node``, ``row``, ``col``, ``channel``, ``kernel``,
        ``other`` (the second network of a comparison).
    """
    page = str(view.get("page") or "chain")
    if page not in _WRITERS:
        raise ParameterError(f"page {page!r:.40}; expected one of {', '.join(_WRITERS)}")
    lines = _WRITERS[page](session, view)
    imports = list(dict.fromkeys(line for line in lines if line.startswith("from ")))
    body = "\n".join(line for line in lines if not line.startswith("from "))
    numpy = ["import numpy as np", ""] if "np." in body else []
    text = "\n".join([*numpy, "import spel", *imports, "", body])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


def _start(session: Session, view: View) -> list[str]:
    name, image = str(view["network"]), str(view["image"])
    network = session.fitted(name, image)
    lines = image_code(session, image, expected_white(network), whole=_reads_batch(network))
    return [*lines, "", *network_code(session, name, image), ""]


def _reads_batch(network: Network) -> bool:
    """Whether a step looks at all images of a batch."""
    return any(node.layer.scope == "batch" for node in network.nodes)


def _chain(session: Session, view: View) -> list[str]:
    node = str(view.get("node") or "")
    network = session.fitted(str(view["network"]), str(view["image"]))
    lines = _start(session, view)
    if node not in network.names:
        return [*lines, "print(net.summary(image.shape))"]
    if _waits(network, node):
        return [
            *lines,
            "# this step has no numbers yet: the page Markers learns its kernels",
            "print(net)",
        ]
    batch = _reads_batch(network)
    place = _plane(session.load(str(view["image"]))) if batch else ""
    lines += [
        f"step = net.activations(image, upto={source(node)})[{source(node)}]{place}",
        "print(step.shape, step.min(), step.max())",
    ]
    if view.get("row") is not None and batch:
        spel = f"{int(view['row'])}, {int(view['col'])}, {int(view.get('channel') or 0)}"
        lines += [f"print(step[{spel}])"]
    elif view.get("row") is not None:
        at = (int(view["row"]), int(view["col"]))
        channel = f", channel={int(view['channel'])}" if view.get("channel") is not None else ""
        lines += [f"print(net.trace(image, at={at}, node={source(node)}{channel}))"]
    return lines


def _waits(network: Network, node: str) -> bool:
    """Whether a node needs kernels that are still to be learned."""
    return any(isinstance(one.layer, Unlearned) for one in network.needed([node]))


def _space(session: Session, view: View) -> list[str]:
    node, kernel = str(view["node"]), int(view.get("kernel") or 0)
    network = session.fitted(str(view["network"]), str(view["image"]))
    if node not in network.names:
        raise Refusal("step_off", "step {step} is switched off", step=node)
    before = network.node(node).inputs[0]
    taken = "image" if before == INPUT else f"net.activations(image)[{source(before)}]"
    if _waits(network, node):
        return [*_start(session, view), "print(net)  # to be learned from strokes"]
    return [
        *_start(session, view),
        f"layer = net[{source(node)}]",
        f"patches = spel.ops.patches({taken}, layer.bank.adjacency, border=layer.border)",
        f"distance = layer.bank.distance(patches)[..., {kernel}]",
        "# of all patches; the page counts a sample of at most 5,000 of them",
        'print(f"{(distance > 0).mean():.1%} of the patches lie on the side that ReLU keeps")',
        "counts, edges = np.histogram(distance, bins=32)",
        "print(counts)",
    ]


def _markers(session: Session, view: View) -> list[str]:
    image, name = str(view["image"]), str(view["network"])
    network, marked = session.document.entry(name).network, session.marked_images()
    lines = []
    if session.document.strokes.get(image):
        lines = [
            "from spel.io.annotation.markers import read_markers",
            *image_code(session, image),
            f"markers = read_markers({source(str(markers_file(session, image)))})",
            "print(markers, markers.stroke_count(), 'strokes')",
            "values = image[tuple(markers.points.T)]",
            "print(values.mean(axis=0), values.std(axis=0))",
            "",
        ]
    if not marked or not learns(network):
        return lines or [*image_code(session, image), "print(image.shape, 'no strokes are drawn')"]
    return [
        *lines,
        *learning_code(
            network,
            [session.load(one) for one in marked],
            [markers_file(session, one) for one in marked],
            {one.label: one.name for one in session.document.classes},
            lambda one, white: image_code(session, one, white),
        ),
        "print(net.summary(images[0].shape))",
    ]


def _kernels(session: Session, view: View) -> list[str]:
    lines = [*_start(session, view), f"bank = net[{source(str(view['node']))}].bank", "print(bank)"]
    return [
        *lines,
        "for k in range(len(bank)):",
        '    origin = bank.provenance[k] if bank.provenance else "made by hand"',
        "    print(k, np.linalg.norm(bank.weights[k]), bank.bias[k], origin)",
    ]


def _detect(session: Session, view: View) -> list[str]:
    network = session.fitted(str(view["network"]), str(view["image"]))
    if _waits(network, network.output):
        return [*_start(session, view), "print(net)  # to be learned from strokes"]
    decision = session.document.entry(str(view["network"])).decision.to_dict()
    options = "".join(f", {name}={_option(value, name)}" for name, value in decision.items())
    return [
        *_start(session, view),
        f"found = spel.detect(net, image{options}, why=True)",
        "for (box, score), why in zip(found, found.why):",
        "    print(box, score, why.kernels[:3])",
    ]


def _option(value: Any, name: str) -> str:
    if name == "adjacency":
        return source(Adjacency.from_displacements(value))
    if isinstance(value, list):
        return f"({', '.join(repr(v) for v in value)})"
    return source(value)


def _export(session: Session, view: View) -> list[str]:
    name = str(view["network"])
    stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in name).strip("-")
    stem = stem or "network"
    return [
        *network_code(session, name, str(view["image"])),
        "from spel.nn import save",
        f"save(net, {source(stem + '.safetensors')})",
        "print(len(net), 'steps,', net.parameters, 'parameters')",
    ]


def _compare(session: Session, view: View) -> list[str]:
    image = str(view["image"])
    first = network_code(session, str(view["network"]), image)
    second = network_code(session, str(view.get("other") or view["network"]), image)
    white = expected_white(session.fitted(str(view["network"]), image))
    return [
        *image_code(session, image, white),
        "",
        *[line.replace("net = ", "a = ", 1) for line in first],
        *[line.replace("net = ", "b = ", 1) for line in second],
        "",
        "for name, net in (('a', a), ('b', b)):",
        "    if any(isinstance(net[step], spel.Unlearned) for step in net.names):",
        "        print(name, 'is to be learned from strokes')",
        "        continue",
        "    saliency = net(image)",
        "    print(name, net.parameters, net.multiply_adds(image.shape), saliency.shape)",
    ]


_WRITERS: dict[str, Callable[[Session, View], list[str]]] = {
    "chain": _chain,
    "space": _space,
    "markers": _markers,
    "kernels": _kernels,
    "detect": _detect,
    "compare": _compare,
    "export": _export,
    "lessons": _chain,
}
