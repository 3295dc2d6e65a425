"""The activation of every node of a network, drawn by matplotlib with scales."""

import spel
from spel import plot
from spel.data import street


def picture():
    return plot.activations(spel.zoo.plate_lecture(), street(5, sign=True).image)
