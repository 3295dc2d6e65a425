"""Every activation of a network as one figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.draw import as_rgb
from spel.draw.shade import Kind
from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.plot.figure import figure, show

WIDTH = 3.1


def activations(network: Network, image: npt.ArrayLike, *, channels: int = 8) -> Any:
    """Draw the image and the output of every node of a network, with their scales.

    Parameters
    ----------
    network : Network
    image : (rows, cols[, C]) array
        For a volume ``(planes, rows, cols[, C])``, of which the middle plane is shown.
    channels : int
        Largest number of channels drawn per node; the title states how many it has.

    Returns
    -------
    matplotlib.figure.Figure
        Nodes of one channel in rows of three. If any node has more channels, one row per node.

    Raises
    ------
    BackendMissingError
        Without matplotlib.
    ShapeError
        If the image is a batch, or does not fit the network.
    ParameterError
        If `channels` is below 1.

    Examples
    --------
    >>> from spel.nn import Activation, Scale, chain
    >>> net = chain(half=Scale([0.5]), positive=Activation("relu"))
    >>> sheet = activations(net, np.array([[-2.0, 4.0]]))
    >>> [axes.get_title(loc="left") for axes in sheet.axes[:3]]
    ['image', 'half', 'positive']
    """
    if channels < 1:
        raise ParameterError(f"plot.activations: channels {channels!r}; expected at least 1")
    ndim = network.ndim or 2
    whole = np.asarray(image)
    if whole.ndim > ndim + 1:
        raise ShapeError(
            f"plot.activations: image of shape {whole.shape}; expected one image, not a batch"
        )
    done = {k: v for k, v in network.activations(whole).items() if v.ndim == ndim + 1}
    panels = [[(name, k, array) for k in range(min(channels, array.shape[-1]))] for name, array in
              done.items()]  # fmt: skip
    picture = whole if whole.ndim == ndim + 1 else whole[..., None]
    if all(len(row) == 1 for row in panels):
        flat: list[Any] = [None, *[row[0] for row in panels]]
        rows = [flat[i : i + 3] for i in range(0, len(flat), 3)]
    else:
        rows = [[None], *panels]
    return _figure(network, picture, rows)


def _figure(network: Network, image: npt.NDArray[Any], rows: list[list[Any]]) -> Any:
    """A figure of rows of panels; None is the image."""
    wide = max(len(row) for row in rows)
    tall = WIDTH * image.shape[-3] / max(1, image.shape[-2]) + 0.45
    sheet = figure(WIDTH * wide, min(tall * len(rows), 200))
    grid = sheet.subplots(len(rows), wide, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for places, row in zip(grid, rows):
        for axes, panel in zip(places, row):
            axes.set_axis_on()
            if panel is None:
                axes.imshow(as_rgb(image))
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_title("image", fontsize=9, loc="left")
                continue
            name, k, array = panel
            plane = array[len(array) // 2] if array.ndim == 4 else array
            kind: Kind | None = "grey" if network[name].kind.startswith("color") else None
            many = f", channel {k} of {array.shape[-1]}" if array.shape[-1] > 1 else ""
            show(axes, plane[..., k], kind if plane[..., k].min() >= 0 else None, name + many)
    return sheet
