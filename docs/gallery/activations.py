"""Every activation of a network, with axes and scales, by matplotlib."""

import spel
from spel import plot
from spel.data import street


def picture():
    return plot.activations(spel.zoo.plate_lecture(), street(5, sign=True).image)
