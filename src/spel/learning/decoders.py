"""Decoders ranked by how well they distinguish objects, and warnings about collapsed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.atrous import atrous, cumulative_strides
from spel.flim.linear_decoder import linear_decoder
from spel.learning.encoded import block_ends
from spel.nn import (
    Activation,
    Concatenate,
    Convolution,
    Decode,
    Network,
    Node,
    WeightedSum,
    match_white,
)
from spel.nn.layer import Layer
from spel.ops.decode import LABELLED, METHODS, Method

Image = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RankedDecoder:
    """A decoder of a block, and how well it distinguishes objects from the background.

    Attributes
    ----------
    block : str
        The node that is decoded; for the linear decoder several, joined by "+".
    decoder : str
        Name of the decoder.
    score : float
        Area under the ROC curve of the marked (or masked) pixels, averaged over the images; 0.5 is
        chance.
    warnings : tuple of str
        Sentences about what has collapsed; empty if nothing has.
    network : Network
        Encoder and decoder; its output is the saliency.
    """

    block: str
    decoder: str
    score: float
    warnings: tuple[str, ...]
    network: Network


def rank_decoders(
    encoder: Network,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    masks: Sequence[npt.ArrayLike] = (),
    methods: Sequence[str] = (*METHODS, "linear"),
    white: float | None = None,
) -> list[RankedDecoder]:
    """Evaluate every decoder on every block; the best comes first, those with warnings last.

    Parameters
    ----------
    encoder : Network
        A learned encoder; strides become dilations (`spel.flim.atrous`).
    images, markers : sequences
        Marked images to evaluate on, preferably not those that the encoder was learned from. The
        linear decoder is learned on them, without the image that is evaluated.
    masks : sequence of (rows, cols) arrays, optional
        True masks; then all pixels are evaluated instead of the marked ones.
    methods : sequence of str
    white : float, optional
        Full intensity of the images, as for `spel.learn`.

    Returns
    -------
    list of RankedDecoder

    Raises
    ------
    ParameterError
        For an unknown method, or no images.
    """
    unknown = set(methods) - {*METHODS, "linear"}
    if unknown or not len(images) or (masks and len(masks) != len(images)):
        raise ParameterError(
            f"rank_decoders: methods {sorted(unknown)} unknown, {len(images)} images, {len(masks)} "
            f"masks; expected some of {', '.join((*METHODS, 'linear'))}, and a mask per image"
        )
    if any(s != (1,) * len(s) for s in cumulative_strides(encoder).values()):
        encoder = atrous(encoder)
    ends = block_ends(encoder)
    done = [encoder.select(match_white(encoder, image, white), ends) for image in images]
    choices = []
    for block in ends:
        for method in methods:
            if method == "linear":
                continue
            layer = _decoder(encoder, block, cast(Method, method), markers)
            if layer is not None:
                saliency = [layer(a[block]) for a in done]
                choices.append(_choice(encoder, (block,), method, layer, saliency, markers, masks))
    if "linear" in methods:
        choices.append(_linear(encoder, ends, done, markers, masks))
    return sorted(choices, key=lambda c: (bool(c.warnings), -c.score))


def collapse_warnings(saliencies: Sequence[Image], layer: Layer | None = None) -> tuple[str, ...]:
    """Warnings about a decoder: constant saliencies, kernels of one class only, zero weights.

    Parameters
    ----------
    saliencies : sequence of arrays
        Saliencies of the marked images.
    layer : Layer, optional
        The decoder that computed them.

    Examples
    --------
    >>> collapse_warnings([np.zeros((4, 4, 1), np.float32)])
    ('the saliency is empty on 1 of 1 images',)
    """
    problems = []
    flat = sum(bool(s.size == 0 or s.max() == s.min()) for s in saliencies)
    if flat:
        problems.append(f"the saliency is empty on {flat} of {len(saliencies)} images")
    if isinstance(layer, Decode) and layer.method in LABELLED and len(set(layer.labels)) < 2:
        side = "objects" if all(layer.labels) else "background"
        problems.append(f"all kernels come from {side}; draw strokes of the other class too")
    if isinstance(layer, WeightedSum) and not layer.weights.any():
        problems.append("all weights of the decoder are zero")
    return tuple(problems)


def channel_warnings(activations: Sequence[npt.ArrayLike]) -> tuple[str, ...]:
    """Warnings about channels that are 0 on every image, or correlate by more than 0.999.

    Parameters
    ----------
    activations : sequence of (rows, cols, C) arrays

    Examples
    --------
    >>> image = np.random.default_rng(0).random((9, 9, 3))
    >>> image[..., 1] = 0
    >>> image[..., 2] = 2 * image[..., 0]
    >>> channel_warnings([image])
    ('channel 1 is 0 everywhere', 'channels 0 and 2 are alike')
    """
    rows = np.concatenate(
        [np.asarray(a, dtype=np.float64).reshape(-1, np.shape(a)[-1])[::7] for a in activations]
    )
    spread = rows.std(axis=0)
    problems = [f"channel {k} is 0 everywhere" for k in np.flatnonzero(~rows.any(axis=0))]
    centred = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    alike = np.triu(centred.T @ centred / max(len(rows), 1), 1) > 0.999
    return (*problems, *[f"channels {a} and {b} are alike" for a, b in np.argwhere(alike)])


def _decoder(
    encoder: Network, block: str, method: Method, markers: Sequence[Markers]
) -> Decode | None:
    """The decoder for a block, or None if its kernels have no provenance."""
    if method not in LABELLED:
        return Decode(method)
    ahead = encoder.upto(block).nodes
    banks = [n.layer.bank for n in ahead if isinstance(n.layer, Convolution)]
    if not banks or not banks[-1].provenance:
        return None
    background = next((m.background for m in markers if m.background is not None), 0)
    return Decode.for_bank(method, banks[-1], background)


def _choice(
    encoder: Network,
    blocks: Sequence[str],
    method: str,
    layer: Layer,
    saliency: Sequence[Image],
    markers: Sequence[Markers],
    masks: Sequence[npt.ArrayLike],
) -> RankedDecoder:
    nodes = list(encoder.nodes)
    source = blocks[0]
    if len(blocks) > 1:
        source = "decoder.blocks"
        nodes.append(Node(source, Concatenate(), tuple(blocks)))
    if isinstance(layer, WeightedSum):
        nodes += [
            Node("decoder.score", layer, (source,)),
            Node("saliency", Activation("sigmoid"), ("decoder.score",)),
        ]
    else:
        nodes.append(Node("saliency", layer, (source,)))
    network = Network(tuple(nodes), encoder.meta).upto("saliency").with_meta(**encoder.meta)
    scores = [
        _area(s[..., 0], m, masks[i] if masks else None)
        for i, (s, m) in enumerate(zip(saliency, markers))
    ]
    defined = [score for score in scores if score is not None]
    return RankedDecoder(
        "+".join(blocks),
        method,
        float(np.mean(defined)) if defined else 0.5,
        collapse_warnings(saliency, layer),
        network,
    )


def _linear(
    encoder: Network,
    blocks: Sequence[str],
    done: Sequence[Mapping[str, Image]],
    markers: Sequence[Markers],
    masks: Sequence[npt.ArrayLike],
) -> RankedDecoder:
    """The linear decoder, evaluated on each image with weights learned on the others."""
    channels = [np.concatenate([a[b] for b in blocks], axis=-1) for a in done]
    saliencies = []
    for left in range(len(channels)):
        others = [i for i in range(len(channels)) if i != left or len(channels) == 1]
        layer = linear_decoder([channels[i] for i in others], [markers[i] for i in others])
        saliencies.append(layer(channels[left]))
    final = linear_decoder(channels, markers)
    return _choice(encoder, blocks, "linear", final, saliencies, markers, masks)


def _area(saliency: Image, drawn: Markers, mask: npt.ArrayLike | None) -> float | None:
    """Area under the ROC curve; None if there is one class only."""
    if mask is None:
        values, true = saliency[tuple(drawn.points.T)], drawn.is_object
    else:
        values, true = saliency.ravel(), np.asarray(mask).ravel() != 0
    if true.all() or not true.any():
        return None
    from scipy.stats import rankdata

    ranks = rankdata(values)
    n = int(true.sum())
    return float((ranks[true].sum() - n * (n + 1) / 2) / (n * (len(true) - n)))
