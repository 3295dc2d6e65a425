"""Learning a segmenter from strokes: encoder, decoder, object model, delineation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide.delineate import Delineation, channel_scales
from spel.decide.object_learning import (
    Evidence,
    learn_object_model,
    marked_components,
    object_strokes,
)
from spel.decide.object_model import ObjectModel
from spel.decide.segmentation import Segmentation, segmentation_of, with_segmentation
from spel.errors import ParameterError
from spel.flim.atrous import atrous, cumulative_strides
from spel.flim.learn import learn
from spel.flim.linear_decoder import linear_decoder
from spel.nn import Activation, Concatenate, Convolution, Network, Node, Unlearned, WeightedSum
from spel.nn.intensity import expected_white, match_images, match_white
from spel.nn.layer import Layer
from spel.nn.node import INPUT
from spel.ops.pool import max_pool

Image = npt.NDArray[Any]
Masks = list[npt.NDArray[np.bool_]]

TOP = 1.5
"""Score, between 0 (background strokes) and 1 (object strokes), at which the saliency reaches 1."""

HARD_NEGATIVE = 0.1
"""Saliency above which an unmarked pixel of a marked image counts as a hard negative."""


@dataclass(frozen=True, eq=False)
class LearnedSegmenter:
    """A segmenter learned from strokes.

    Attributes
    ----------
    network : Network
        Its output is the saliency; its ``meta`` holds the segmentation.
    evidence : Evidence, optional
        Scores of the marked objects and of the best other components; None without component
        selection.
    hard_negatives : tuple of int
        Number of pixels of each marked image that were added to the background.
    """

    network: Network
    evidence: Evidence | None
    hard_negatives: tuple[int, ...]


def learn_segmenter(
    network: Layer,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    seed: int = 42,
    blocks: Sequence[str] = (),
    ridge: float = 1e-2,
    hard_negatives: bool = True,
    all_marked: bool | None = None,
    select: Literal["components", "threshold"] = "components",
    multiple: bool = True,
    objects: ObjectModel | None = None,
    delineation: Delineation | None = None,
    method: Literal["cluster", "points"] = "cluster",
    white: float | None = None,
    on_step: Callable[[str], object] = str,
) -> LearnedSegmenter:
    """Learn a network that segments objects like the marked ones, from strokes alone.

    1. `spel.learn` fills the unlearned convolutions (skipped if there are none).
    2. A logistic regression over the channels of all blocks tells object strokes from background
       strokes. With `hard_negatives` it is fitted twice: for the second time, what it found in the
       marked images apart from the marked objects counts as background.
    3. Area, shape and lowest accepted score of the objects are learned from the marked ones.

    Parameters
    ----------
    network : Network
        An encoder, with or without `Unlearned` nodes; strides become dilations, so that every
        block has the size of the image (`spel.flim.atrous`).
    images, markers, names, seed, method, white
        As for `spel.learn`.
    blocks : sequence of str, optional
        Nodes whose channels are decoded; by default the last node of every block, a block being a
        learned convolution and what follows it.
    ridge : float
        Penalty on the decoder's weights.
    hard_negatives : bool
    all_marked : bool, optional
        Whether every object of a marked image is marked. If not, what looks like a marked object
        is no hard negative. By default False, or True if an image holds one object.
    select : {"components", "threshold"}
        "components" keeps components of the area and shape of the marked objects; "threshold"
        keeps every pixel nearer to the object strokes than to the background strokes.
    multiple : bool
        Whether an image may hold several objects: then each stroke marks one, and objects that
        touch are separated. False keeps at most one object per image, the best.
    objects : ObjectModel, optional
        Spreads, powers and levels of the component selection.
    delineation : Delineation, optional
        By default a seeded watershed on the gradient of what enters the first convolution.
    on_step : callable, optional
        Called with a message after each step.

    Returns
    -------
    LearnedSegmenter

    Raises
    ------
    ShapeError, ParameterError, FormatError
        If images, markers and network do not fit, only one class is marked, or the saliency of the
        marked images shows no component that holds the object strokes.
    """
    network = network if isinstance(network, Network) else Network((Node("convolution", network),))
    network, arrays = match_images(network, images, white)
    if any(isinstance(node.layer, Unlearned) for node in network.nodes):
        network = learn(
            network, arrays, markers, seed=seed, names=names, method=method,
            white=expected_white(network), on_step=on_step,
        )  # fmt: skip
    if any(s != (1,) * len(s) for s in cumulative_strides(network).values()):
        network = atrous(network)
    first = next((n for n in network.nodes if isinstance(n.layer, Convolution)), None)
    if first is None:
        raise ParameterError("learn_segmenter: the network has no convolution to decode")
    chosen = tuple(blocks) or block_ends(network)
    features = first.inputs[0]
    done = [network.activations(image) for image in arrays]
    channels = [np.concatenate([a[name] for name in chosen], axis=-1) for a in done]
    start = replace(objects or ObjectModel(area=1000), multiple=multiple)
    layer, saliencies = _decoder(channels, markers, ridge, ())
    on_step(f"decoder: {channels[0].shape[-1]} channels of {', '.join(chosen)}")
    extra: Masks = []
    if hard_negatives and select == "components":
        spare = multiple if all_marked is None else not all_marked
        extra = _hard_negatives(saliencies, markers, start, spare)
        layer, saliencies = _decoder(channels, markers, ridge, extra)
        on_step(f"decoder again, with {sum(int(m.sum()) for m in extra)} hard background pixels")
    model, evidence = None, None
    if select == "components":
        model, evidence = learn_object_model(saliencies, markers, start)
        on_step("objects: area, shape and lowest accepted score")
    entering = arrays if features == INPUT else [a[features] for a in done]
    scale = channel_scales(
        [_with_channel_axis(e)[tuple(m.points.T)] for e, m in zip(entering, markers)]
    )
    how = Segmentation(
        model,
        delineation=replace(delineation or Delineation(convex=True), scale=scale),
        features=features,
    )
    decoded = _with_decoder(network, chosen, layer)
    return LearnedSegmenter(
        with_segmentation(decoded, how), evidence, tuple(int(mask.sum()) for mask in extra)
    )


def suggest_strokes(
    network: Network,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    near: float = 0.5,
    white: float | None = None,
) -> tuple[str, ...]:
    """Sentences that name components which look like objects but have no stroke.

    Parameters
    ----------
    network : Network
        Learned by `learn_segmenter`, with component selection.
    images, markers, names
        The marked images, or new ones with empty markers.
    near : float
        How far below the lowest accepted score a component may lie to be worth a stroke.
    white : float, optional
        Full intensity of the images, as for `spel.learn`.

    Returns
    -------
    tuple of str
        One sentence per component, in decreasing order of the score.
    """
    model = segmentation_of(network).objects
    if model is None:
        return ()
    wide = replace(model, min_score=model.min_score - near)
    titles = list(names) or [str(number) for number in range(len(markers))]
    found = []
    for image, drawn, name in zip(images, markers, titles, strict=True):
        for score, one in wide.rank(network(match_white(network, image, white))):
            if score > wide.min_score and one.coverage(drawn.points) == 0:
                place = tuple(np.add(one.origin, np.array(one.mask.shape) // 2).tolist())
                found.append(
                    (
                        score,
                        f"image {name}: the component around {place} looks like an object (score "
                        f"{score:.2f}, lowest accepted {model.min_score:.2f}) and has no stroke; "
                        "mark it, or draw a background stroke on it",
                    )
                )
    return tuple(text for _, text in sorted(found, key=lambda pair: -pair[0]))


def block_ends(network: Network) -> tuple[str, ...]:
    """The last node of every block: what each later convolution takes, and the output.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> from spel.nn import MaxPool, chain
    >>> box = Adjacency.box(3)
    >>> block_ends(chain(c1=Unlearned(box, 4), r1=Activation(), c2=Unlearned(box, 8),
    ...                  r2=Activation(), p2=MaxPool(box)))
    ('r1', 'p2')
    """
    learned = [n for n in network.nodes if isinstance(n.layer, Convolution | Unlearned)]
    after: set[str] = set()
    for node in network.nodes:
        if node in learned or after.intersection(node.inputs):
            after.add(node.name)
    ends = [name for node in learned for name in node.inputs if name in after]
    return tuple(dict.fromkeys([*ends, network.output]))


def _decoder(
    channels: Sequence[Image], markers: Sequence[Markers], ridge: float, extra: Sequence[Any]
) -> tuple[WeightedSum, list[Image]]:
    """The decoder, scaled for a clip to 0..1, and the saliency of every marked image.

    Before the clip, 0 is the mean of the background strokes and 1 the mean of the object strokes;
    the saliency is that, cut to 0..1.5 and divided by 1.5.
    """
    layer = linear_decoder(channels, markers, ridge=ridge, extra=extra)
    scores = [layer(image)[..., 0] for image in channels]
    background, marked = (
        float(
            np.mean(
                [
                    s[tuple(m.points[m.is_object == side].T)].mean(dtype=np.float64)
                    for s, m in zip(scores, markers)
                    if (m.is_object == side).any()
                ]
            )
        )
        for side in (False, True)
    )
    if not marked > background:
        raise ParameterError(
            "learn_segmenter: the decoder does not distinguish object strokes from background "
            "strokes; draw strokes on pixels that differ"
        )
    # hard_sigmoid(x) = clip(x / 6 + 1/2, 0, 1), so the score is brought to -3..3.
    factor = 6 / (TOP * (marked - background))
    final = WeightedSum(layer.weights * factor, (layer.bias - background) * factor - 3)
    clip = Activation("hard_sigmoid")
    return final, [clip(final(image)) for image in channels]


def _hard_negatives(
    saliencies: Sequence[Image], markers: Sequence[Markers], start: ObjectModel, spare: bool
) -> Masks:
    """Salient pixels of the marked images away from the marked objects.

    With `spare`, those of components that look like a marked object are left out.
    """
    model, _ = learn_object_model(saliencies, markers, start)
    masks = []
    for saliency, drawn in zip(saliencies, markers):
        found = saliency[..., 0] > HARD_NEGATIVE
        owners = marked_components(model, saliency, drawn)
        for points, own in zip(object_strokes(drawn, each=model.multiple), owners):
            marked = np.zeros(drawn.size, dtype=bool)
            marked[tuple(points.T)] = True
            # If no component holds the stroke, the object may lie anywhere around it.
            reach = 6.0 if own is not None else np.sqrt(model.area / np.pi)
            marked |= own.full_mask() if own is not None else False
            found &= ~_dilate(marked, reach)
        for _, alike in model.select(saliency) if spare else ():
            found &= ~_dilate(alike.full_mask(), 6.0)
        masks.append(found)
    return masks


def _dilate(mask: npt.NDArray[np.bool_], reach: float) -> npt.NDArray[np.bool_]:
    return np.asarray(max_pool(mask, Adjacency.ball(reach, ndim=mask.ndim)) > 0)


def _with_decoder(network: Network, blocks: Sequence[str], layer: WeightedSum) -> Network:
    nodes = [node for node in network.nodes if not node.name.startswith("decoder.")]
    source = blocks[0]
    if len(blocks) > 1:
        source = "decoder.blocks"
        nodes.append(Node(source, Concatenate(), tuple(blocks)))
    nodes.append(Node("decoder.score", layer, (source,)))
    nodes.append(Node("saliency", Activation("hard_sigmoid"), ("decoder.score",)))
    return Network(tuple(nodes), network.meta)


def _with_channel_axis(image: Image) -> Image:
    return image[..., None] if image.ndim == 2 else image
