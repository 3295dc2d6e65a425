"""Networks of images meet volumes: a volume would pass for a batch of its planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spel.errors import ShapeError
from spel.nn.layer import Shape

if TYPE_CHECKING:
    from spel.nn.network import Network

__all__ = ["refuse_volume"]


def refuse_volume(network: Network, shape: Shape, who: str) -> None:
    """Refuse a volume for a network of images.

    Such a network computes a volume as a batch of planes. What is then learned from the planes or
    decided about them, such as the size of an object, holds for planes and not for the volume.

    Parameters
    ----------
    network : Network
    shape : tuple of int
        Of the image, with its channels.
    who : str
        The function or command, which the message begins with.

    Raises
    ------
    ShapeError
        If the network has adjacencies of two axes and the image has planes.

    Examples
    --------
    >>> import spel
    >>> refuse_volume(spel.chain(spel.MaxPool(spel.Adjacency.box(3))), (9, 9, 1), "detect")
    """
    if network.ndim == 2 and len(shape) == 4:
        raise ShapeError(
            f"{who}: image of shape {shape} is a volume or a batch, and the network is for "
            "images; give one plane of it (on the command line: --page), or use a network with "
            "adjacencies of three axes"
        )
