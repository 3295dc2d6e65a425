"""spel: image analysis with neuronal layers over adjacency relations.

A spel is a space element: a pixel or a voxel. Values (adjacencies, kernel banks, layers, networks)
are immutable; what happens is a function from values to values. Names are loaded when first used.

>>> import spel
>>> net = spel.chain(
...     edges=spel.Convolution(spel.KernelBank.sobel("col")),
...     positive=spel.Activation("relu"),
... )
>>> net([[0, 0, 9, 9]])[..., 0].tolist()
[[0.0, 18.0, 18.0, 0.0]]
"""

from __future__ import annotations

from spel.lazy import attach

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
