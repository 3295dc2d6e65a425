"""The lecture's chain on a rendered street: every step, and the plate boxed."""

from spel.demo.show import SEED, street_picture
from spel.scene import street


def picture():
    return street_picture(street(SEED))
