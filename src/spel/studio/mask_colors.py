"""Which step's colours the masks of a network are cut and delineated by, as its steps change."""

from __future__ import annotations

from dataclasses import replace

from spel.decide.segmentation import segmentation_of, with_segmentation
from spel.nn.network import Network


def color_step(network: Network) -> str | None:
    """The step whose colours masks follow; None if they follow none."""
    how = segmentation_of(network)
    return how.features if how.looks else None


def following(network: Network, step: str) -> Network:
    """The network whose masks follow the colours of another step, with other channels.

    Examples
    --------
    >>> from spel.decide.segmentation import Segmentation
    >>> from spel.nn import Color, chain
    >>> network = with_segmentation(chain(color=Color()), Segmentation(features="color", cut=True))
    >>> color_step(following(network, "input"))
    'input'
    """
    how = segmentation_of(network)
    line = how.delineation and replace(how.delineation, scale=())
    return with_segmentation(network, replace(how, features=step, delineation=line))


def following_renamed(network: Network, old: str, new: str) -> Network:
    """The network whose masks follow a step that has another name now."""
    if color_step(network) != old:
        return network
    return with_segmentation(network, replace(segmentation_of(network), features=new))
