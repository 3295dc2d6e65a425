"""Pictures of activations and detections, drawn with Pillow alone.

Signed values get a diverging map whose middle is zero, other values a map from black; every picture
states its scale. For figures with axes see `spel.plot` (matplotlib).
"""

from spel.draw.overlay import FOUND, TRUTH, mark, overlay
from spel.draw.shade import Shaded, as_rgb, shade
from spel.draw.sheet import Tile, sheet

__all__ = ["FOUND", "TRUTH", "Shaded", "Tile", "as_rgb", "mark", "overlay", "shade", "sheet"]
