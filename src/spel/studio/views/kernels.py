"""A gallery of kernels: where each came from, and what it gives on some images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.errors import ImageReadError
from spel.nn import Activation, Network
from spel.studio import banks
from spel.studio.cache import Run
from spel.studio.graph import as_convolution
from spel.studio.session import Session
from spel.studio.strokes import markers_of
from spel.studio.views.packing import Json, Packed, packed

MAX_IMAGES = 8
MAX_MARKED = 32
"""Images with strokes whose means are taken; the others would hold up the gallery."""


def kernels_view(
    session: Session, network: str, node: str, images: Sequence[str], side: int = 88
) -> Packed:
    """The kernels of a convolution, and small pictures of their activations on some images.

    Returns
    -------
    header
        One entry per kernel: provenance, norm, the first kernel similar to it, mean activation on
        object strokes and on background strokes (None where nothing is drawn); the images that
        could not be read.
    kernels (K, rows, cols, C), then one (K, h, w) per image
    """
    bank = as_convolution(session.document.entry(network).network[node], node).bank
    shown, failed, pictures, means = [], [], [], StrokeMeans(len(bank))
    for image in images[:MAX_IMAGES]:
        try:
            run = session.run(network, image)
        except ImageReadError as error:  # a broken image stops nothing else
            failed.append({"image": image, "problem": str(error)})
            continue
        step = _shown_step(run.network, node)
        activation = run.activations.get(step)
        if activation is None:
            continue
        stride = max(1, int(np.ceil(max(activation.shape[:2]) / side)))
        small = np.moveaxis(activation[::stride, ::stride], -1, 0)
        pictures.append(np.ascontiguousarray(small, dtype=np.float32))
        shown.append({"image": image, "step": step})
    for image in session.marked_images()[:MAX_MARKED]:
        means.add_image(session, network, node, image)
    header = {
        "kernels": _entries(bank, means),
        "shown": shown,
        "failed": failed,
        "reach": bank.adjacency.reach,
    }
    return packed(header, bank.dense(), *pictures)


def _entries(bank: KernelBank, means: StrokeMeans) -> list[Json]:
    similar = banks.first_similar(bank)
    norms = np.linalg.norm(bank.weights.reshape(len(bank), -1), axis=1)
    entries = []
    for k in range(len(bank)):
        entry: Json = {
            "bias": float(bank.bias[k]),
            "norm": float(norms[k]),
            "like": similar[k] if similar[k] != k else None,
            "object": means.mean(k, on_object=True),
            "background": means.mean(k, on_object=False),
        }
        entries.append(entry | provenance_of(bank, k))
    return entries


def provenance_of(bank: KernelBank, kernel: int) -> Json:
    """The stroke from which a kernel was learned, as JSON; empty if it was not learned."""
    if not bank.provenance:
        return {}
    p = bank.provenance[kernel]
    return {"label": p.label, "marker": p.marker, "image": p.image, "at": list(p.at)}


class StrokeMeans:
    """Mean activation of each kernel on object strokes and on background strokes."""

    def __init__(self, kernels: int) -> None:
        self._sums = {True: np.zeros(kernels), False: np.zeros(kernels)}
        self._counts = {True: 0, False: 0}

    def add_image(self, session: Session, network: str, node: str, image: str) -> None:
        """Take the strokes of an image into account, if it and the node can be computed."""
        try:
            run = session.run(network, image)
        except ImageReadError:
            return
        activation = run.activations.get(_shown_step(run.network, node))
        if activation is not None:
            self.add(session, run, activation)

    def add(self, session: Session, run: Run, activation: npt.NDArray[Any]) -> None:
        """Take the strokes of the run's image into account."""
        markers = markers_of(session.document.strokes.get(run.image.id, ()), run.image.size)
        if not len(markers) or activation.shape[-1] != len(self._sums[True]):
            return
        scale = np.array(activation.shape[:2]) / np.array(run.image.size)
        last = np.array(activation.shape[:2]) - 1
        points = np.minimum((markers.points * scale).astype(int), last)
        values = activation[tuple(points.T)].astype(np.float64)
        for side in (True, False):
            chosen = markers.is_object == side
            self._sums[side] += values[chosen].sum(axis=0)
            self._counts[side] += int(chosen.sum())

    def mean(self, kernel: int, *, on_object: bool) -> float | None:
        """The mean of a kernel; None if no stroke of this side was added."""
        count = self._counts[on_object]
        return float(self._sums[on_object][kernel] / count) if count else None


def _shown_step(network: Network, node: str) -> str:
    """The activation function after a convolution if there is one, else the convolution."""
    for later in network.nodes:
        if node in later.inputs and isinstance(later.layer, Activation):
            return later.name
    return node
