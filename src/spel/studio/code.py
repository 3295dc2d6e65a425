"""The Python that makes what is on the screen: it is meant to be read, copied and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.io import write
from spel.nn import Layer, Network
from spel.nn.node import INPUT
from spel.studio.describe import adjacency_words
from spel.studio.session import Session

MOST_INLINE = 600
"""Numbers that a script spells out; networks with more are loaded from their file."""

_NAMED: dict[str, Callable[[], KernelBank]] = {
    f'spel.KernelBank.{shape}("{axis}")': (
        lambda shape=shape, axis=axis: getattr(KernelBank, shape)(axis)  # type: ignore[misc]
    )
    for shape in ("sobel", "prewitt", "scharr")
    for axis in ("col", "row")
} | {
    "spel.KernelBank.laplacian()": KernelBank.laplacian,
    "spel.KernelBank.gaussian(1.5)": lambda: KernelBank.gaussian(1.5),
}


# -- values to source ----------------------------------------------------------------------------


def source(value: Any) -> str:
    """An expression that gives the value back, with `spel` and `np` imported.

    Examples
    --------
    >>> source(Adjacency.disk(2).dilated(3))
    'spel.Adjacency.disk(2.0).dilated(3)'
    >>> source(KernelBank.sobel("col"))
    'spel.KernelBank.sobel("col")'
    """
    if isinstance(value, Adjacency):
        return _adjacency(value)
    if isinstance(value, KernelBank):
        return _bank(value)
    if isinstance(value, Network):
        return _network(value)
    if isinstance(value, Layer):
        return _layer(value)
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _adjacency(value: Adjacency) -> str:
    words = adjacency_words(value)
    shape = words["shape"]
    if shape == "rectangle":
        text = f"spel.Adjacency.rectangle(width={words['width']}, height={words['height']})"
    elif shape == "disk" and Adjacency.disk(words["radius"]).dilated(words["dilation"]) == value:
        text = f"spel.Adjacency.disk({words['radius']})"
    elif shape == "cross":
        text = f"spel.Adjacency.cross({words['radius']})"
    else:
        return f"spel.Adjacency.from_displacements({value.displacements.tolist()})"
    return text + (f".dilated({words['dilation']})" if words["dilation"] > 1 else "")


def _bank(value: KernelBank) -> str:
    for text, make in _NAMED.items():
        if value == make():
            return text
    dense = value.dense()
    full = Adjacency.box(dense.shape[1:-1]) == value.adjacency
    if full and not value.provenance:
        shown = dense[..., 0] if value.channels == 1 else dense
        shown = shown[0] if len(value) == 1 and value.channels == 1 else shown
        bias = f", bias={_array(value.bias, listed=True)}" if value.bias.any() else ""
        return f"spel.KernelBank.from_array({_array(shown, listed=True)}{bias})"
    parts = [_adjacency(value.adjacency), _array(value.weights), _array(value.bias)]
    if value.provenance:
        told = (
            f"spel.Provenance({p.label}, {p.marker}, {source(p.image)}, {p.at!r})"
            for p in value.provenance
        )
        parts.append(f"({', '.join(told)},)")
    return f"spel.KernelBank({', '.join(parts)})"


def _array(value: Any, *, listed: bool = False) -> str:
    """Numbers with just the digits that give the same float32 back."""

    def told(part: Any) -> str:
        if np.ndim(part):
            return "[" + ", ".join(told(p) for p in part) + "]"
        text = str(np.float32(part))
        return text[:-2] if text.endswith(".0") else text

    text = told(np.asarray(value))
    return text if listed else f"np.array({text}, dtype=np.float32)"


def _layer(layer: Layer) -> str:
    given = []
    for f in fields(layer):
        value = getattr(layer, f.name)
        if type(value) is type(f.default) and not isinstance(value, np.ndarray):
            if value == f.default:
                continue
        elif f.name == "shift" and isinstance(value, np.ndarray) and not value.any():
            continue
        given.append((f.name, source(value)))
    # The first field of a layer is what it is about: its name says nothing new.
    first = fields(layer)[0].name if fields(layer) else ""
    words = [text if name == first else f"{name}={text}" for name, text in given]
    return f"spel.{type(layer).__name__}({', '.join(words)})"


def _network(network: Network) -> str:
    chained = all(
        node.inputs == (before,)
        for node, before in zip(network.nodes, (INPUT, *network.names), strict=False)
    )
    if chained:
        lines = [f"    {node.name}={source(node.layer)}," for node in network.nodes]
        if all(node.name.isidentifier() for node in network.nodes):
            return "spel.chain(\n" + "\n".join(lines) + "\n)"
    lines = [
        f"        spel.Node({source(node.name)}, {source(node.layer)}, "
        f"({', '.join(source(i) for i in node.inputs)},)),"
        for node in network.nodes
    ]
    return "spel.Network(\n    (\n" + "\n".join(lines) + "\n    )\n)"


# -- what is on the screen -----------------------------------------------------------------------


def network_code(session: Session, name: str) -> list[str]:
    """Lines that give the network, as `net`."""
    network = session.document.entry(name).effective
    if network is None:
        raise ParameterError("every step is switched off; switch one on")
    plain = network.parameters <= MOST_INLINE and not network.meta.get("learned")
    if plain:
        return [f"net = {source(network)}"]
    return [f"net = spel.load({source(str(session.file_of(network)))})"]


def image_code(session: Session, image: str) -> list[str]:
    """Lines that give the image, as `image`."""
    origin = session.images.source(image)
    if origin.code:
        return list(origin.code)
    loaded = session.load(image)
    if origin.path is None:
        path = _exports(session) / f"{loaded.digest}.npy"
        if not path.exists():
            write(path, loaded.array)
        return [f"image = spel.read({source(str(path))})"]
    cut = f"[::{loaded.reduced}, ::{loaded.reduced}]" if loaded.reduced > 1 else ""
    return [f"image = spel.read({source(str(origin.path))}){cut}"]


def _exports(session: Session) -> Path:
    folder = session.folder / "exports"
    folder.mkdir(exist_ok=True)
    return folder


def markers_file(session: Session, image: str) -> Path:
    """A file that holds the strokes of an image as markers."""
    from spel.io.annotation.markers import write_markers
    from spel.studio.images import digest_of
    from spel.studio.strokes import markers_of

    loaded = session.load(image)
    markers = markers_of(session.document.strokes.get(image, ()), loaded.size)
    path = _exports(session) / f"{image}-{digest_of(markers.image())[:12]}.json"
    if not path.exists():
        write_markers(path, markers)
    return path


def view_code(session: Session, view: Mapping[str, Any]) -> str:
    """A whole script for a view of the page: what is on it, printed or saved.

    Parameters
    ----------
    view : mapping
        ``page``, ``network``, ``image``, ``node``, ``row``, ``col``, ``channel``, ``kernel``,
        ``other`` (the second network of a comparison).
    """
    page = str(view.get("page") or "chain")
    writers = {
        "chain": _chain,
        "space": _space,
        "markers": _markers,
        "kernels": _kernels,
        "detect": _detect,
        "compare": _compare,
        "export": _chain,
        "lessons": _chain,
    }
    if page not in writers:
        raise ParameterError(f"page {page!r:.40}; expected one of {', '.join(writers)}")
    lines = writers[page](session, view)
    head = ["import numpy as np", "", "import spel"]
    for line in [x for x in lines if x.startswith("from ")]:
        lines.remove(line)
        if line not in head:
            head.append(line)
    text = "\n".join([*head, "", *lines])
    if "np." not in text:
        text = text.replace("import numpy as np\n\n", "")
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


def _start(session: Session, view: Mapping[str, Any]) -> list[str]:
    name = str(view["network"])
    return [*image_code(session, str(view["image"])), "", *network_code(session, name), ""]


def _chain(session: Session, view: Mapping[str, Any]) -> list[str]:
    node = str(view.get("node") or "")
    network = session.document.entry(str(view["network"])).effective
    lines = _start(session, view)
    if network is None or node not in network.names:
        return [*lines, "print(net.summary(image.shape))"]
    lines += [
        f"step = net.activations(image, upto={source(node)})[{source(node)}]",
        "print(step.shape, step.min(), step.max())",
    ]
    if view.get("row") is not None:
        at = (int(view["row"]), int(view["col"]))
        channel = f", channel={int(view['channel'])}" if view.get("channel") is not None else ""
        lines += [f"print(net.trace(image, at={at}, node={source(node)}{channel}))"]
    return lines


def _space(session: Session, view: Mapping[str, Any]) -> list[str]:
    node, kernel = str(view["node"]), int(view.get("kernel") or 0)
    network = session.document.entry(str(view["network"])).effective
    if network is None or node not in network.names:
        raise ParameterError(f"step {node!r} is switched off")
    (before,) = network.node(node).inputs
    given = "image" if before == INPUT else f"net.activations(image)[{source(before)}]"
    return [
        *_start(session, view),
        f"layer = net[{source(node)}]",
        f"patches = spel.ops.patches({given}, layer.bank.adjacency, border=layer.border)",
        f"distance = layer.bank.distance(patches)[..., {kernel}]",
        'print(f"{(distance > 0).mean():.1%} of the patches lie on the side that ReLU keeps")',
        "counts, edges = np.histogram(distance, bins=32)",
        "print(counts)",
    ]


def _markers(session: Session, view: Mapping[str, Any]) -> list[str]:
    path = markers_file(session, str(view["image"]))
    return [
        "from spel.io.annotation.markers import read_markers",
        *image_code(session, str(view["image"])),
        f"markers = read_markers({source(str(path))})",
        "print(markers, markers.stroke_count(), 'strokes')",
        "values = image[tuple(markers.points.T)]",
        "print(values.mean(axis=0), values.std(axis=0))",
    ]


def _kernels(session: Session, view: Mapping[str, Any]) -> list[str]:
    lines = [*_start(session, view), f"bank = net[{source(str(view['node']))}].bank", "print(bank)"]
    return [
        *lines,
        "for k in range(len(bank)):",
        '    origin = bank.provenance[k] if bank.provenance else "made by hand"',
        "    print(k, np.linalg.norm(bank.weights[k]), bank.bias[k], origin)",
    ]


def _detect(session: Session, view: Mapping[str, Any]) -> list[str]:
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


def _compare(session: Session, view: Mapping[str, Any]) -> list[str]:
    first = network_code(session, str(view["network"]))
    second = network_code(session, str(view.get("other") or view["network"]))
    return [
        *image_code(session, str(view["image"])),
        "",
        *[line.replace("net = ", "a = ", 1) for line in first],
        *[line.replace("net = ", "b = ", 1) for line in second],
        "",
        "for name, net in (('a', a), ('b', b)):",
        "    saliency = net(image)",
        "    print(name, net.parameters, net.multiply_adds(image.shape), saliency.shape)",
    ]
