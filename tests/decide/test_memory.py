"""What a segmentation keeps of a network's activations."""

from __future__ import annotations

import tracemalloc

import numpy as np

from spel import Adjacency, KernelBank
from spel.decide import Segmentation, segment
from spel.nn import Convolution, chain


def test_a_segmentation_keeps_no_activation_that_it_does_not_read():
    box = Adjacency.box(3)
    wide = Convolution(KernelBank(box, np.full((64, 9, 1), 1 / 9)))
    narrow = Convolution(KernelBank(box, np.full((1, 9, 64), 1 / 576)))
    image = np.ones((200, 200, 1), np.float32)
    tracemalloc.start()
    segment(chain(wide, narrow), image, Segmentation(threshold=0.5))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * image.nbytes  # the wide activation takes 64 times the image
