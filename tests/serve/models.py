"""Models whose answers are known by hand, and one that misbehaves as its image says."""

import os
import time

import numpy as np

from spel.decide.decision import Decision
from spel.decide.detection import with_decision
from spel.decide.segmentation import ObjectClass, Segmentation, with_segmentation
from spel.nn import Scale, chain


def detector():
    return with_decision(chain(same=Scale([1.0])), Decision(threshold=2.0))


def segmenter():
    return with_segmentation(chain(same=Scale([1.0])), Segmentation(threshold=2.0))


def classifier_of_pixels():
    """Labels 3 and 7: where the first channel is larger, and where the second is."""
    classes = (ObjectClass(3), ObjectClass(7))
    return with_segmentation(chain(same=Scale([1.0, 1.0])), Segmentation(classes=classes))


class Moody:
    """A classifier that does what the first spel of its image says."""

    classes_ = np.array(["calm", "other"])

    def predict(self, X):
        mood = int(np.asarray(X).ravel()[0])
        if mood == 1:
            time.sleep(1.0)
        if mood == 2:
            time.sleep(60.0)
        if mood == 3:
            np.ones(1 << 40, np.uint8)
        if mood == 4:
            os.abort()
        if mood == 5:
            raise RuntimeError("no such mood")
        return np.array(["calm"])


CALM, SLOW, HANGING, GREEDY, DYING, WRONG = range(6)
