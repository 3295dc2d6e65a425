"""Patch space and kernels: the cloud of patches with a hyperplane; galleries of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError
from spel.flim.statistics import Statistics, statistics
from spel.nn import Activation, Convolution, Network
from spel.nn.node import INPUT
from spel.studio import banks
from spel.studio.cache import Run
from spel.studio.session import Session
from spel.studio.strokes import markers_of
from spel.studio.views import Json, Packed, packed

Real = npt.NDArray[np.float64]
MOST_PATCHES = 5000
DIRECTIONS = ("kernel", "components", "entries")


def cloud_view(
    session: Session,
    network: str,
    image: str,
    node: str,
    *,
    kernel: int = 0,
    directions: str = "kernel",
    entries: Sequence[int] = (),
    normalized: bool = False,
) -> Packed:
    """Patches of a convolution's input in three directions of patch space, and its hyperplane.

    Parameters
    ----------
    directions : {"kernel", "components", "entries"}
        "kernel": the first axis is the kernel's normal, the others the main components of what is
        left; "components": principal components; "entries": chosen entries of the patch.
    normalized : bool
        Centre and scale every channel by its mean and deviation over the strokes (over the sample
        where nothing is drawn), as learning does.

    Returns
    -------
    header
        ``plane = (a, k)``: the hyperplane, cut through the mean, is ``a . y + k = 0`` in the
        directions' coordinates y.
    coordinates (n, 3), spels (n, 2), labels (n,), distances (n,)
    """
    run, layer, source = _convolution(session, network, image, node)
    bank = layer.bank
    if not 0 <= kernel < len(bank):
        raise ParameterError(f"kernel {kernel}; expected 0 to {len(bank) - 1}")
    spels, labels = _places(session, run, source.shape[:2])
    patches = ops.patches(source, bank.adjacency, at=spels, border=layer.border).astype(np.float64)
    weights = bank.weights[kernel].ravel().astype(np.float64)
    bias = float(bank.bias[kernel])
    known = _statistics(source, spels, labels)
    if normalized:
        patches = known.standardize(patches)
        repeats = len(weights) // len(known.mean)
        bias += float(weights @ np.tile(known.mean, repeats))
        weights = weights * np.tile(known.deviation, repeats)
    axes, names = _axes(patches, weights, directions, entries, bank.channels, kernel)
    mean = patches.mean(axis=0)
    # The first axis of "kernel" and raw entries keep their own zero; components are centred.
    origin = axes @ mean if directions == "components" else np.zeros(3)
    if directions == "kernel":
        origin = np.concatenate([[0.0], (axes @ mean)[1:]])
    coordinates = patches @ axes.T - origin
    normal = axes @ weights
    offset = bias + weights @ mean + normal @ (origin - axes @ mean)
    norm = float(np.linalg.norm(weights))
    distances = (patches @ weights + bias) / (norm or 1.0)
    header = {
        "names": names,
        "plane": {"normal": normal.tolist(), "offset": float(offset)},
        "bias": float(bank.bias[kernel]),
        "norm": norm,
        "kernels": len(bank),
        "length": int(patches.shape[1]),
        "size": list(source.shape[:2]),
        "drawn": bool((labels >= 0).any()),
        "mean": known.mean.tolist(),
        "deviation": known.deviation.tolist(),
    }
    return packed(
        header,
        coordinates.astype(np.float32),
        spels.astype(np.int32),
        labels.astype(np.int32),
        distances.astype(np.float32),
    )


def _convolution(
    session: Session, network: str, image: str, node: str
) -> tuple[Run, Convolution, npt.NDArray[Any]]:
    """A run, one of its convolutions, and the activation that it takes."""
    run = session.run(network, image)
    if node not in run.network.names or not isinstance(run.network[node], Convolution):
        raise ParameterError(f"step {node!r} is no convolution that is switched on")
    layer = run.network[node]
    assert isinstance(layer, Convolution)
    (name,) = run.network.node(node).inputs
    known = {INPUT: run.image.array, **run.activations}
    if name not in known:
        raise ParameterError(f"{name!r} gives nothing yet; mend it first")
    return run, layer, known[name]


def _places(
    session: Session, run: Run, size: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Marked spels and a fixed random sample of the others; labels, -1 where nothing is drawn."""
    strokes = session.document.strokes.get(run.image.id, ())
    marked = markers_of(strokes, run.image.size)
    if tuple(size) != run.image.size:
        stride = [max(1, round(a / b)) for a, b in zip(run.image.size, size)]
        marked = marked.rescaled(stride, size)
    random = np.random.default_rng(0)
    points, labels = marked.points, marked.labels
    if len(points) > MOST_PATCHES // 2:
        chosen = np.sort(random.choice(len(points), MOST_PATCHES // 2, replace=False))
        points, labels = points[chosen], labels[chosen]
    total = int(np.prod(size))
    count = min(total, MOST_PATCHES - len(points))
    flat = random.choice(total, count, replace=False)
    others = np.stack(np.unravel_index(flat, size), axis=1)
    taken = np.zeros(size, dtype=bool)
    taken[tuple(points.T)] = True
    others = others[~taken[tuple(others.T)]]
    return (
        np.concatenate([others, points]).astype(np.int64),
        np.concatenate([np.full(len(others), -1), labels]).astype(np.int64),
    )


def _statistics(source: Any, spels: Any, labels: Any) -> Statistics:
    chosen = spels[labels >= 0] if (labels >= 0).any() else spels
    from spel.core.markers import Markers

    drawn = Markers(chosen, np.zeros(len(chosen), dtype=np.int64), source.shape[:2])
    return statistics([source], [drawn])


def _axes(
    patches: Real,
    weights: Real,
    directions: str,
    entries: Sequence[int],
    channels: int,
    kernel: int,
) -> tuple[Real, list[str]]:
    """Three orthonormal rows of patch space, and what they are."""
    length = patches.shape[1]
    if directions == "entries":
        chosen = [int(e) for e in entries][:3] or [0, 1, 2]
        if any(not 0 <= e < length for e in chosen):
            raise ParameterError(f"entries {chosen}; expected 0 to {length - 1}")
        axes = np.zeros((3, length))
        for row, entry in enumerate(chosen):
            axes[row, entry] = 1
        return axes, [f"entry {e // channels}, channel {e % channels}" for e in chosen]
    if directions == "components":
        return _components(patches, 3), ["component 1", "component 2", "component 3"]
    if directions == "kernel":
        norm = np.linalg.norm(weights)
        unit = weights / norm if norm > 0 else np.eye(length)[0]
        rest = patches - (patches @ unit)[:, None] * unit
        axes = np.concatenate([unit[None], _components(rest, 2)])
        rest_of = [f"component {i} of the rest" for i in (1, 2)]
        return axes, [f"along kernel {kernel}", *rest_of]
    raise ParameterError(f"directions {directions!r}; expected one of {', '.join(DIRECTIONS)}")


def _components(patches: Real, count: int) -> Real:
    centred = patches - patches.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    rows = vectors.T[::-1][:count]
    # A sign that does not depend on the machine: the largest entry is positive.
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
    return np.concatenate([rows, np.zeros((count - len(rows), patches.shape[1]))])


# -- kernels -------------------------------------------------------------------------------------


def kernels_view(
    session: Session, network: str, node: str, images: Sequence[str], side: int = 88
) -> Packed:
    """A bank as a gallery: kernels, where each came from, what it gives on some images.

    Returns
    -------
    header
        One entry per kernel: provenance, norm, the first kernel it equals, mean activation on
        object strokes and on background strokes (None where nothing is drawn).
    kernels (K, rows, cols, C), then one (K, h, w) per image
    """
    layer = session.document.entry(network).network[node]
    if not isinstance(layer, Convolution):
        raise ParameterError(f"step {node!r} is no convolution and has no kernels")
    bank = layer.bank
    shown, pictures, sums = [], [], _Sums(len(bank))
    for image in images[:8]:
        run = session.run(network, image)
        after = _shown_after(run.network, node)
        activation = run.activations.get(after)
        if activation is None:
            continue
        step = max(1, int(np.ceil(max(activation.shape[:2]) / side)))
        pictures.append(
            np.ascontiguousarray(np.moveaxis(activation[::step, ::step], -1, 0), dtype=np.float32)
        )
        shown.append({"image": image, "step": after})
        sums.add(session, run, activation)
    first = banks.alike(bank)
    norms = np.linalg.norm(bank.weights.reshape(len(bank), -1), axis=1)
    told = []
    for k in range(len(bank)):
        one: Json = {
            "bias": float(bank.bias[k]),
            "norm": float(norms[k]),
            "like": first[k] if first[k] != k else None,
            "object": sums.mean(k, True),
            "background": sums.mean(k, False),
        }
        if bank.provenance:
            p = bank.provenance[k]
            one |= {"label": p.label, "marker": p.marker, "image": p.image, "at": list(p.at)}
        told.append(one)
    header = {"kernels": told, "shown": shown, "reach": bank.adjacency.reach}
    return packed(header, bank.dense(), *pictures)


class _Sums:
    """Sums of activations over object strokes and over background strokes."""

    def __init__(self, kernels: int) -> None:
        self.totals = {True: np.zeros(kernels), False: np.zeros(kernels)}
        self.counts = {True: 0, False: 0}

    def add(self, session: Session, run: Run, activation: npt.NDArray[Any]) -> None:
        strokes = session.document.strokes.get(run.image.id, ())
        markers = markers_of(strokes, run.image.size)
        if not len(markers) or activation.shape[-1] != len(self.totals[True]):
            return
        scale = np.array(activation.shape[:2]) / np.array(run.image.size)
        last = np.array(activation.shape[:2]) - 1
        points = np.minimum((markers.points * scale).astype(int), last)
        values = activation[tuple(points.T)].astype(np.float64)
        for side in (True, False):
            chosen = markers.is_object == side
            self.totals[side] += values[chosen].sum(axis=0)
            self.counts[side] += int(chosen.sum())

    def mean(self, kernel: int, side: bool) -> float | None:
        if not self.counts[side]:
            return None
        return float(self.totals[side][kernel] / self.counts[side])


def _shown_after(network: Network, node: str) -> str:
    """The activation function behind a convolution if there is one, else the convolution."""
    for later in network.nodes:
        if node in later.inputs and isinstance(later.layer, Activation):
            return later.name
    return node
