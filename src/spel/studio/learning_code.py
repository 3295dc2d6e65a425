"""The Python that learns a network from the strokes of a session, as the page does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spel.decide.segmentation import segmentation_of
from spel.nn import Decode, Network, Unlearned
from spel.studio import reduction
from spel.studio.decoders import remove_decoder
from spel.studio.images import WHITE, Loaded
from spel.studio.learning import forget_kernels
from spel.studio.source import source

ImageLines = Callable[[str, float], list[str]]
"""Lines that make the image of an id in units of a full intensity, and call it `image`."""


def learns(network: Network) -> bool:
    """Whether a network has kernels that come from strokes, or are to be learned from them."""
    unlearned = any(isinstance(node.layer, Unlearned) for node in network.nodes)
    return unlearned or bool(network.meta.get("learned"))


def learning_code(
    network: Network,
    images: Sequence[Loaded],
    markers: Sequence[Path],
    class_names: dict[int, str],
    image_lines: ImageLines,
) -> list[str]:
    """Lines that learn all kernels and the decoder of a network, and call the result `net`.

    Parameters
    ----------
    network : Network
        Learned or not; kernels that were dropped or edited are learned anew.
    images : sequence of Loaded
        Those with strokes.
    markers : sequence of Path
        The strokes of each image, in a file.
    """
    factor = max(
        reduction.factor_of(network), *(reduction.needed_factor(one.size) for one in images)
    )
    body = forget_kernels(remove_decoder(reduction.whole(network)), "")
    lines = [
        "from spel.io.annotation.markers import read_markers",
        "from spel.studio.learning import relearn",
        "images, markers = [], []",
    ]
    for image, path in zip(images, markers):
        lines += [
            *image_lines(image.id, WHITE),
            "images.append(image)",
            f"markers.append(read_markers({source(str(path))}))",
        ]
    if factor > 1:
        lines += _reducing(factor)
    cut = ", cut=True" if segmentation_of(network).cut else ""
    options = f", decoder={_decoder_of(network)!r}" + (f", factor={factor}" if factor > 1 else "")
    lines += [
        "",
        f"unlearned = {source(body)}",
        "net = relearn(",
        f"    unlearned, images, markers, {[one.name for one in images]!r},",
        "    activate=lambda part: [part(one) for one in images],",
        f"    class_names={class_names!r}{options}{cut},",
        ")",
    ]
    return [*lines, f"net = reduced(net, {factor})"] if factor > 1 else lines


def _reducing(factor: int) -> list[str]:
    """Lines that bring images and strokes to the size at which the page works."""
    return [
        "from spel.studio.reduction import reduce_image, reduced",
        f"images = [reduce_image(one, {factor}) for one in images]",
        "sizes = [one.shape[:2] for one in images]",
        f"markers = [one.rescaled({factor}, size) for one, size in zip(markers, sizes)]",
    ]


def _decoder_of(network: Network) -> str:
    """The name of the decoder that a network was learned with; of an unlearned one the first."""
    decoders = [n.layer for n in network.nodes if n.name.partition(".")[0] == "decoder"]
    if any(isinstance(layer, Decode) for layer in decoders):
        return next(str(layer.method) for layer in decoders if isinstance(layer, Decode))
    return "linear" if decoders or not network.meta.get("learned") else "none"
