"""Encoders that learn their kernels without backpropagation: from markers, or from patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.errors import ParameterError, ShapeError
from spel.flim import learn
from spel.nn import Color, MeanPool, Network, Unlearned, chain
from spel.sklearn.class_markers import markers_by_class
from spel.sklearn.images import Batch, ImageTransformer
from spel.sklearn.patches import patch_network
from spel.sklearn.transformers import NetworkFeatures, PooledFeatures


class FlimEncoder(ImageTransformer):
    """A network learned from strokes on a few images (FLIM), its activations as features.

    Parameters
    ----------
    architecture : Network, optional
        With `spel.Unlearned` convolutions; by default one of 32 kernels of 5 x 5, and ReLU.
    marked : sequence of (image, Markers), optional
        The marked images; they need not be among those given to `fit`. Without them, spels are
        drawn by class from the images of `fit` (which then needs y): of each class, the patches
        that are most unlike those of other classes and unlike one another.
    per_class : int
        Spels drawn of each class, without markers.
    steps : sequence of str, optional
        Nodes whose activations are features; the output by default.
    pooled : sequence of str, optional
        Statistics over the image, see `PooledFeatures`; None flattens the activations.
    levels : sequence of int
        Pyramid of the pooling.
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.

    Attributes
    ----------
    network_ : Network
        The learned network.
    """

    def __init__(
        self,
        architecture: Network | None = None,
        marked: Sequence[tuple[Any, Markers]] | None = None,
        per_class: int = 8,
        steps: Sequence[str] | None = None,
        pooled: Sequence[str] | None = ("mean", "max"),
        levels: Sequence[int] = (1,),
        seed: int = 0,
        image_shape: Sequence[int] | None = None,
        batch: int = 50,
    ) -> None:
        self.architecture = architecture
        self.marked = marked
        self.per_class = per_class
        self.steps = steps
        self.pooled = pooled
        self.levels = levels
        self.seed = seed
        self.image_shape = image_shape
        self.batch = batch

    def _fit(self, images: Batch, y: Any) -> None:
        network = self.architecture
        if network is None:
            network = chain(conv=Unlearned(Adjacency.box(5), kernels=32), relu=_relu())
        if self.marked is not None:
            if not len(self.marked):
                raise ParameterError("FlimEncoder: marked is empty; give pairs (image, markers)")
            sources = [np.asarray(image) for image, _ in self.marked]
            markers = [drawn for _, drawn in self.marked]
        else:
            if y is None:
                raise ParameterError(
                    "FlimEncoder: requires y to be passed, but the target y is None: without "
                    "markers, patches are drawn by class; give y, or marked=[(image, markers)]"
                )
            sources, markers = markers_by_class(
                images, np.asarray(y), network, self.per_class, seed=self.seed
            )
        self.network_ = learn(network, sources, markers, seed=self.seed)
        features: ImageTransformer
        if self.pooled is None:
            features = NetworkFeatures(self.network_, self.steps, batch=self.batch)
        else:
            features = PooledFeatures(
                self.network_, self.steps, self.pooled, self.levels, batch=self.batch
            )
        self.features_ = features.fit(images[:1])

    def _encode(self, images: Batch) -> Batch:
        return self.features_._encode(images)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.marked is None
        return tags


class PatchEncoder(ImageTransformer):
    """A network learned from unlabelled patches, its pooled activations as features.

    Grey values in 0..1, then `spel.sklearn.patches.patch_network`, then means over overlapping
    boxes; the square roots of these, and the image itself in small, are the vector.

    Parameters
    ----------
    kernels, size, components, contrast, whiten, count, mirror
        See `patch_network`; contrast is in units of a white of 1.
    pool, stride : int
        Side of the boxes, and the distance between them.
    small : int
        Side of the boxes whose mean grey is added; 0 for none.
    white : float
        The value of white in the images: 255 for 8 bits.
    color : {"grey", "rgb", "lab"}
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
    batch : int
        Images that run through the network at a time.

    Attributes
    ----------
    network_ : Network
        Node "pooled" gives the means, node "small" the image in small.
    """

    def __init__(
        self,
        kernels: int = 100,
        size: int = 6,
        components: int = 24,
        contrast: float = 0.1,
        whiten: float = 0.1,
        count: int = 60_000,
        mirror: bool = True,
        pool: int = 7,
        stride: int = 4,
        small: int = 2,
        white: float = 255.0,
        color: str = "grey",
        seed: int = 0,
        image_shape: Sequence[int] | None = None,
        batch: int = 100,
    ) -> None:
        self.kernels = kernels
        self.size = size
        self.components = components
        self.contrast = contrast
        self.whiten = whiten
        self.count = count
        self.mirror = mirror
        self.pool = pool
        self.stride = stride
        self.small = small
        self.white = white
        self.color = color
        self.seed = seed
        self.image_shape = image_shape
        self.batch = batch

    def _fit(self, images: Batch, y: Any) -> None:
        rows, cols, channels = images.shape[1:]
        given = Color(self.color, self.white) if channels <= 4 else None
        if given is None and (self.color != "grey" or self.white != 255.0):
            raise ShapeError(f"PatchEncoder: images of {channels} channels have no colour")
        if self.pool > max(rows, cols) or self.small > max(rows, cols):
            raise ParameterError(
                f"PatchEncoder: pool {self.pool}, small {self.small} for images of {rows} x "
                f"{cols}; expected boxes no larger than the image"
            )
        count = max(1, int(self.count))
        draw = np.random.default_rng(self.seed)
        some = np.sort(draw.permutation(len(images))[: max(1, min(len(images), count // 3))])
        chosen = images[some].astype(np.float32)
        learned = patch_network(
            given(chosen) if given is not None else chosen,
            size=self.size, kernels=self.kernels, components=self.components,
            contrast=self.contrast, whiten=self.whiten, count=count, mirror=self.mirror,
            seed=self.seed,
        )  # fmt: skip
        box = Adjacency.box((min(self.pool, rows), min(self.pool, cols)))
        first = {} if given is None else {"color": given}
        pooled = chain(**first, patch=learned, pooled=MeanPool(box, self.stride, "valid"))
        self.network_ = _beside(pooled, self.small, "color" if given is not None else "input")
        steps = ("pooled", "small") if self.small else ("pooled",)
        features = NetworkFeatures(self.network_, steps, root=("pooled",), batch=self.batch)
        self.features_ = features.fit(images[:1])

    def _encode(self, images: Batch) -> Batch:
        return self.features_._encode(images)


def _beside(network: Network, small: int, source: str) -> Network:
    """The network with a node "small": the image of node `source`, reduced."""
    from spel.nn import Node

    if not small:
        return network
    layer = MeanPool(Adjacency.box(small), small, "valid")
    extra = Node("small", layer, (source,))
    # The pooled activations stay the output: the last node.
    return Network((*network.nodes[:-1], extra, network.nodes[-1]))


def _relu() -> Any:
    from spel.nn import Activation

    return Activation("relu")
