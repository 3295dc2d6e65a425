"""Kernel banks: K kernels over one adjacency, each a hyperplane in patch space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.core import filters
from spel.core.adjacency import Adjacency
from spel.core.html import bank_html
from spel.core.numbers import as_numbers
from spel.core.provenance import Provenance
from spel.errors import ParameterError, ShapeError

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class KernelBank:
    """K kernels ``(A, W_k)`` over one adjacency, each with a bias: K perceptrons per pixel.

    Parameters
    ----------
    adjacency : Adjacency
        The n neighbours that every kernel weights.
    weights : (K, n, C) array of float
        One weight per kernel, neighbour and channel, in the order of the displacements.
    bias : (K,) array of float, optional
        Added to the sum; zeros by default.
    provenance : tuple of Provenance, optional
        One entry per kernel if the bank was learned from markers, else empty.

    Examples
    --------
    >>> bank = KernelBank.sobel("col")
    >>> bank.dense()[0, :, :, 0].astype(int).tolist()
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    >>> bank.distance(np.array([[0, 0, 1, 0, 0, 1, 0, 0, 1]])).round(3).tolist()
    [[1.155]]

    Notes
    -----
    Lecture, "Patches, kernels, banks" and "Perceptron".
    """

    adjacency: Adjacency
    weights: FloatArray
    bias: FloatArray = None  # type: ignore[assignment]  # zeros, see below
    provenance: tuple[Provenance, ...] = ()

    if TYPE_CHECKING:  # any real numbers are taken; float32 is what the fields hold

        def __init__(
            self,
            adjacency: Adjacency,
            weights: npt.ArrayLike,
            bias: npt.ArrayLike | None = None,
            provenance: Sequence[Provenance] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        weights = _real_array("weights", self.weights)
        if weights.ndim != 3 or weights.shape[1] != len(self.adjacency):
            raise ShapeError(
                f"KernelBank: weights of shape {weights.shape} for an adjacency of "
                f"{len(self.adjacency)} displacements; expected (kernels, {len(self.adjacency)}, "
                "channels)"
            )
        bias = np.zeros(len(weights)) if self.bias is None else _real_array("bias", self.bias)
        if bias.shape != (len(weights),):
            raise ShapeError(
                f"KernelBank: bias of shape {bias.shape} for {len(weights)} kernels; expected "
                f"({len(weights)},)"
            )
        if self.provenance and len(self.provenance) != len(weights):
            raise ShapeError(
                f"KernelBank: {len(self.provenance)} provenances for {len(weights)} kernels; give "
                "one per kernel, or none"
            )
        object.__setattr__(self, "weights", _read_only(weights))
        object.__setattr__(self, "bias", _read_only(bias))
        object.__setattr__(self, "provenance", tuple(self.provenance))

    # -- constructors ------------------------------------------------------------------------

    @classmethod
    def from_array(
        cls,
        weights: npt.ArrayLike,
        bias: npt.ArrayLike | None = None,
        *,
        origin: Sequence[int] | None = None,
    ) -> KernelBank:
        """Bank over a rectangle from weights written as an image.

        Parameters
        ----------
        weights : array of float
            ``(rows, cols)`` is one kernel for one channel, ``(K, rows, cols)`` K of them, and
            ``(K, rows, cols, C)`` K kernels for C channels; ``(K, planes, rows, cols, C)`` for
            voxels.
        bias : float or (K,) array of float, optional
            One per kernel; zeros by default.
        origin : sequence of int, optional
            The cell that stands for the pixel itself; default ``size // 2`` per axis.

        Raises
        ------
        ShapeError
            For another number of axes, or an empty array.

        Examples
        --------
        >>> bank = KernelBank.from_array([[-1, 0, 1]], bias=0.5)
        >>> bank.weights.shape, bank.bias.tolist()
        ((1, 3, 1), [0.5])
        """
        array = _real_array("weights", weights)
        if array.ndim == 2:
            array = array[None, :, :, None]
        elif array.ndim == 3:
            array = array[..., None]
        if array.ndim not in (4, 5) or 0 in array.shape:
            raise ShapeError(
                f"KernelBank.from_array: weights of shape {np.shape(weights)}; expected "
                "(rows, cols), (K, rows, cols), (K, rows, cols, C) or (K, planes, rows, cols, C), "
                "not empty"
            )
        box = array.shape[1:-1]
        adjacency = Adjacency.from_mask(np.ones(box, dtype=bool), origin)
        flat = array.reshape(len(array), len(adjacency), array.shape[-1])
        biases = np.broadcast_to(_real_array("bias", 0.0 if bias is None else bias), (len(array),))
        return cls(adjacency, _read_only(flat), _read_only(biases))

    @classmethod
    def from_function(cls, adjacency: Adjacency, weigh: Callable[..., npt.ArrayLike]) -> KernelBank:
        """One kernel for one channel; its weights are a function of the displacements.

        Examples
        --------
        >>> KernelBank.from_function(Adjacency.cross(1), lambda row, col: col).weights.ravel()
        array([ 0., -1.,  0.,  1.,  0.], dtype=float32)
        """
        values = np.asarray(weigh(*adjacency.displacements.T.astype(float)), dtype=float)
        return cls(adjacency, np.broadcast_to(values, (len(adjacency),))[None, :, None])

    @classmethod
    def sobel(cls, axis: str = "col") -> KernelBank:
        """Sobel kernel: "col" keeps transitions from dark to bright from left to right.

        Examples
        --------
        >>> KernelBank.sobel("row").dense()[0, :, :, 0].astype(int).tolist()
        [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
        """
        return cls(*filters.derivative("KernelBank.sobel", (1, 2, 1), axis))

    @classmethod
    def prewitt(cls, axis: str = "col") -> KernelBank:
        """Prewitt kernel: as `sobel` with the side weights 1, 1, 1."""
        return cls(*filters.derivative("KernelBank.prewitt", (1, 1, 1), axis))

    @classmethod
    def scharr(cls, axis: str = "col") -> KernelBank:
        """Scharr kernel: as `sobel` with the side weights 3, 10, 3."""
        return cls(*filters.derivative("KernelBank.scharr", (3, 10, 3), axis))

    @classmethod
    def laplacian(cls, *, diagonal: bool = False) -> KernelBank:
        """Laplacian: the sum of the 4 (with `diagonal` 8) neighbours minus 4 (8) times the centre.

        Examples
        --------
        >>> KernelBank.laplacian().dense()[0, :, :, 0].astype(int).tolist()
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
        """
        return cls(*filters.laplacian(diagonal))

    @classmethod
    def gaussian(cls, sigma: float, *, radius: int | None = None) -> KernelBank:
        """Gaussian of standard deviation `sigma` that sums to 1, cut at `radius` (4 sigma).

        Examples
        --------
        >>> float(KernelBank.gaussian(1.5).weights.sum().round(6))
        1.0
        """
        bank = cls(*filters.gaussian("KernelBank.gaussian", sigma, radius))
        return replace(bank, weights=bank.weights / bank.weights.sum(dtype=np.float64))

    @classmethod
    def laplacian_of_gaussian(cls, sigma: float, *, radius: int | None = None) -> KernelBank:
        """Laplacian of a Gaussian of standard deviation `sigma`, shifted to sum to 0.

        Examples
        --------
        >>> bank = KernelBank.laplacian_of_gaussian(1.0)
        >>> abs(float(bank.weights.sum())) < 1e-6
        True
        """
        name = "KernelBank.laplacian_of_gaussian"
        return cls(*filters.laplacian_of_gaussian(name, sigma, radius))

    @classmethod
    def gabor(
        cls,
        *,
        orientations: int = 4,
        wavelength: float = 6.0,
        sigma: float = 3.0,
        gamma: float = 0.5,
        phase: float = 0.0,
        radius: int | None = None,
    ) -> KernelBank:
        """Gabor kernels at `orientations` angles from 0 to pi, each of mean 0 and norm 1.

        Parameters
        ----------
        orientations : int
            Number of kernels; the first one responds to vertical bars.
        wavelength, sigma : float
            Period of the wave and standard deviation of its envelope, in pixels.
        gamma : float
            Width of the envelope along the wave divided by its width across the wave.
        phase : float
            In radians; 0 responds to bars, pi/2 to edges.
        radius : int, optional
            Half size of the box; default 3 sigma.

        Examples
        --------
        >>> KernelBank.gabor(orientations=6, sigma=2).weights.shape
        (6, 169, 1)
        """
        name = "KernelBank.gabor"
        return cls(*filters.gabor(name, orientations, wavelength, sigma, gamma, phase, radius))

    @classmethod
    def random(
        cls, adjacency: Adjacency, *, kernels: int, channels: int = 1, seed: int
    ) -> KernelBank:
        """Kernels of mean 0 and norm 1 drawn uniformly over the directions of patch space.

        Examples
        --------
        >>> bank = KernelBank.random(Adjacency.box(3), kernels=4, channels=3, seed=0)
        >>> np.linalg.norm(bank.weights.reshape(4, -1), axis=1).round(5).tolist()
        [1.0, 1.0, 1.0, 1.0]
        """
        if kernels < 1 or channels < 1:
            raise ParameterError(
                f"KernelBank.random: {kernels} kernels for {channels} channels; expected at least "
                "one of each"
            )
        draw = np.random.default_rng(seed).normal(size=(kernels, len(adjacency), channels))
        if draw[0].size > 1:
            draw -= draw.mean(axis=(1, 2), keepdims=True)
        return cls(adjacency, draw / np.linalg.norm(draw, axis=(1, 2), keepdims=True))

    # -- derived -----------------------------------------------------------------------------

    @property
    def channels(self) -> int:
        """Channels of the images that the bank takes."""
        return int(self.weights.shape[2])

    def distance(self, patches: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Signed distance of patches to the K hyperplanes, ``(<X, W_k> + w_k0) / ||W_k||``.

        Parameters
        ----------
        patches : (..., n * C) array
            Flattened patches, displacement-major (see `spel.ops.patches`).

        Returns
        -------
        (..., K) array of float64
            Positive on the side that ReLU keeps; a kernel of zeros gives 0.

        Raises
        ------
        ShapeError
            If the patches have another length.
        """
        x = as_numbers(patches, "KernelBank.distance", "patches").astype(np.float64, copy=False)
        flat = self.weights.reshape(len(self), -1).astype(np.float64)
        if x.ndim < 1 or x.shape[-1] != flat.shape[1]:
            raise ShapeError(
                f"KernelBank.distance: patches of shape {x.shape}; expected (..., {flat.shape[1]}) "
                f"for {len(self.adjacency)} displacements x {self.channels} channels"
            )
        norm = np.linalg.norm(flat, axis=1)
        return (x @ flat.T + self.bias) / np.where(norm > 0, norm, np.inf)

    def dense(self) -> FloatArray:
        """Weights in the smallest box, ``(K, rows, cols, C)``, zeros where there is no neighbour.

        The only place that builds boxes; `adjacency.reach` says where the box stands.
        """
        low = np.array([lo for lo, _ in self.adjacency.reach])
        box = tuple(high - lo + 1 for lo, high in self.adjacency.reach)
        dense = np.zeros((len(self), *box, self.channels), dtype=np.float32)
        dense[(slice(None), *(self.adjacency.displacements - low).T)] = self.weights
        return dense

    def __add__(self, other: KernelBank) -> KernelBank:
        """Both banks' kernels, one after the other, over the same adjacency."""
        if not isinstance(other, KernelBank):
            return NotImplemented
        if self.adjacency != other.adjacency or self.channels != other.channels:
            raise ShapeError(
                "KernelBank: banks over different adjacencies or channels cannot be joined; give "
                "both the same adjacency and number of channels"
            )
        both = self.provenance and other.provenance
        return KernelBank(
            self.adjacency,
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.bias, other.bias]),
            self.provenance + other.provenance if both else (),
        )

    def __getitem__(self, choice: int | slice | Sequence[int]) -> KernelBank:
        """The bank of the chosen kernels; of one kernel for an integer."""
        chosen = np.atleast_1d(np.arange(len(self))[choice])
        return KernelBank(
            self.adjacency,
            self.weights[chosen],
            self.bias[chosen],
            tuple(self.provenance[i] for i in chosen) if self.provenance else (),
        )

    def __neg__(self) -> KernelBank:
        """The same hyperplanes with their sides exchanged."""
        return replace(self, weights=-self.weights, bias=-self.bias)

    def __len__(self) -> int:
        return int(self.weights.shape[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KernelBank):
            return NotImplemented
        return (
            self.adjacency == other.adjacency
            and np.array_equal(self.weights, other.weights)
            and np.array_equal(self.bias, other.bias)
            and self.provenance == other.provenance
        )

    def __hash__(self) -> int:
        return hash((self.adjacency, self.weights.tobytes(), self.bias.tobytes()))

    def __repr__(self) -> str:
        sizes = " x ".join(str(high - low + 1) for low, high in self.adjacency.reach)
        return (
            f"KernelBank({_counted(len(self), 'kernel')} over "
            f"{_counted(len(self.adjacency), 'displacement')} of {sizes}, "
            f"{_counted(self.channels, 'channel')})"
        )

    def _repr_html_(self) -> str:
        return bank_html(self)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _real_array(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = as_numbers(values, "KernelBank", name)
    if not np.isfinite(array).all():
        raise ParameterError(f"KernelBank: {name} holds NaN or infinity; give finite numbers")
    return array.astype(np.float64)


def _read_only(array: npt.NDArray[np.float64]) -> FloatArray:
    copy = np.array(array, dtype=np.float32, order="C")
    copy.setflags(write=False)
    return copy
