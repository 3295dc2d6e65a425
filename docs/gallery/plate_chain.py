"""
The lecture's plate detector
============================

The hand-made network of the lecture on a rendered street: every step, and the box of the plate.
"""

from PIL import Image

from spel.data import street
from spel.demo.show import SEED, street_picture

# %%
picture = Image.fromarray(street_picture(street(SEED)))
picture
