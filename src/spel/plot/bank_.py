"""The kernels of a bank as pictures."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np

from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.plot.figure import colors, figure

MAX_NUMBERS = 49
"""Largest number of weights of a kernel that are written into its picture."""
LETTERS_PER_INCH = 13
"""Of the title."""


def bank(bank: KernelBank, *, kernels: int = 32, channels: int = 8) -> Any:
    """Draw the weights of a bank on one scale: blue below zero, white at zero, orange above.

    Parameters
    ----------
    bank : KernelBank
    kernels, channels : int
        Largest numbers drawn; the title states how many there are.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per kernel; with several channels a row per kernel and a column per channel.
        Cells outside the adjacency stay blank. Of a volume the middle plane is shown.

    Raises
    ------
    BackendMissingError
        Without matplotlib.
    ParameterError
        If a number is below 1.

    Examples
    --------
    >>> sheet = bank(KernelBank.sobel("col"))
    >>> sheet.axes[0].get_title(loc="left")
    'kernel 0'
    """
    if kernels < 1 or channels < 1:
        raise ParameterError(
            f"plot.bank: kernels {kernels!r}, channels {channels!r}; expected at least 1 of each"
        )
    dense, mask = bank.dense().astype(np.float64), bank.adjacency.mask()
    dense[:, ~mask] = np.nan
    if bank.adjacency.ndim == 3:
        dense = dense[:, dense.shape[1] // 2]
    shown = dense[:kernels, ..., :channels]
    several = shown.shape[-1] > 1
    columns = shown.shape[-1] if several else min(8, len(shown))
    rows = len(shown) if several else -(-len(shown) // columns)
    width = max(3.2, 1.5 * columns + 0.9)
    sheet = figure(width, 1.8 * rows + 0.8)
    grid = sheet.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    limit = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
    places = [(k, c) for k in range(len(shown)) for c in range(shown.shape[-1])]
    for axes, (k, c) in zip(grid.ravel(), places):
        drawn = _kernel(axes, shown[k, ..., c], limit)
        axes.set_title(_title(bank, k, c, several), fontsize=8, loc="left")
    bar = sheet.colorbar(drawn, ax=grid.ravel().tolist(), fraction=0.03, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    left = len(bank) - len(shown)
    more = f"; the first {len(shown)} of {len(bank)} kernels" if left else ""
    title = fill(f"{bank!r}{more}", int(LETTERS_PER_INCH * width))
    sheet.suptitle(title, fontsize=9, x=0.01, ha="left")
    return sheet


def _kernel(axes: Any, weights: Any, limit: float) -> Any:
    drawn = axes.imshow(
        np.ma.masked_invalid(weights),
        cmap=colors("signed", (1, 1, 1, 0)),
        vmin=-limit,
        vmax=limit,
        aspect="equal",
    )
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#cdd0d5")
    if weights.size <= MAX_NUMBERS:
        for (row, col), weight in np.ndenumerate(weights):
            if np.isfinite(weight):
                ink = "white" if abs(weight) > 0.62 * limit else "black"
                size = 7 if weights.size <= 9 else 5
                axes.text(
                    col, row, _short(weight), ha="center", va="center", fontsize=size, color=ink
                )
    return drawn


def _short(weight: float) -> str:
    """Two digits, without a leading zero."""
    text = f"{weight:.2g}" if abs(weight) >= 0.095 or weight == 0 else f"{weight:.2f}"
    return text.replace("0.", ".", 1) if abs(weight) < 1 and "." in text else text


def _title(bank: KernelBank, k: int, c: int, several: bool) -> str:
    first = f"kernel {k}" + (f", channel {c}" if several else "")
    facts = []
    if bank.bias[k] and c == 0:
        facts.append(f"bias {bank.bias[k]:.3g}")
    if bank.provenance and c == 0:
        facts.append(f"label {bank.provenance[k].label}")
    return "\n".join([first, ", ".join(facts)] if facts else [first])
