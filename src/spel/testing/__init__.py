"""Public means of testing: Hypothesis strategies for images, adjacencies and networks."""

from spel.testing.strategies import adjacencies, banks, images, networks, windows

__all__ = ["adjacencies", "banks", "images", "networks", "windows"]
