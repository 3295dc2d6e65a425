"""Encoders that learn their kernels without backpropagation: from markers, or from patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets

from spel.core.adjacency import Adjacency
from spel.core.instance import check_instance
from spel.core.intensity import largest_number, white_of, white_of_largest
from spel.core.markers import Markers
from spel.errors import ParameterError, ShapeError
from spel.flim.learn import learn
from spel.nn import Activation, Color, MeanPool, Network, Node, Unlearned, chain
from spel.nn.color import Space
from spel.nn.node import INPUT
from spel.sklearn.base import Batch, ImageTransformer, as_float32
from spel.sklearn.class_markers import markers_by_class
from spel.sklearn.patches import patch_network
from spel.sklearn.rows import first_line
from spel.sklearn.settings import check_numbers, check_seed
from spel.sklearn.transformers import NetworkFeatures, PooledFeatures

Indices = npt.NDArray[np.int64]


class FlimEncoder(ImageTransformer):
    """A network learned from strokes on a few images (FLIM), its activations as features.

    Parameters
    ----------
    architecture : Network, optional
        With `spel.Unlearned` convolutions; by default one of 32 kernels of 5 x 5, and ReLU.
    marked : sequence of (image, Markers), optional
        The marked images; they need not be among the images of `fit`. Without them, pixels are
        chosen by class from the images of `fit` (which then needs y): for each class, those whose
        patches differ most from patches of other classes and from one another.
    per_class : int
        Number of pixels that are chosen for each class if there are no markers.
    steps : sequence of str, optional
        Nodes whose activations are features; the output by default.
    pooled : sequence of str, optional
        Statistics over the image, see `PooledFeatures`; None flattens the activations.
    levels : sequence of int
        Pyramid of the pooling.
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
    batch : int
        Images that run through the network at a time.

    Attributes
    ----------
    network_ : Network
        The learned network.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((4, 8, 8))
    >>> net = chain(conv=Unlearned(Adjacency.box(3), kernels=4), relu=Activation("relu"))
    >>> encoder = FlimEncoder(net, per_class=2).fit(images, ["a", "a", "b", "b"])
    >>> encoder.transform(images).shape  # mean and maximum of each of 4 channels
    (4, 8)
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

    def learn(self, images: Batch, y: Any) -> None:
        """Learn the network's kernels."""
        check_numbers(self, whole=["per_class"])
        check_seed(self)
        network = self.architecture
        if network is None:
            network = chain(conv=Unlearned(Adjacency.box(5), kernels=32), relu=Activation("relu"))
        check_instance("FlimEncoder: architecture", network, Network)
        sources, markers = self._marked_images(images, y, network)
        self.network_ = learn(network, sources, markers, seed=self.seed)
        features: ImageTransformer
        if self.pooled is None:
            features = NetworkFeatures(self.network_, self.steps, batch=self.batch)
        else:
            features = PooledFeatures(
                self.network_, self.steps, self.pooled, self.levels, batch=self.batch
            )
        self.features_ = features.fit(images[:1])

    def _marked_images(
        self, images: Batch, y: Any, network: Network
    ) -> tuple[list[Batch], list[Markers]]:
        if self.marked is None:
            if y is None:
                raise ParameterError(
                    "FlimEncoder: requires y to be passed, but the target y is None: without "
                    "markers, patches are chosen by class; give y, or marked=[(image, markers)]"
                )
            classes = _classes(images, y)
            return markers_by_class(images, classes, network, self.per_class, seed=self.seed)
        if not len(self.marked):
            raise ParameterError("FlimEncoder: marked is empty; give pairs (image, markers)")
        for pair in self.marked:
            if not isinstance(pair, Sequence) or not isinstance(pair[-1], Markers):
                raise ParameterError("FlimEncoder: marked; expected pairs (image, markers)")
        return [np.asarray(image) for image, _ in self.marked], [m for _, m in self.marked]

    def encode(self, images: Batch) -> Batch:
        """The activations of the learned network, pooled or flattened."""
        return self.features_.encode(images)

    def feature_names(self) -> list[str]:
        """Names of the pooled or flattened activations."""
        return self.features_.feature_names()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.marked is None
        return tags


def _classes(images: Batch, y: Any) -> npt.NDArray[Any]:
    """The class of each image.

    Raises
    ------
    ParameterError
        If y has another number of classes than there are images, or holds no classes.
    """
    classes = np.asarray(y)
    if classes.shape != (len(images),):
        raise ParameterError(
            f"FlimEncoder: y of shape {classes.shape} for {len(images)} images; expected a class "
            "for each image"
        )
    if classes.dtype.kind == "f" and not np.isfinite(classes).all():
        raise ParameterError("FlimEncoder: y holds NaN or infinity; expected classes")
    try:
        check_classification_targets(classes)
    except ValueError as error:
        raise ParameterError(f"FlimEncoder: y: {first_line(error)}") from None
    return classes


class PatchEncoder(ImageTransformer):
    """A network learned from unlabelled patches, its pooled activations as features.

    Grey values in 0..1 go through `spel.sklearn.patches.patch_network`, then through means over
    overlapping boxes. The square roots of these means, and a small version of the image, are the
    feature vector.

    Parameters
    ----------
    kernels, size, components, contrast, whiten, count, mirror
        See `patch_network`; contrast is in units of a white of 1.
    pool, stride : int
        Side of the boxes, and the distance between them.
    small : int
        Side of the boxes whose mean grey is added; 0 for none.
    white : float, optional
        The value of white in the images. By default 255 for 8 bits, 65535 for 16 bits; of other
        types, 1 if no value is larger than 2, else 255.
    color : {"grey", "rgb", "lab"}
    seed : int
    image_shape : (rows, cols[, channels]), optional
        Of the images in a table X.
    batch : int
        Images that run through the network at a time.

    Attributes
    ----------
    network_ : Network
        Its node "pooled" gives the means, and "small" the small image.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((20, 8, 8))
    >>> encoder = PatchEncoder(kernels=4, size=3, components=4, count=200, pool=4, small=4)
    >>> encoder.fit_transform(images).shape  # 4 boxes of 4 channels, and 4 grey means
    (20, 20)
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
        white: float | None = None,
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

    def learn(self, images: Sequence[Any], y: Any) -> None:
        """Learn the network's kernels from patches; the images are accessed one by one."""
        whole = ["kernels", "size", "components", "count", "pool", "stride"]
        check_numbers(self, whole=whole, above=["contrast", "whiten"])
        check_seed(self)
        if self.white is not None:
            check_numbers(self, above=["white"])
        rows, cols, channels = np.shape(images[0])
        self._check_boxes(rows, cols)
        count = int(self.count)
        random = np.random.default_rng(self.seed)
        some = np.sort(random.permutation(len(images))[: max(1, min(len(images), count // 3))])
        color = self._color_layer(images, some, channels)
        learned = patch_network(
            _Sample(images, some, color),
            size=self.size, kernels=self.kernels, components=self.components,
            contrast=self.contrast, whiten=self.whiten, count=count, mirror=self.mirror,
            seed=self.seed,
        )  # fmt: skip
        box = Adjacency.box((min(self.pool, rows), min(self.pool, cols)))
        first = {} if color is None else {"color": color}
        network = chain(**first, patch=learned, pooled=MeanPool(box, self.stride, "valid"))
        if self.small:
            network = _with_small_image(network, self.small, next(iter(first), INPUT))
        self.network_ = network
        steps = ("pooled", "small") if self.small else ("pooled",)
        features = NetworkFeatures(self.network_, steps, root=("pooled",), batch=self.batch)
        self.features_ = features.fit(np.asarray(images[0])[None])

    def _check_boxes(self, rows: int, cols: int) -> None:
        largest = max(rows, cols)
        wrong = [
            f"{name}={value} (set {name}=1 to {largest})"
            for name, value in (("pool", self.pool), ("small", self.small), ("size", self.size))
            if value > largest
        ]
        if wrong:
            raise ParameterError(
                f"PatchEncoder: boxes larger than the images of {rows} x {cols}: {', '.join(wrong)}"
            )

    def _color_layer(self, images: Sequence[Any], some: Indices, channels: int) -> Color | None:
        """The conversion to the color space; None for images of more than 4 channels."""
        if channels > 4:
            if self.color != "grey" or self.white is not None:
                raise ShapeError(
                    f"PatchEncoder: images of {channels} channels have no color; leave "
                    "color and white at their defaults"
                )
            return None
        if self.color not in get_args(Space):
            raise ParameterError(
                f"PatchEncoder: color {self.color!r}; expected one of {', '.join(get_args(Space))}"
            )
        space: Any = self.color
        return Color(space, _white(images, some) if self.white is None else self.white)

    def encode(self, images: Batch) -> Batch:
        """The square roots of the pooled activations, and the small image."""
        return self.features_.encode(images)


class _Sample(Sequence[Any]):
    """Some of the images as the patches are drawn from them: float32, in the color space."""

    def __init__(self, images: Sequence[Any], some: Indices, color: Color | None) -> None:
        self._images, self._some, self._color = images, some, color

    def __len__(self) -> int:
        return len(self._some)

    def __getitem__(self, index: Any) -> Any:
        image = as_float32(np.asarray(self._images[int(self._some[index])]))
        white = 1.0 if self._color is None else self._color.white
        largest = float(np.abs(image).max())
        if largest > 1e6 * white:
            raise ParameterError(
                f"PatchEncoder: values up to {largest:g}, but the value of white is {white:g}; "
                "set white, or scale the images"
            )
        return image if self._color is None else self._color(image)


def _white(images: Sequence[Any], some: Indices) -> float:
    """The value of white in images of this type; of numbers with a fraction, in some of them."""
    if not isinstance(images, np.ndarray):
        dtype = np.asarray(images[0]).dtype
        tell = dtype.kind == "f" or dtype.itemsize > 2
        most = [largest_number(np.asarray(images[int(i)])) for i in some] if tell else [0.0]
        return white_of_largest(dtype, max(most)) or 255.0
    return white_of(images) or 255.0


def _with_small_image(network: Network, side: int, source: str) -> Network:
    """The network with a node "small": the means of node `source` over boxes of a side."""
    small = Node("small", MeanPool(Adjacency.box(side), side, "valid"), (source,))
    # The pooled activations stay the output, so they stay last.
    return Network((*network.nodes[:-1], small, network.nodes[-1]))
