"""Figures (matplotlib, extra ``plot``): activations, kernels, patches as points, adjacencies.

Every function returns a new `matplotlib.figure.Figure`, which belongs to no window and no global
state: save it with ``figure.savefig("name.png")``, or leave it as the last line of a notebook cell.
"""

from spel.plot.activations_ import activations
from spel.plot.adjacency_ import adjacency
from spel.plot.bank_ import bank
from spel.plot.cloud_ import batch_normalization, patch_cloud

__all__ = ["activations", "adjacency", "bank", "batch_normalization", "patch_cloud"]
