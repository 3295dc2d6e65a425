"""A mask is never dropped without a word."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel import ops
from spel.core.masked import as_unmasked
from spel.decide import segment
from spel.errors import ParameterError

IMAGE = np.ma.masked_greater(np.arange(48, dtype=np.float32).reshape(4, 4, 3), 40)
NETWORK = spel.chain(
    spel.Convolution(spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0))
)


def test_of_plain_values():
    assert as_unmasked([[1, 2]]).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "call",
    [
        lambda image: ops.max_pool(image, spel.Adjacency.box(3)),
        lambda image: ops.activate(image, "relu"),
        lambda image: spel.Color("grey")(image),
        NETWORK,
        NETWORK.activations,
        lambda image: spel.detect(NETWORK, image),
        lambda image: segment(NETWORK, image),
        lambda image: spel.io.write("never.png", image),
    ],
)
def test_a_masked_image_is_refused_by_name(call):
    with pytest.raises(ParameterError, match="masked array"):
        call(IMAGE)
