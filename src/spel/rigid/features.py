"""Block-normalized cells of oriented edges: the features that the detector's kernels score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

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

STRIP = 16
"""Number of crops whose cells are computed side by side."""

FLOOR = 1e-4
"""Edge strength that is added to every cell, as a share of white; it hides weaker contrast."""


def cell_network(
    *,
    orientations: int = 8,
    cell: int = 4,
    edge_stride: int = 1,
    block: int = 9,
    floor: float = FLOOR,
) -> Network:
    """A network from an image to its cells, each with the strength of edges per direction.

    1. ``grey``.
    2. ``edges``: derivatives of a Gaussian in `orientations` directions over the full circle.
    3. ``positive``: ReLU; of two opposite kernels, one responds to an edge.
    4. ``cells``: means over `cell` x `cell` spels, which blur small shapes and keep textures.
    5. ``floor``: adds a small number, so that the noise of flat regions is not amplified.
    6. ``normalized``: divides by the norm over `block` x `block` cells, per direction. This cancels
       light and contrast; what remains is where edges are, relative to the surroundings.

    Parameters
    ----------
    orientations : int
        At least 2.
    cell : int
        Side of a cell in spels, and the stride from one cell to the next.
    edge_stride : int
        Edges are computed at every `edge_stride`-th spel of a row and of a column; it divides
        `cell`.
    block : int
        Side of the normalizing window, in cells; odd.
    floor : float
        The number that is added, as a share of white; at least 0.

    Raises
    ------
    ParameterError
        If a number lies outside its range, or `edge_stride` does not divide `cell`.

    Examples
    --------
    >>> cell_network().shape((48, 80, 3))
    (12, 20, 8)
    """
    if orientations < 2 or edge_stride < 1 or cell < 1 or cell % edge_stride:
        raise ParameterError(
            f"cell_network: orientations {orientations}, cell {cell}, edge_stride {edge_stride}; "
            "expected at least 2 orientations, a cell of at least 1 spel, and a divisor of cell"
        )
    if block < 1 or block % 2 == 0 or not floor >= 0:
        raise ParameterError(
            f"cell_network: block {block}, floor {floor}; expected an odd block, and a floor of at "
            "least 0"
        )
    side = cell // edge_stride
    square = Adjacency.from_mask(np.ones((side, side)), origin=(0, 0))
    return chain(
        grey=Color("grey"),
        edges=Convolution(oriented_edges(orientations), stride=edge_stride, border="edge"),
        positive=Activation("relu"),
        cells=MeanPool(square, stride=side),
        floor=Scale(
            np.ones(orientations, np.float32), np.full(orientations, floor, dtype=np.float32)
        ),
        normalized=DivisiveNormalize(Adjacency.box(block)),
    )


def oriented_edges(orientations: int) -> KernelBank:
    """First derivatives of a Gaussian over 3 x 3 spels; the absolute weights sum to 1.

    Kernel i responds to edges from dark to bright in the direction of angle
    ``2 pi i / orientations``, measured from the right, clockwise. Of an even number, the second
    half are the opposites of the first, which the engine computes once.

    Examples
    --------
    >>> [f"{w:.3f}" for w in oriented_edges(4)[0].dense()[0, 1, :, 0]]
    ['-0.226', '0.000', '0.226']
    """
    row, col = np.mgrid[-1:2, -1:2]
    bell = np.exp(-(row**2 + col**2) / 2)
    distinct = orientations if orientations % 2 else orientations // 2
    angles = np.arange(distinct) * 2 * np.pi / orientations
    kernels = [(col * np.cos(a) + row * np.sin(a)) * bell for a in angles]
    half = [k / np.abs(k).sum() for k in kernels]
    return KernelBank.from_array(
        np.array(half if orientations % 2 else [*half, *np.negative(half)])
    )


def cells_of_crops(
    cells: Network,
    crops: Iterable[npt.NDArray[np.float32]],
    cell: tuple[int, int],
    around: tuple[int, int],
    frame: tuple[int, int],
) -> npt.NDArray[np.float32]:
    """The cells of crops, without those around a frame, which only normalize its cells.

    Parameters
    ----------
    cells : Network
        From grey to cells.
    crops : iterable of (rows, cols) array
        At least one; all of one size, ``frame + 2 around`` cells. Few are in memory at once.
    cell : (rows, cols)
        In spels.
    around, frame : (rows, cols)
        In cells.

    Returns
    -------
    (n, *frame, channels) array
    """
    each, parts = iter(crops), []
    while part := list(islice(each, STRIP)):
        if cells.halo is None:  # a cell is computed from the whole crop
            values = cells(np.stack(part)[..., None])
        else:
            reach = max(cells.halo[1]) - around[1] * cell[1]
            values = _side_by_side(cells, part, cell[1], max(1, -(-reach // cell[1])))
        inner = values[:, around[0] :, around[1] :][:, : frame[0], : frame[1]]
        parts.append(np.ascontiguousarray(inner))
    return np.concatenate(parts)


def _side_by_side(
    cells: Network, crops: Sequence[npt.NDArray[np.float32]], side: int, apart: int
) -> npt.NDArray[np.float32]:
    """The cells of crops that lie in one strip: short rows leave the engine's vectors half empty.

    Each repeats its edges for so many cells to the left and right that it reads no neighbour.
    """
    rows, cols = crops[0].shape
    edge = apart * side
    # Few different widths, since the network plans for each of them.
    strip = np.zeros((rows, -(-len(crops) // 4) * 4, cols + 2 * edge), np.float32)
    for number, crop in enumerate(crops):
        strip[:, number, edge:-edge] = crop
    strip[..., :edge] = strip[..., edge : edge + 1]
    strip[..., -edge:] = strip[..., -edge - 1 : -edge]
    values = cells(strip.reshape(rows, -1, 1))
    own = values.reshape(len(values), strip.shape[1], -1, values.shape[-1])
    return np.asarray(own[:, : len(crops), apart:-apart].swapaxes(0, 1))
