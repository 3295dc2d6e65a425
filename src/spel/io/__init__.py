"""Files: images, markers, annotations and results, read with limits and written whole or not.

Public names are loaded when they are first used.
"""

from __future__ import annotations

from spel.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
