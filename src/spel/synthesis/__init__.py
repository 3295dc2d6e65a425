"""Images made from what layers know: activations inverted, pictures restored, textures grown."""

from spel.synthesis.degrade import Task, luma, resized
from spel.synthesis.guess import Guess, learn_guess
from spel.synthesis.invert import invert
from spel.synthesis.inverted import invert_steps, inverted_sheet, likeness, share_of_power, shown
from spel.synthesis.learn_restorer import learn_restorer
from spel.synthesis.quilt import Quilt, quilt
from spel.synthesis.reasons import Reason
from spel.synthesis.restorer import Restorer, load_restorer
from spel.synthesis.texture import texture, texture_differences

__all__ = [
    "Guess",
    "Quilt",
    "Reason",
    "Restorer",
    "Task",
    "invert",
    "invert_steps",
    "inverted_sheet",
    "learn_guess",
    "learn_restorer",
    "likeness",
    "load_restorer",
    "luma",
    "quilt",
    "resized",
    "share_of_power",
    "shown",
    "texture",
    "texture_differences",
]
