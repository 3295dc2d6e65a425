"""The chain of the lecture on a rendered street: every step, and the box of the plate."""

from spel.data import street
from spel.demo.show import SEED, street_picture


def picture():
    return street_picture(street(SEED))
