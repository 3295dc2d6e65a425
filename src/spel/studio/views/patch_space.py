"""Patch space: the cloud of patches that a convolution takes, and the hyperplane of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.statistics import Statistics, statistics
from spel.nn import Convolution
from spel.nn.node import INPUT
from spel.studio.cache import Run
from spel.studio.graph import as_convolution
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.strokes import markers_of
from spel.studio.views.packing import Packed, packed

Real = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
MAX_PATCHES = 5000
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
        "kernel": the first axis is the kernel's normal, the other two are the principal components
        of what is orthogonal to it; "components": principal components; "entries": chosen entries
        of the patch.
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
    spels, labels = _sample(session, run, source.shape[:2])
    patches = ops.patches(source, bank.adjacency, at=spels, border=layer.border).astype(np.float64)
    weights = bank.weights[kernel].ravel().astype(np.float64)
    bias = float(bank.bias[kernel])
    moments = _statistics(source, spels, labels)
    if normalized:
        patches = moments.standardize(patches)
        repeats = len(weights) // len(moments.mean)
        bias += float(weights @ np.tile(moments.mean, repeats))
        weights = weights * np.tile(moments.deviation, repeats)
    axes, names = _axes(patches, weights, directions, entries, bank.channels, kernel)
    coordinates, normal, offset = _project(patches, weights, bias, axes, directions)
    norm = float(np.linalg.norm(weights))
    distances = (patches @ weights + bias) / (norm or 1.0)
    header = {
        "names": names,
        "plane": {"normal": normal.tolist(), "offset": offset},
        "bias": float(bank.bias[kernel]),
        "norm": norm,
        "kernels": len(bank),
        "length": int(patches.shape[1]),
        "size": list(source.shape[:2]),
        "drawn": bool((labels >= 0).any()),
        "mean": moments.mean.tolist(),
        "deviation": moments.deviation.tolist(),
    }
    arrays = (coordinates.astype(np.float32), spels.astype(np.int32), labels.astype(np.int32))
    return packed(header, *arrays, distances.astype(np.float32))


def _project(
    patches: Real, weights: Real, bias: float, axes: Real, directions: str
) -> tuple[Real, Real, float]:
    """Coordinates of the patches along the axes; normal and offset of the plane in them."""
    mean = patches.mean(axis=0)
    projected_mean = axes @ mean
    # Components are centred; the kernel's axis and single entries keep their own zero.
    origin = np.zeros(3)
    if directions == "components":
        origin = projected_mean
    elif directions == "kernel":
        origin = np.concatenate([[0.0], projected_mean[1:]])
    coordinates = patches @ axes.T - origin
    normal = axes @ weights
    offset = bias + weights @ mean + normal @ (origin - projected_mean)
    return coordinates, normal, float(offset)


def _convolution(
    session: Session, network: str, image: str, node: str
) -> tuple[Run, Convolution, npt.NDArray[Any]]:
    """A run, one of its convolutions, and the activation that the convolution takes."""
    run = session.run(network, image)
    if node not in run.network.names:
        raise Refusal("step_off", "step {step} is switched off", step=node)
    layer = as_convolution(run.network[node], node)
    source = run.network.node(node).inputs[0]
    arrays = {INPUT: run.input, **run.activations}
    if source not in arrays:
        raise Refusal(
            "no_activation", "step {step} gives no activation; correct it first", step=source
        )
    return run, layer, arrays[source]


def _sample(session: Session, run: Run, size: tuple[int, ...]) -> tuple[Whole, Whole]:
    """Marked pixels and a fixed random sample of the others; label -1 where nothing is drawn."""
    strokes = session.document.strokes.get(run.image.id, ())
    markers = markers_of(strokes, run.image.size)
    if tuple(size) != run.image.size:
        stride = [max(1, round(a / b)) for a, b in zip(run.image.size, size)]
        markers = markers.rescaled(stride, size)
    random = np.random.default_rng(0)
    points, labels = markers.points, markers.labels
    if len(points) > MAX_PATCHES // 2:
        chosen = np.sort(random.choice(len(points), MAX_PATCHES // 2, replace=False))
        points, labels = points[chosen], labels[chosen]
    total = int(np.prod(size))
    count = min(total, MAX_PATCHES - len(points))
    flat = random.choice(total, count, replace=False)
    others = np.stack(np.unravel_index(flat, size), axis=1)
    marked = np.zeros(size, dtype=bool)
    marked[tuple(points.T)] = True
    others = others[~marked[tuple(others.T)]]
    return (
        np.concatenate([others, points]).astype(np.int64),
        np.concatenate([np.full(len(others), -1), labels]).astype(np.int64),
    )


def _statistics(source: npt.NDArray[Any], spels: Whole, labels: Whole) -> Statistics:
    """Mean and deviation of each channel over the strokes, or over the sample without strokes."""
    chosen = spels[labels >= 0] if (labels >= 0).any() else spels
    markers = Markers(chosen, np.zeros(len(chosen), dtype=np.int64), source.shape[:2])
    return statistics([source], [markers])


def _axes(
    patches: Real,
    weights: Real,
    directions: str,
    entries: Sequence[int],
    channels: int,
    kernel: int,
) -> tuple[Real, list[str]]:
    """Three orthonormal rows of patch space, and their names: a word and numbers."""
    length = patches.shape[1]
    if directions == "entries":
        chosen = list(entries)[:3] or list(range(min(3, length)))
        if any(not 0 <= e < length for e in chosen):
            raise ParameterError(f"entries {chosen}; expected 0 to {length - 1}")
        axes = np.zeros((3, length))
        for row, entry in enumerate(chosen):
            axes[row, entry] = 1
        names = [f"entry {e // channels} {e % channels}" for e in chosen]
        return axes, [*names, *[""] * (3 - len(names))]
    if directions == "components":
        return _components(patches, 3), ["component 1", "component 2", "component 3"]
    if directions == "kernel":
        norm = np.linalg.norm(weights)
        unit = weights / norm if norm > 0 else np.eye(length)[0]
        rest = patches - (patches @ unit)[:, None] * unit
        axes = np.concatenate([unit[None], _components(rest, 2)])
        return axes, [f"kernel {kernel}", "rest 1", "rest 2"]
    raise ParameterError(f"directions {directions!r:.40}; expected one of {', '.join(DIRECTIONS)}")


def _components(patches: Real, count: int) -> Real:
    """The first principal components; zeros where patches have fewer entries."""
    centred = patches - patches.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    rows = vectors.T[::-1][:count]
    # The sign must not depend on the machine: the largest entry is made positive.
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
    return np.concatenate([rows, np.zeros((count - len(rows), patches.shape[1]))])
