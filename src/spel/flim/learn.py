"""Learning a network from markers: its unlearned convolutions are filled one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.core.numbers import as_numbers
from spel.core.threads import blas_in_one_thread
from spel.core.window import Border
from spel.errors import ParameterError, plural
from spel.flim.activations import activations_of
from spel.flim.atrous import Strides, cumulative_strides, dilated
from spel.flim.bank import bank, border_of
from spel.flim.cluster import clusters
from spel.flim.consensus import consensus
from spel.flim.points import feature_points, join_point_banks
from spel.flim.samples import gather_samples
from spel.flim.statistics import check_channels, check_sizes, checked_names, pooled_statistics
from spel.nn.blocks import AnyImage, ImageLike, InBlocks, in_blocks
from spel.nn.convolution import Convolution
from spel.nn.intensity import match_images
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import Node, in_node
from spel.nn.unlearned import Unlearned

Method = Literal["cluster", "points"]


@blas_in_one_thread()
def learn(
    network: Layer,
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    *,
    seed: int = 42,
    names: Sequence[str] = (),
    method: Method = "cluster",
    factor: float = 0.01,
    compat: Literal["libift"] | None = None,
    white: float | None = None,
    on_step: Callable[[str], object] | None = None,
) -> Network:
    """Fill the `Unlearned` convolutions of a network with kernels learned from strokes (FLIM).

    Layer by layer, the patches at marked spels are standardized and clustered per stroke, and the
    patches nearest to the clusters' centres become kernels. There is no backpropagation.

    Parameters
    ----------
    network : Network
        With `Unlearned` nodes; learned nodes stay as they are.
    images : sequence of (rows, cols, C) arrays, or of `spel.nn.blocks.InBlocks`
        Images of any sizes, as the network takes them, one per markers. Of large ones only blocks
        around the strokes are computed, with the same result.
    markers : sequence of Markers
    seed : int
        Seed of the clustering.
    names : sequence of str, optional
        Names of the images, for the kernels' provenance; numbers by default.
    method : {"cluster", "points"}
        FLIM-Cluster clusters the patches of every layer anew. FLIM-BoFP ("points") clusters once,
        on the input image, and takes the same spels in every layer.
    factor : float
        Added to standard deviations, so that none is 0.
    compat : {"libift"}, optional
        Reproduce the reference library: touching strokes of different labels are one, too many
        kernels become rows of the matrix of components, and strides are ignored while learning, so
        that a strided network is trained on other patches than those it is applied to. By default,
        strides become dilations while learning, which is exact (`spel.flim.atrous`).
    white : float, optional
        Full intensity of the images; by default, that of each image's type. Images are scaled to
        the white that the network states, or if it states none, to that of the first image.
    on_step : callable, optional
        Called with a line of text after each learned layer.

    Returns
    -------
    Network
        A new network. Its ``meta["learned"]`` holds the settings that each node was learned with.

    Raises
    ------
    ShapeError, ParameterError, FormatError
        If images, markers and network do not fit one another; a note names the node.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> from spel.nn import Activation, chain
    >>> import numpy as np
    >>> image = np.zeros((8, 8, 1), dtype=np.float32)
    >>> image[2:5, 2:5] = 1
    >>> drawn = Markers([(3, 3), (6, 6)], [1, 0], (8, 8))
    >>> net = chain(conv=Unlearned(Adjacency.box(3), kernels=2), relu=Activation())
    >>> learned = learn(net, [image], [drawn])
    >>> bool(learned(image)[3, 3].argmax() == 0), [p.label for p in learned["conv"].bank.provenance]
    (True, [1, 0])

    Notes
    -----
    de Souza & Falcao, FLIM; libift ``iftFLIM.c``. Each step is a public function of `spel.flim`.
    """
    if not isinstance(network, Network):
        network = Network((Node("convolution", network),))
    settings = _Settings(seed, method, factor, compat)
    last = _last_unlearned(network)
    names = checked_names("learn", names, len(images))
    network, matched = match_images(network, images, white)
    raw = [in_blocks(network, _channelled(image)) for image in matched]
    check_sizes("learn", raw, markers)  # not their channels: a layer may join them
    marked = list(markers)
    strides = cumulative_strides(network)
    if compat == "libift":
        strides = {name: (1,) * len(s) for name, s in strides.items()}
    points = feature_points(network, raw, marked, seed=seed) if method == "points" else None
    done = [activations_of(image) for image in raw]
    learned = network
    records = dict(network.meta.get("learned", {}))
    for position, node in enumerate(network.nodes):
        step = strides[node.inputs[0]]
        layer: Layer = node.layer
        if isinstance(layer, Unlearned):
            inputs = [activations[node.inputs[0]] for activations in done]
            records[node.name] = _record(layer, settings)
            with in_node(node):
                filled = _fill(layer, step, inputs, points or marked, names, settings)
            if on_step is not None:
                on_step(_kernels_of(node.name, len(filled.bank), layer, len(inputs)))
            layer = filled
            learned = learned.replace(node.name, layer)
        if node.name == last:
            break
        for activations in done:
            activations.add(node, dilated(layer, step), network.nodes[position + 1 :])
    return learned.with_meta(learned=records, images=list(names), background=marked[0].background)


@dataclass(frozen=True)
class _Settings:
    """Settings that all layers are learned with, as `learn` takes them."""

    seed: int
    method: Method
    factor: float
    compat: str | None

    def __post_init__(self) -> None:
        if self.method not in ("cluster", "points") or self.compat not in (None, "libift"):
            raise ParameterError(
                f"learn: method {self.method!r}, compat {self.compat!r}; expected 'cluster' or "
                "'points', and None or 'libift'"
            )


def _record(layer: Unlearned, settings: _Settings) -> dict[str, Any]:
    """What the network stores about the learning of a layer, so that it can be repeated."""
    own = {k: v for k, v in asdict(layer).items() if k not in ("adjacency", "stride")}
    return {**own, **asdict(settings)}


def _fill(
    layer: Unlearned,
    step: Strides,
    inputs: Sequence[AnyImage],
    markers: Sequence[Markers],
    names: tuple[str, ...],
    settings: _Settings,
) -> Convolution:
    """The convolution with learned kernels, from inputs at full resolution."""
    check_channels("learn", inputs)
    spread = replace(layer, adjacency=layer.adjacency.dilated(step))
    filled, border = _learned_bank(spread, inputs, markers, names, settings)
    return Convolution(replace(filled, adjacency=layer.adjacency), layer.stride, border)


def _kernels_of(name: str, count: int, layer: Unlearned, images: int) -> str:
    """How many kernels a layer got, and out of how many if fewer than it asked for."""
    wanted = f" of {layer.kernels}" if count < layer.kernels else ""
    noun = plural(layer.kernels if wanted else count, "kernel").partition(" ")[2]
    return f"{name}: {count}{wanted} {noun} from {plural(images, 'image')}"


def _last_unlearned(network: Network) -> str:
    """The last node to learn, after which nothing needs to be computed."""
    names = [node.name for node in network.nodes if isinstance(node.layer, Unlearned)]
    if not names:
        raise ParameterError(
            "learn: the network has no Unlearned convolution, so there is nothing to learn. To "
            "learn some convolutions again, use spel.flim.unlearned(network, nodes)"
        )
    return names[-1]


def _learned_bank(
    layer: Unlearned,
    inputs: Sequence[AnyImage],
    markers: Sequence[Markers],
    names: tuple[str, ...],
    settings: _Settings,
) -> tuple[KernelBank, Border]:
    """The bank of one layer, and the border for which it is exact."""
    as_libift = settings.compat == "libift"
    if settings.method == "points":
        limit = layer.kernels
        candidates = join_point_banks(inputs, markers, layer.adjacency, names, settings.factor)
        return (candidates if len(candidates) <= limit else candidates[:limit]), "zero"
    stats = pooled_statistics(inputs, markers, settings.factor, names)
    rows = gather_samples(inputs, markers, layer.adjacency, stats, names, by_label=not as_libift)
    kernels = consensus(
        clusters(rows, layer.per_stroke, seed=settings.seed),
        layer.kernels,
        reduce=layer.reduce,
        per_image=layer.per_image,
        seed=settings.seed,
        transposed_pca=as_libift,
    )
    return bank(kernels, layer.adjacency, stats), border_of(stats)


def _channelled(image: ImageLike) -> AnyImage:
    """The image with a channel axis."""
    if isinstance(image, InBlocks):
        return image
    array = as_numbers(image, "learn")
    return array[..., None] if array.ndim == 2 else array
