"""Mean and deviation of a batch normalization, over images of the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ImageReadError
from spel.nn import BatchNormalize
from spel.nn.node import INPUT
from spel.studio.commands.registry import Workspace
from spel.studio.document import Entry
from spel.studio.refusals import Refusal

Array = npt.NDArray[Any]

FIRST = 16
"""Images that are taken when a step is added or edited; `fit-statistics` takes all of them."""


def activation(entry: Entry, workspace: Workspace, image: str, source: str) -> Array | None:
    """What a node gives on an image with every step switched on; None if it fails."""
    run = workspace.run_entry(Entry(entry.network), image)
    if source == INPUT:
        return run.input
    result = run.result(source)
    return None if result is None or result.activation is None else result.activation.array


def with_statistics(
    layer: BatchNormalize,
    entry: Entry,
    workspace: Workspace,
    source: str,
    images: Iterable[str],
) -> BatchNormalize:
    """The layer with mean and deviation of what `source` gives on the images together.

    Broken images are left out, since the page marks them; so are values that are not finite.

    Raises
    ------
    Refusal
        If the source fails on an image, if images differ in size or are fewer than two though each
        spel has its own statistics, or if nothing is left.
    """
    sums = _Sums(layer.over == "spel")
    for image in images:
        try:
            array = activation(entry, workspace, image, source)
        except ImageReadError:
            continue
        name = workspace.load(image).name
        if array is None:
            raise Refusal(
                "fails_on_image",
                "step {step} fails on image {image}; correct it before adding this step",
                step=source,
                image=name,
            )
        sums.add(array, name)
    mean, deviation = sums.statistics()
    return replace(layer, mean=mean.astype(np.float32), deviation=deviation.astype(np.float32))


def fitted_entry(
    entry: Entry, node: str, workspace: Workspace, images: Iterable[str]
) -> Callable[[Entry], Entry]:
    """What gives a step of a network the statistics of the images, whatever else changes meanwhile.

    Raises
    ------
    Refusal
        If the step is no batch normalization, or `with_statistics` refuses.
    """
    layer = entry.network[node]
    if not isinstance(layer, BatchNormalize):
        raise Refusal("no_statistics", "step {step} is no batch normalization", step=node)
    (source,) = entry.network.node(node).inputs
    fitted = with_statistics(layer, entry, workspace, source, images)

    def change(now: Entry) -> Entry:
        step = replace(
            now.network[node], mean=fitted.mean, deviation=fitted.deviation, over=fitted.over
        )
        return replace(now, network=now.network.replace(node, step))

    return change


@dataclass
class _Sums:
    """Number, sum and squares of values: of each spel and channel, or of each channel."""

    per_spel: bool
    count: Array = field(default_factory=lambda: np.zeros(1))
    total: Array = field(default_factory=lambda: np.zeros(1))
    square: Array = field(default_factory=lambda: np.zeros(1))

    def add(self, array: Array, name: str) -> None:
        if self.per_spel and self.total.ndim > 1 and self.total.shape != array.shape:
            raise Refusal(
                "sizes_differ",
                "image {image} gives another size than those before it; each spel can only have "
                "its own statistics over images of one size",
                image=name,
            )
        over = () if self.per_spel else tuple(range(array.ndim - 1))
        finite = np.isfinite(array)
        values = np.where(finite, array, 0).astype(np.float64)
        self.count = self.count + finite.sum(over)
        self.total = self.total + values.sum(over)
        self.square = self.square + (values**2).sum(over)

    def statistics(self) -> tuple[Array, Array]:
        """As `spel.ops.batch_statistics`: n - 1 in the variance of a spel, n in a channel's."""
        least = 2 if self.per_spel else 1
        if self.count.min() < least:
            raise Refusal(
                "few_images",
                "the statistics need at least {n} images that can be read; open more",
                n=least,
            )
        mean = self.total / self.count
        squares = np.maximum(self.square - self.count * mean**2, 0)
        return mean, np.sqrt(squares / (self.count - least + 1))
