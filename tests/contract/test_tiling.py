"""One adjacency drives all: a tile with the network's halo gives the bits of the whole."""

import numpy as np
from hypothesis import given, settings, strategies as st

from spel.testing import networks


@settings(max_examples=40, deadline=None)
@given(networks(channels=2), st.integers(0, 99), st.data())
def test_tiled_equals_whole(network, seed, data):
    field = network.footprints[network.output]
    image = np.random.default_rng(seed).normal(size=(37, 41, 2)).astype(np.float32)
    whole = network(image)
    first, last = [], []
    for n in whole.shape[:2]:
        a, b = sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))
        first.append(a)
        last.append(b)
    if any(a == b for a, b in zip(first, last)):
        return
    crop, inner = [], []
    for a, b, n, s, (before, after) in zip(first, last, image.shape, field.stride, network.halo):
        start = max(0, a * s - before) // s * s  # tiles start at multiples of the total stride
        end = min(n, (b - 1) * s + after + 1)
        crop.append(slice(start, end))
        inner.append(slice(a - start // s, b - start // s))
    tile = network(image[tuple(crop)])
    assert np.array_equal(tile[tuple(inner)], whole[first[0] : last[0], first[1] : last[1]])
