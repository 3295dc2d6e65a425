"""Pictures of the steps of a network on an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.draw.shade import shade
from spel.draw.sheet import Tile, sheet
from spel.nn import Network

MAX_CHANNELS = 64
"""Channels of a step that a picture shows."""


def step_sheet(network: Network, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A picture of one step: at most `MAX_CHANNELS` channels, each with its scale.

    Parameters
    ----------
    network : Network
    name : str
        The step.
    array : (rows, cols, channels) or (planes, rows, cols, channels) array
        Its activation.

    Returns
    -------
    (rows, cols, 3) array of uint8

    Examples
    --------
    >>> from spel import Scale, chain
    >>> step_sheet(chain(half=Scale([0.5])), "half", np.zeros((4, 5, 1))).shape[2]
    3
    """
    plane, note = _plane(array)
    channels = min(plane.shape[-1], MAX_CHANNELS)
    tiles = [Tile(shade(plane[..., k]), f"channel {k}") for k in range(channels)]
    shown = f", the first {channels} of {plane.shape[-1]}" if channels < plane.shape[-1] else ""
    columns = int(np.ceil(np.sqrt(channels)))
    return sheet(
        tiles,
        columns=columns,
        tile_width=int(np.clip(plane.shape[1], 240, max(240, 960 // columns))),
        title=name,
        subtitle=f"{network[name].describe()}; {' x '.join(map(str, array.shape))}{shown}{note}",
    )


def steps_sheet(
    network: Network, image: npt.NDArray[Any], steps: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.uint8]:
    """A picture of the image and the first channel of every step.

    Parameters
    ----------
    network : Network
    image : (rows, cols, channels) array
    steps : mapping of str to array
        Activations by name; a vector is no picture, and is left out.

    Returns
    -------
    (rows, cols, 3) array of uint8
    """
    tiles = [Tile(image, "image", " x ".join(map(str, image.shape)))]
    for name, array in steps.items():
        if array.ndim < 3:
            continue
        plane, note = _plane(array)
        more = f", channel 0 of {plane.shape[-1]}" if plane.shape[-1] > 1 else ""
        caption = network[name].describe()
        number = network.names.index(name) + 1
        tiles.append(Tile(shade(plane[..., 0]), f"{number}  {name}{more}", caption + note))
    return sheet(tiles)


def _plane(array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """The image, or the middle plane of a volume, and a note about it."""
    if array.ndim == 4:
        middle = len(array) // 2
        return array[middle], f"; plane {middle} of {len(array)}"
    return array, ""
