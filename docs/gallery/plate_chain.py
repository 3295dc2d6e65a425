"""The lecture's chain on a rendered street: every step, and the plate boxed."""

from spel.data import street
from spel.demo.show import SEED, street_picture


def picture():
    return street_picture(street(SEED))
