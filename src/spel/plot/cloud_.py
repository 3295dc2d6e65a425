"""Patches as points: how a kernel's hyperplane divides them and normalization moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.bank import KernelBank
from spel.errors import ParameterError, ShapeError
from spel.plot.figure import NEGATIVE, POSITIVE, figure, quiet, show

Floats = npt.NDArray[np.float64]
Directions = Literal["kernel", "principal"] | Sequence[int]


def patch_cloud(
    patches: npt.ArrayLike,
    bank: KernelBank,
    *,
    kernel: int = 0,
    axes: Directions = "kernel",
    points: int = 3000,
    seed: int = 0,
) -> Any:
    """Draw patches as points, the hyperplane of a kernel, and the side that ReLU keeps.

    ``<X, W> + w_0 = 0`` is the hyperplane; `bank.distance` gives each point's signed distance.

    Parameters
    ----------
    patches : (rows, cols[, C]) image or (m, n * C) array
        An array of two axes whose last one is as long as a patch is taken as patches.
    bank : KernelBank
        Over two axes, with as many channels as the image.
    kernel : int
        Which kernel of the bank.
    axes : {"kernel", "principal"} or (int, int)
        "kernel": the horizontal axis is the distance along the normal of the hyperplane, so that
        the hyperplane is a vertical line; the vertical axis is the direction of largest variance
        within the hyperplane. "principal": the two directions of largest variance; the line is the
        section of the hyperplane through the mean. Two numbers: these components of the patches.
    points : int
        Largest number of points drawn, half of them from each side, chosen by `seed`. The counts
        and the histogram are of all patches.
    seed : int

    Returns
    -------
    matplotlib.figure.Figure
        The points, the histogram of the signed distances and, for an image, the distances as a
        picture.

    Raises
    ------
    BackendMissingError
        Without matplotlib.
    ShapeError, ParameterError
        If the patches do not fit the bank, or there is no such kernel or component.

    Examples
    --------
    >>> bank = KernelBank.from_array([[-1.0, 1.0]])
    >>> sheet = patch_cloud([[1.0, 3.0], [4.0, 2.0]], bank)  # two patches of two values
    >>> sheet.axes[1].get_title(loc="left")
    'ReLU keeps 50.0%'
    """
    array = np.asarray(patches)
    length = len(bank.adjacency) * bank.channels
    picture = not (array.ndim == 2 and array.shape[1] == length)
    cloud = ops.patches(array, bank.adjacency) if picture else array
    x = cloud.reshape(-1, length).astype(np.float64)
    if not -len(bank) <= kernel < len(bank):
        raise ParameterError(
            f"plot.patch_cloud: kernel {kernel} of a bank of {len(bank)} kernels; expected a "
            f"number from 0 to {len(bank) - 1}"
        )
    distances = bank.distance(x)[:, kernel]
    sheet = figure(12.5 if picture else 8.6, 4.1)
    panels = sheet.subplots(1, 3 if picture else 2, width_ratios=[1.25, 1, 1.15][: 2 + picture])
    order = np.random.default_rng(seed).permutation(len(x))
    sides = [order[distances[order] > 0], order[distances[order] <= 0]]
    chosen = np.concatenate([side[: points // 2] for side in sides])
    _cloud(panels[0], x, distances, chosen, _basis(x, bank, kernel, axes))
    _histogram(panels[1], distances)
    if picture:
        field = distances.reshape(cloud.shape[:2])
        show(panels[2], field, "signed", "signed distance of every pixel")
    return sheet


def batch_normalization(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    axes: Sequence[int] | None = None,
    points: int = 3000,
    seed: int = 0,
) -> Any:
    """Draw feature vectors before and after a normalization, on the same components.

    Parameters
    ----------
    before, after : (..., C) arrays
        The same vectors in the same order: a batch of images, patches, activations.
    axes : (int, int), optional
        Components to draw; by default the first two. A single component is drawn against its rank.
    points : int
        Largest number of points drawn, chosen by `seed`.
    seed : int

    Returns
    -------
    matplotlib.figure.Figure
        Both clouds, each with its mean; the titles state mean and standard deviation.

    Raises
    ------
    BackendMissingError
        Without matplotlib.
    ShapeError, ParameterError
        If the shapes differ or a component does not exist.

    Examples
    --------
    >>> before = np.array([[0.0, 4.0], [2.0, 8.0]])
    >>> sheet = batch_normalization(before, before - before.mean(axis=0))
    >>> [axes.get_title(loc="left") for axes in sheet.axes]
    ['before: mean (1, 6), deviation (1, 2)', 'after: mean (0, 0), deviation (1, 2)']
    """
    pair = [np.asarray(a, dtype=np.float64) for a in (before, after)]
    if pair[0].shape != pair[1].shape or pair[0].ndim < 1 or not pair[0].size:
        raise ShapeError(
            f"plot.batch_normalization: shapes {pair[0].shape} and {pair[1].shape}; expected the "
            "same, (..., C), not empty"
        )
    pair = [a.reshape(-1, a.shape[-1]) for a in pair]
    width = pair[0].shape[1]
    first, second = (0, min(1, width - 1)) if axes is None else _components(axes, width)
    chosen = np.random.default_rng(seed).permutation(len(pair[0]))[:points]
    sheet = figure(8.6, 4.2)
    panels = sheet.subplots(1, 2)
    for panel, x, word in zip(panels, pair, ("before", "after")):
        u, v = x[:, first], x[:, second]
        if first == second:
            v = np.linspace(0, 1, len(x))[np.argsort(np.argsort(u))]
        panel.scatter(u[chosen], v[chosen], s=5, alpha=0.4, color=NEGATIVE, linewidths=0)
        panel.scatter([u.mean()], [v.mean()], marker="+", s=130, color=POSITIVE, linewidths=2)
        panel.axhline(0, color="black", linewidth=0.6)
        panel.axvline(0, color="black", linewidth=0.6)
        panel.set_xlabel(f"component {first}", fontsize=8)
        panel.set_ylabel("rank" if first == second else f"component {second}", fontsize=8)
        title = f"{word}: mean ({_pair(u.mean(), v.mean())}), deviation ({_pair(u.std(), v.std())})"
        panel.set_title(title, fontsize=9, loc="left")
        quiet(panel)
    return sheet


class _Basis:
    """Two directions in patch space and the hyperplane's line in them: ``a s + b t + c = 0``."""

    def __init__(
        self, center: Floats, u: Floats, v: Floats, plane: tuple[Floats, float], words: Any
    ) -> None:
        self.center, self.u, self.v, self.words = center, u, v, words
        weights, bias = plane
        self.line = (
            float(weights @ u),
            float(weights @ v),
            float(weights @ center + bias),
        )

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        return (x - self.center) @ self.u, (x - self.center) @ self.v


def _basis(x: Floats, bank: KernelBank, kernel: int, axes: Directions) -> _Basis:
    weights = bank.weights[kernel].reshape(-1).astype(np.float64)
    bias, length = float(bank.bias[kernel]), float(np.linalg.norm(weights))
    plane = (weights / length, bias / length) if length > 0 else (weights, bias)
    mean = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    if axes == "kernel":
        rest = (x - mean) - np.outer((x - mean) @ plane[0], plane[0])
        words = ("along the kernel's normal", "within the hyperplane, largest variance")
        return _Basis(0 * mean, plane[0], _principal(rest, 1)[0], plane, words)
    if axes == "principal":
        u, v = _principal(x - mean, 2)
        return _Basis(mean, u, v, plane, ("first principal direction", "second"))
    if isinstance(axes, str):
        raise ParameterError(
            f"plot.patch_cloud: axes {axes!r}; expected 'kernel', 'principal' or two numbers"
        )
    first, second = _components(axes, x.shape[1])
    unit = np.eye(x.shape[1])
    # The section at the mean of the other components, which the points surround.
    center = np.where((unit[first] + unit[second]) > 0, 0.0, mean)
    words = (f"component {first}", f"component {second}")
    return _Basis(center, unit[first], unit[second], plane, words)


def _principal(x: Floats, count: int) -> Floats:
    """The directions of largest variance, (count, d)."""
    if not len(x) or x.shape[1] < count:
        return np.eye(max(count, x.shape[1]), x.shape[1])[:count]
    _, vectors = np.linalg.eigh(x.T @ x)
    directions: Floats = vectors[:, ::-1][:, :count].T
    return directions


def _cloud(panel: Any, x: Floats, distances: Floats, chosen: Any, basis: _Basis) -> None:
    s, t = basis(x[chosen])
    positive = distances[chosen] > 0
    for part, color, word in (
        (~positive, NEGATIVE, "set to 0"),
        (positive, POSITIVE, "kept by ReLU"),
    ):
        count = (
            int((distances > 0).sum()) if word == "kept by ReLU" else int((distances <= 0).sum())
        )
        panel.scatter(
            s[part], t[part], s=6, alpha=0.45, color=color, linewidths=0, label=f"{word}: {count:,}"
        )
    panel.margins(0.06)
    limits = panel.get_xlim(), panel.get_ylim()
    crosses = _line(panel, basis.line, limits)
    panel.set_xlim(limits[0])
    panel.set_ylim(limits[1])
    panel.set_xlabel(basis.words[0], fontsize=8)
    panel.set_ylabel(basis.words[1], fontsize=8)
    where = "" if crosses else " (outside this view)"
    panel.set_title(f"{len(x):,} patches and the hyperplane{where}", fontsize=9, loc="left")
    panel.legend(fontsize=8, frameon=False, loc="best", markerscale=2)
    quiet(panel)


def _line(panel: Any, line: tuple[float, float, float], limits: Any) -> bool:
    """Draw the section of the hyperplane; return whether it crosses the panel."""
    a, b, c = line
    if abs(a) + abs(b) < 1e-12:
        return False  # the kernel is orthogonal to both directions: no line to draw
    if abs(b) > abs(a):
        s = np.array(limits[0])
        t = -(a * s + c) / b
    else:
        t = np.array(limits[1])
        s = -(b * t + c) / a
    panel.plot(s, t, color="black", linewidth=1.4)
    corners = [a * x + b * y + c for x in limits[0] for y in limits[1]]
    return bool(min(corners) <= 0 <= max(corners))


def _histogram(panel: Any, distances: Floats) -> None:
    low, high = (float(distances.min()), float(distances.max())) if len(distances) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = np.linspace(low, high, 61)
    for part, color in ((distances <= 0, NEGATIVE), (distances > 0, POSITIVE)):
        panel.hist(distances[part], bins=bins, color=color)
    panel.axvline(0, color="black", linewidth=1.4)
    panel.set_yscale("symlog")
    panel.set_xlabel("signed distance to the hyperplane", fontsize=8)
    panel.set_ylabel("patches", fontsize=8)
    share = float((distances > 0).mean()) if len(distances) else 0.0
    panel.set_title(f"ReLU keeps {share:.1%}", fontsize=9, loc="left")
    quiet(panel)


def _components(axes: Sequence[int], width: int) -> tuple[int, int]:
    try:
        first, second = (int(a) for a in axes)
    except (TypeError, ValueError):
        raise ParameterError(f"plot: axes {axes!r}; expected two numbers") from None
    if not (0 <= first < width and 0 <= second < width):
        raise ParameterError(f"plot: axes {tuple(axes)}; expected numbers from 0 to {width - 1}")
    return first, second


def _pair(a: float, b: float) -> str:
    return f"{a:.2g}, {b:.2g}"
