"""Pictures of activations and detections, drawn with Pillow alone.

Signed values get a diverging color map whose middle is zero; other values get one that begins at
black. Every picture states its scale. For figures with axes see `spel.plot` (matplotlib).
"""

from spel.draw.overlay import DETECTION_COLOR, TRUTH_COLOR, mark, overlay
from spel.draw.shade import Shaded, as_rgb, shade
from spel.draw.sheet import Tile, sheet

__all__ = [
    "DETECTION_COLOR",
    "TRUTH_COLOR",
    "Shaded",
    "Tile",
    "as_rgb",
    "mark",
    "overlay",
    "shade",
    "sheet",
]
