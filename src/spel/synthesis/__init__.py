"""Images made from what layers know: the picture that explains an activation."""

from spel.synthesis.invert import invert
from spel.synthesis.inverted import invert_steps, inverted_sheet, likeness, shown

__all__ = ["invert", "invert_steps", "inverted_sheet", "likeness", "shown"]
