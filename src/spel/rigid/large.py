"""Detection of rigid objects in images larger than memory: the scale space is read in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spel.core.detections import Detections
from spel.errors import ShapeError
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.tiles import SIZE
from spel.rigid.classes import ClassWindows
from spel.rigid.detect import detect_in_pyramid
from spel.rigid.detect_classes import classes_in_pyramid
from spel.rigid.score import Scanner
from spel.rigid.windows import Windows


def detect_in_levels(
    network: Network,
    levels: Sequence[Source],
    decision: Windows | ClassWindows,
    *,
    size: int = SIZE,
    each: Any = map,
) -> Detections:
    """Detect in an image that is read in parts; the boxes equal those of the whole, bit for bit.

    Parameters
    ----------
    network : Network
    levels : sequence of array or `spel.io.large.LargeImage`
        The image, and the same image at smaller sizes if the file has them: each scale is read
        from the smallest one that is large enough.
    decision : Windows or ClassWindows
    size : int
        Side of the parts that are scanned at once, in spels of the scaled image.
    each : callable
        Calls a picklable function for each part and gives the results in order, as `map` does.

    Returns
    -------
    Detections

    Raises
    ------
    ShapeError
        If the image is a volume, or the network does not fit the decision.

    Examples
    --------
    >>> from spel import zoo
    >>> from spel.data import street
    >>> from spel.decide import decision_of, detect
    >>> image, net = street(1, size=(120, 160)).image, zoo.plates()
    >>> parts = detect_in_levels(net, [image], decision_of(net), size=64)
    >>> bool((parts.boxes == detect(net, image).boxes).all())
    True
    """
    if len(levels[0].shape) != 3:
        raise ShapeError(
            f"detect: image of shape {tuple(levels[0].shape)}; sliding windows expect "
            "(rows, cols, channels), so give one plane of a volume"
        )
    if isinstance(decision, ClassWindows):
        scanners = [Scanner(network, windows) for _, windows in decision.classes]
        pyramid = scanners[0].large_pyramid(levels, size, each)
        return classes_in_pyramid(scanners, pyramid, decision)
    scanner = Scanner(network, decision)
    return detect_in_pyramid(scanner, scanner.large_pyramid(levels, size, each))
