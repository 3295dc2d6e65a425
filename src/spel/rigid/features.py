"""Oriented edges, pooled into cells and normalized by their surroundings: what wide kernels see."""

from __future__ import annotations

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.nn import (
    Activation,
    Color,
    Convolution,
    DivisiveNormalize,
    MeanPool,
    Network,
    Scale,
    chain,
)

FLOOR = 1e-4
"""Added to every cell: an edge strength, of white, below which contrast counts as none."""


def cell_network(
    *,
    orientations: int = 8,
    cell: int = 4,
    every: int = 1,
    around: int = 9,
    floor: float = FLOOR,
) -> Network:
    """A network from an image to its cells: per cell, how strong edges are in each direction.

    1. ``grey``.
    2. ``edges``: derivatives of a Gaussian in `orientations` directions over the full circle.
    3. ``positive``: ReLU keeps, of each pair of opposite kernels, the side the edge is on.
    4. ``cells``: means over `cell` x `cell` spels; characters lose their shape, not their texture.
    5. ``floor``: a small number, so that the noise of flat parts is not lifted.
    6. ``normalized``: divided by the norm over `around` x `around` cells, per direction. Light,
       contrast and shadow vanish; what remains is where edges are, relative to the surroundings.

    Parameters
    ----------
    orientations : int
        At least 2.
    cell : int
        Side in spels, and the stride.
    every : int
        Edges are taken at every so many spels of a row and of a column; it divides `cell`.
    around : int
        Side of the normalizing window, in cells; odd.
    floor : float

    Examples
    --------
    >>> cell_network().shape((48, 80, 3))
    (12, 20, 8)
    """
    if orientations < 2 or every < 1 or cell < 1 or cell % every:
        raise ParameterError(
            f"cell_network: orientations {orientations}, cell {cell}, every {every}; expected at "
            "least 2, at least 1, and a divisor of cell"
        )
    if around < 1 or around % 2 == 0 or not floor >= 0:
        raise ParameterError(
            f"cell_network: around {around}, floor {floor}; expected an odd number, and at least 0"
        )
    side = cell // every
    block = Adjacency.from_mask(np.ones((side, side)), origin=(0, 0))
    return chain(
        grey=Color("grey"),
        edges=Convolution(oriented_edges(orientations), stride=every, border="edge"),
        positive=Activation("relu"),
        cells=MeanPool(block, stride=side),
        floor=Scale(np.ones(orientations), np.full(orientations, floor)),
        normalized=DivisiveNormalize(Adjacency.box(around)),
    )


def oriented_edges(orientations: int) -> KernelBank:
    """First derivatives of a Gaussian over 3 x 3 spels, their weights' magnitudes summing to 1.

    Kernel i answers to edges that turn from dark to bright in the direction of angle
    ``2 pi i / orientations``, counted from the right towards below.

    Examples
    --------
    >>> [f"{w:.3f}" for w in oriented_edges(4)[0].dense()[0, 1, :, 0]]
    ['-0.226', '0.000', '0.226']
    """
    row, col = np.mgrid[-1:2, -1:2]
    bell = np.exp(-(row**2 + col**2) / 2)
    angles = np.arange(orientations) * 2 * np.pi / orientations
    kernels = [(col * np.cos(a) + row * np.sin(a)) * bell for a in angles]
    return KernelBank.from_array(np.array([k / np.abs(k).sum() for k in kernels]))
