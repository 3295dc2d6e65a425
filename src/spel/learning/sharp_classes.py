"""Probabilities of classes as sharp as the image, from its colours alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.flim.class_decoder import class_decoder
from spel.learning.sharp import adjacencies, colors_in_words, finest
from spel.nn import Convolution, MeanPool, Node, Softmax
from spel.nn.blocks import AnyImage, applied, values_at


@dataclass(frozen=True, eq=False)
class SharpClasses:
    """The layers that decode classes from colours, and what they give on the marked images.

    Attributes
    ----------
    adjacency : Adjacency, optional
        The colours are means over it.
    decoder : Convolution
    outputs : list of (rows, cols, k) arrays, or of `spel.nn.blocks.InBlocks`
        The probabilities of the classes in each marked image.
    error : float
        Share of the marked spels whose most probable class is wrong, all classes weighing the same.
    """

    adjacency: Adjacency | None
    decoder: Convolution
    outputs: list[AnyImage]
    error: float

    def in_words(self) -> str:
        """Which colours, and how many marked spels they confuse."""
        return f"{colors_in_words(self.adjacency)}, {self.error:.1%} of the marked pixels wrong"

    def nodes(self, features: str, output: str) -> list[Node]:
        """Nodes for the end of an encoder: the colours are the activation of `features`."""
        means = [] if self.adjacency is None else [MeanPool(self.adjacency)]
        return [
            *[Node("decoder.mean", layer, (features,)) for layer in means],
            Node("decoder.score", self.decoder, ("decoder.mean" if means else features,)),
            Node(output, Softmax(), ("decoder.score",)),
        ]


def sharp_classes(
    images: Sequence[AnyImage],
    outputs: Sequence[AnyImage],
    markers: Sequence[Markers],
    labels: Sequence[int],
    ridge: float,
) -> SharpClasses | None:
    """Classes decoded from colours, or None if the encoder confuses fewer marked spels.

    Parameters
    ----------
    images : sequence of (rows, cols, C) arrays, or of `spel.nn.blocks.InBlocks`
        The colours.
    outputs : sequence of (rows, cols, k) arrays, or of `spel.nn.blocks.InBlocks`
        The probabilities that the encoder gives.
    markers : sequence of Markers
    labels : sequence of int
        The label of each channel of the outputs.
    ridge : float
        Penalty on the weights.
    """
    tried = []
    for adjacency in adjacencies(markers[0].ndim):
        mean = [] if adjacency is None else [MeanPool(adjacency)]
        colors = [applied(image, *mean) for image in images]
        decoder = Convolution(class_decoder(colors, markers, ridge=ridge))
        mine = [applied(image, decoder, Softmax()) for image in colors]
        tried.append(SharpClasses(adjacency, decoder, mine, _error(mine, markers, labels)))
    chosen = finest([one.error for one in tried], _error(outputs, markers, labels))
    return None if chosen is None else tried[chosen]


def _error(outputs: Sequence[AnyImage], markers: Sequence[Markers], labels: Sequence[int]) -> float:
    """Mean over the classes of the share of their marked spels that another class gets."""
    names = np.asarray(labels)
    answers = np.concatenate(
        [names[values_at(o, m.points).argmax(axis=-1)] for o, m in zip(outputs, markers)]
    )
    truth = np.concatenate([m.labels for m in markers])
    return float(np.mean([(answers[truth == label] != label).mean() for label in labels]))
