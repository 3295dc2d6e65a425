"""Figures (matplotlib, extra ``plot``): activations, kernels, patches as points, adjacencies.

Every function returns a new `matplotlib.figure.Figure`, which belongs to no window and no global
state: save it with ``figure.savefig("name.png")``, or leave it as the last line of a notebook cell.
"""

from __future__ import annotations

from spel.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
