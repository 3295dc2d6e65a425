"""
Every step of a network
=======================

``network.activations(image)`` gives the result of every node.
Here is each step of the lecture's plate network, with its scale.
"""

import spel
from spel import plot
from spel.data import street

# %%
picture = plot.activations(spel.zoo.plate_lecture(), street(5, sign=True).image)
picture
