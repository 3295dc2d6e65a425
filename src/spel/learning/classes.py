"""Learning several classes from strokes: a probability per class, and objects of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.core.threads import blas_in_one_thread
from spel.decide.object_learning import learn_object_model
from spel.decide.object_model import ObjectModel
from spel.decide.segmentation import ObjectClass, Segmentation, with_segmentation
from spel.errors import ParameterError
from spel.flim.class_decoder import class_decoder, class_labels, decoders_by_class
from spel.learning.around import around_objects
from spel.learning.encoded import DECODED, Encoded
from spel.learning.sharp import at_border
from spel.learning.sharp_classes import sharp_classes
from spel.nn import Concatenate, Convolution, Decode, Network, Node, Softmax, WeightedSum
from spel.nn.blocks import AnyImage, InBlocks, applied, in_memory
from spel.ops.decode import Method

OUTPUT = "probability"
"""The node whose channels are the classes."""


@blas_in_one_thread()
def learn_classes(
    encoded: Encoded,
    markers: Sequence[Markers],
    how: Segmentation,
    start: ObjectModel | None,
    decoder: str,
    ridge: float,
    class_names: Mapping[int, str],
    sharpened: bool,
    on_step: Callable[[str], object],
) -> Network:
    """A network whose output has a channel per class, with its segmentation.

    Parameters
    ----------
    encoded : Encoded
    markers : sequence of Markers
        Strokes of several classes.
    how : Segmentation
        States the delineation, and which spels are undecided.
    start : ObjectModel, optional
        The model whose spreads and powers every class gets; None for objects of any size and shape.
    decoder, ridge, class_names, on_step
        As for `learn_segmenter`.
    sharpened : bool
        Whether colours may decode the classes in place of the encoder, see `spel.learning.sharp`.
    """
    labels = class_labels(markers)
    background = markers[0].background
    _check_classes(labels, background, class_names)
    nodes, outputs = _decoded(encoded, markers, decoder, labels, ridge)
    on_step(f"decoder: {len(labels)} classes, labels {', '.join(map(str, labels))}")
    sharp = None
    if sharpened and decoder == "linear":
        entering = [in_memory(one) for one in encoded.entering]
        sharp = sharp_classes(entering, outputs, markers, labels, ridge)
    if sharp is None:
        how = encoded.delineated(how, hull=start is not None)
    else:
        on_step(f"classes as sharp as the image: {sharp.in_words()}")
        nodes, outputs = sharp.nodes(encoded.features, OUTPUT), sharp.outputs
        start = start and at_border(start)
    network = encoded.with_decoder(*nodes)
    if sharp is not None:
        network = network.upto(OUTPUT).with_meta(**network.meta)  # nothing reads the other layers
    classes = []
    for channel, label in enumerate(labels):
        title = class_names.get(label, "background" if label == background else "")
        one = ObjectClass(label, title, background=label == background)
        if start is not None and label != background:
            one = replace(one, objects=_objects(one, outputs, channel, markers, start, on_step))
        classes.append(one)
    return with_segmentation(network, replace(how, classes=tuple(classes)))


def _check_classes(
    labels: Sequence[int], background: int | None, class_names: Mapping[int, str]
) -> None:
    """Refuse names that are no classes' or two classes', and classes beside no background."""
    unknown = set(class_names) - set(labels)
    if unknown:
        raise ParameterError(
            f"learn_segmenter: a name for label {next(iter(unknown))!r}, which no stroke has; the "
            f"strokes have the labels {', '.join(map(str, labels))}"
        )
    twice = [name for name, count in Counter(class_names.values()).items() if count > 1]
    if twice:
        raise ParameterError(
            f"learn_segmenter: two labels have the name {twice[0]!r}; give each class its own name"
        )
    if background is not None and background not in labels:
        raise ParameterError(
            f"learn_segmenter: no stroke has label {background}, the background's; draw some "
            "beside the objects, or state that every label is a class (background=None of the "
            "markers, --labels classes)"
        )


def _decoded(
    encoded: Encoded,
    markers: Sequence[Markers],
    decoder: str,
    labels: Sequence[int],
    ridge: float,
) -> tuple[list[Node], list[AnyImage]]:
    """The nodes of the decoder, and the probabilities of the marked images."""
    if decoder == "linear":
        bank = class_decoder(encoded.channels, markers, ridge=ridge)
        nodes = [
            Node("decoder.score", Convolution(bank), (DECODED,)),
            Node(OUTPUT, Softmax(), ("decoder.score",)),
        ]
    else:
        nodes = _published(encoded, cast(Method, decoder), labels)
    network = encoded.with_decoder(*nodes)
    return nodes, [
        image.through(network) if isinstance(image, InBlocks) else _after(nodes, channels)
        for image, channels in zip(encoded.images, encoded.channels)
    ]


def _published(encoded: Encoded, method: Method, labels: Sequence[int]) -> list[Node]:
    """A published decoder of the last block for each class, side by side."""
    last = encoded.blocks[-1]
    layers = decoders_by_class(method, _last_bank(encoded.network.upto(last)), labels)
    nodes = [Node(f"decoder.{label}", one, (last,)) for label, one in zip(labels, layers)]
    return [*nodes, Node(OUTPUT, Concatenate(), tuple(node.name for node in nodes))]


def _last_bank(network: Network) -> KernelBank:
    """The bank of the last convolution."""
    banks = [n.layer.bank for n in network.nodes if isinstance(n.layer, Convolution)]
    return banks[-1]


def _after(nodes: Sequence[Node], channels: AnyImage) -> npt.NDArray[np.float32]:
    """The output of the decoder for the channels that it takes."""
    assert not isinstance(channels, InBlocks)
    if isinstance(nodes[0].layer, Convolution):
        return Softmax()(nodes[0].layer(channels))
    layers = [node.layer for node in nodes if isinstance(node.layer, Decode)]
    return Concatenate()(*[layer(channels[..., -len(layer.labels) :]) for layer in layers])


def _channel(outputs: AnyImage, channel: int) -> AnyImage:
    """The probabilities of one class: (rows, cols, 1)."""
    outputs = in_memory(outputs)
    if not isinstance(outputs, InBlocks):
        return outputs[..., channel : channel + 1]
    one = np.zeros(outputs.shape[-1], np.float32)
    one[channel] = 1
    return applied(outputs, WeightedSum(one))


def _objects(
    one: ObjectClass,
    outputs: Sequence[AnyImage],
    channel: int,
    markers: Sequence[Markers],
    start: ObjectModel,
    on_step: Callable[[str], object],
) -> ObjectModel | None:
    """Area and shape of the objects of a class; None if no component contains its strokes."""
    own = [
        Markers(m.points, (m.labels == one.label).astype(np.int64), m.size, 0, m.ids)
        for m in markers
    ]
    try:
        around = around_objects([_channel(o, channel) for o in outputs], own, start)
        model, _ = learn_object_model(*around, start)
    except ParameterError:
        on_step(
            f"class {one.title}: no component contains its strokes; objects may have any size and "
            "shape"
        )
        return None
    on_step(f"class {one.title}: objects of about {model.area:.0f} pixels")
    return model
