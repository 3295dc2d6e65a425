"""New figures without pyplot, and the colors of `spel.draw` as matplotlib's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.draw.shade import Kind, shade, table
from spel.errors import BackendMissingError

POSITIVE = "#c4560f"
"""Color of points on the positive side of a hyperplane."""

NEGATIVE = "#7d95b0"
"""Color of points on the negative side."""


def figure(width: float, height: float) -> Any:
    """A new figure, in inches.

    Raises
    ------
    BackendMissingError
        Without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackendMissingError(
            f'spel.plot needs matplotlib ({error}); install it with: pip install "spel[plot]"'
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def colors(kind: Kind, bad: Any = (1.0, 0.0, 0.8)) -> Any:
    """A color map of `spel.draw` for matplotlib; NaN is drawn in the color `bad`."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(table(kind) / 255).with_extremes(bad=bad)


def show(axes: Any, channel: npt.ArrayLike, kind: Kind | None = None, title: str = "") -> Any:
    """Draw one channel with its scale beside it; zero is the middle color of signed maps."""
    array = np.asarray(channel)
    shaded = shade(array, kind or "auto")
    high = shaded.high if shaded.high > shaded.low else shaded.low + 1.0
    drawn = axes.imshow(
        np.ma.masked_invalid(array.astype(np.float64)),
        cmap=colors(shaded.kind),
        vmin=shaded.low,
        vmax=high,
        interpolation="nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, loc="left")
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.02, 0.0, 0.035, 1.0)))
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    return drawn


def quiet(axes: Any) -> None:
    """Remove the lines above and at the right."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
