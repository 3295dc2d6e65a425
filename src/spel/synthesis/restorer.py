"""Restoration by anchors: each patch goes to its nearest anchor, whose hyperplane gives the spel.

An anchor is a point of the space of patches, a centre of k-means. Each has one ridge solution from
spoiled patches to clean spels, so that every spel of the result is explained by one hyperplane.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.core.adjacency import Adjacency
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.fields import fits
from spel.nn.tensor_file import parse_header, read_tensor_file
from spel.ops.arrays import as_real
from spel.ops.patches import patches
from spel.synthesis.degrade import Plane, Task

Real = npt.NDArray[np.float32]
KIND = "restorer.v1"
MAX_SIDE = 64
BAND = 1 << 16
"""Number of spels whose patches are in memory at the same time."""


@dataclass(frozen=True, eq=False)
class Restorer:
    """Anchors and their hyperplanes, see `spel.synthesis.learn_restorer`.

    Attributes
    ----------
    task : Task
    side : int
        Side of the square patches, odd.
    softness : float
        Before they are compared, patches without their mean are divided by their norm plus this.
    anchors : (A, side * side) array of float32
    weights : (A, side * side, factor * factor) array of float32
        Weights of the hyperplanes, one for each spel of the result that lies on a spel of the
        degraded picture.

    Examples
    --------
    >>> import tempfile
    >>> anchors = np.array([[-1, -1, -1, -1, 8, -1, -1, -1, -1]], np.float32)
    >>> weights = np.zeros((1, 9, 1), np.float32)
    >>> mean_of_nine = Restorer(Task("denoise", 25), 3, 1.0, anchors, weights)
    >>> picture = np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]], np.float32)
    >>> float(mean_of_nine(picture)[1, 1, 0]), mean_of_nine.bands(picture.shape)
    (1.0, 1)
    >>> why = mean_of_nine.explain(picture, (1, 1))
    >>> why["anchor"], round(why["value"], 3), round(float(why["weights"].sum()), 3)
    (0, 1.0, 1.0)
    >>> path = tempfile.mkdtemp() + "/mean.safetensors"
    >>> mean_of_nine.save(path)
    >>> load_restorer(path).task
    Task(kind='denoise', amount=25.0)
    """

    task: Task
    side: int
    softness: float
    anchors: Real
    weights: Real

    def __call__(
        self,
        image: npt.ArrayLike,
        *,
        white: float = 1.0,
        on_band: Callable[[], object] = lambda: None,
    ) -> Real:
        """The restored picture, channel by channel.

        Parameters
        ----------
        image : (rows, cols[, C]) array
        white : float
            The value of full intensity.
        on_band : function, optional
            Called after every band of rows.

        Returns
        -------
        (rows * factor, cols * factor, C) array of float32
            In the units of the image; values may lie a little outside of 0 to `white`.

        Raises
        ------
        ShapeError
            For a volume or a batch.
        """
        array = as_real("restore", image)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or not array.size:
            raise ShapeError(
                f"restore: an image of shape {array.shape}; expected one picture (rows, cols, "
                "channels); volumes are not restored"
            )
        f = self.task.factor
        out = np.empty((array.shape[0] * f, array.shape[1] * f, array.shape[2]), dtype=np.float32)
        for channel in range(array.shape[2]):  # one by one: Ctrl-C waits for no more than a plane
            plane = _in_units(array[..., channel], white)
            np.multiply(self._plane(plane, on_band), white, out=out[..., channel])
        return out

    def bands(self, shape: tuple[int, ...]) -> int:
        """Number of bands of rows in a picture of this shape, all channels together."""
        rows, cols = (*shape, 1)[:2]
        return (*shape, 1)[2] * -(-rows // max(1, BAND // max(cols, 1)))

    def _plane(self, plane: Plane, on_band: Callable[[], object]) -> Plane:
        rows, cols = plane.shape
        f = self.task.factor
        out = np.empty((rows, f, cols, f), dtype=np.float32)
        for first, last, vectors, means in bands(plane, self.side):
            anchor = self.nearest(vectors)
            values = np.empty((len(vectors), f * f), dtype=np.float32)
            order = np.argsort(anchor, kind="stable")
            ends = np.searchsorted(anchor[order], np.arange(len(self.anchors) + 1))
            for a in np.flatnonzero(np.diff(ends)):
                own = order[ends[a] : ends[a + 1]]
                values[own] = vectors[own] @ self.weights[a]
            block = (values + means).reshape(last - first, cols, f, f)
            out[first:last] = block.transpose(0, 2, 1, 3)
            on_band()
        return out.reshape(rows * f, cols * f)

    def nearest(self, vectors: Real) -> npt.NDArray[np.intp]:
        """The number of the nearest anchor of each patch (n, side * side) without its mean."""
        scaled = softened(vectors, self.softness)
        half = np.einsum("ij,ij->i", self.anchors, self.anchors) / 2
        best: npt.NDArray[np.intp] = np.argmax(scaled @ self.anchors.T - half, axis=1)
        return best

    def explain(self, image: npt.ArrayLike, at: tuple[int, int]) -> dict[str, Any]:
        """The hyperplane behind one spel of a restored picture of one channel.

        Parameters
        ----------
        image : (rows, cols) array, from 0 to 1
            The given picture.
        at : (row, col)
            In the restored picture.

        Returns
        -------
        dict
            The number of the anchor, the patch, the weights of the hyperplane over it, and the
            value: the sum of their products. The weights sum to 1.
        """
        plane = np.asarray(as_real("restore", image), dtype=np.float32)
        f = self.task.factor
        row, col = at
        if plane.ndim != 2 or not (0 <= row < f * plane.shape[0] and 0 <= col < f * plane.shape[1]):
            raise ShapeError(
                f"explain: spel {at} of an image of shape {plane.shape}; expected one plane, and a "
                "spel of its restored picture"
            )
        square = Adjacency.rectangle(width=self.side, height=self.side)
        patch = patches(plane, square, at=[(row // f, col // f)], border="symmetric")[0]
        mean = patch.mean()
        anchor = int(self.nearest((patch - mean)[None])[0])
        plain = self.weights[anchor][:, (row % f) * f + col % f]
        weights = plain - plain.mean() + np.float32(1 / len(patch))
        return {
            "anchor": anchor,
            "patch": patch.reshape(self.side, self.side),
            "weights": weights.reshape(self.side, self.side),
            "value": float(patch @ weights),
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file; `load_restorer` reads it."""
        from safetensors.numpy import save

        about = {"kind": KIND, "task": str(self.task), "side": self.side, "softness": self.softness}
        arrays = {"anchors": self.anchors, "weights": self.weights}
        data = save(arrays, metadata={"spel": json.dumps(about)})
        with replacing(path) as temporary:
            temporary.write_bytes(data)


def _in_units(channel: npt.NDArray[Any], white: float) -> Plane:
    """A channel from 0 to 1, or an error."""
    with np.errstate(over="ignore"):
        plane = np.ascontiguousarray(channel, dtype=np.float32) / np.float32(white)
    if not np.isfinite(plane).all():
        raise ParameterError(
            "restore: the picture holds NaN, infinity or numbers too large for float32; "
            "replace them"
        )
    return plane


def load_restorer(path: str | PathLike[str]) -> Restorer:
    """Read a restorer that `Restorer.save` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Restorer

    Raises
    ------
    FormatError
        If the file is no restorer, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/blank.safetensors"
    >>> zeros = np.zeros((1, 9, 1), np.float32)
    >>> Restorer(Task("deblur", 1.5), 3, 0.5, zeros[..., 0], zeros).save(path)
    >>> load_restorer(path).side
    3
    """
    text, arrays = read_tensor_file(path, "restorer", "spel learn-restore")
    about: Any = parse_header(text, str(path))
    if not isinstance(about, dict) or about.get("kind") != KIND:
        raise FormatError(f"{path}: this is not a restorer, as spel learn-restore writes them")
    side: Any = about.get("side")
    softness: Any = about.get("softness")
    if not fits(side, int) or side not in range(1, MAX_SIDE, 2):
        raise FormatError(f"{path}: side {side!r:.60}; expected an odd number below {MAX_SIDE}")
    if not fits(softness, float) or not 0 <= softness < 1e6:
        raise FormatError(f"{path}: softness {softness!r:.60}; expected a number of at least 0")
    try:
        task = Task.parse(str(about.get("task")))
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None
    anchors, weights = (arrays.get(name, np.zeros(0)) for name in ("anchors", "weights"))
    count = len(anchors)
    shapes = (count, side**2), (count, side**2, task.factor**2)
    if not count or (anchors.shape, weights.shape) != shapes:
        raise FormatError(f"{path}: arrays that do not fit one another; learn the file again")
    if not all(a.dtype == np.float32 and (abs(a) < 1e9).all() for a in (anchors, weights)):
        raise FormatError(f"{path}: arrays that are not float32 below 1e9; learn the file again")
    return Restorer(task, side, float(softness), anchors, weights)


def bands(plane: Plane, side: int) -> Iterator[tuple[int, int, Real, Real]]:
    """Bands of rows: first and last, the patches without their means, and the means."""
    rows, cols = plane.shape
    square = Adjacency.rectangle(width=side, height=side)
    margin = side // 2
    around = np.pad(plane, margin, mode="symmetric")
    step = max(1, BAND // cols)
    for first in range(0, rows, step):
        last = min(rows, first + step)
        part = patches(around[first : last + 2 * margin], square, border="valid")
        vectors = part.reshape(-1, side * side)
        means = vectors.mean(axis=1, keepdims=True)
        yield first, last, vectors - means, means


def softened(vectors: Real, softness: float) -> Real:
    """Patches scaled for comparison, so that strong ones differ only by their direction."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / (norms + np.float32(softness)), dtype=np.float32)
