"""The first run: the lecture's chain on a street whose plate is known, and on a real picture."""

from spel.demo.show import Demo, show

__all__ = ["Demo", "show"]
