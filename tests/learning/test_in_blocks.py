"""Learning from images that are seen in blocks: the network is that of the whole, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.data import cells
from spel.errors import ParameterError
from spel.learning.segmenter import learn_segmenter
from spel.nn import Activation, Center, Color, MaxPool, Unlearned, chain
from spel.nn.blocks import InBlocks


class Windows:
    """An image that only gives windows, and how many pixels the largest had."""

    def __init__(self, image):
        self._image, self.shape, self.largest = image, image.shape, 0

    def __getitem__(self, window):
        part = self._image[window]
        self.largest = max(self.largest, part[..., 0].size)
        return part


def scene(kinds=1):
    """Cells, and a stroke on five of them and between them."""
    made = cells(5, size=(80, 100), count=7, radius=8, kinds=kinds, touching=0.2)
    points, labels = [], []
    for cell in range(1, 6):
        row, col = np.argwhere(made.labels == cell).mean(axis=0).astype(int)
        points += [(row, col + step) for step in (-1, 0, 1)]
        labels += [int(made.kinds[cell - 1]) + 1 if kinds > 1 else 1] * 3
    paper = np.argwhere(made.labels == 0)[::300]
    points += paper.tolist()
    labels += [0] * len(paper)
    image = (255 * made.image).astype(np.uint8)
    return image, spel.Markers(points, labels, image.shape[:2])


def network(*first, stride=1):
    box = spel.Adjacency.box(3)
    return chain(
        *first,
        Unlearned(box, kernels=4, per_stroke=1), Activation(), MaxPool(box, stride=stride),
        Unlearned(box, kernels=4, per_stroke=1), Activation(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "options", "first"),
    [
        (1, {}, (Color("labnorm2"),)),
        (1, {"select": "threshold", "sharp": False, "method": "points"}, ()),
        (2, {"select": "threshold"}, ()),
    ],
)
def test_a_segmenter_learned_in_blocks_is_that_of_the_whole(kinds, options, first):
    image, drawn = scene(kinds)
    net = network(*first, stride=2)
    whole = learn_segmenter(net, [image], [drawn], **options).network
    source = Windows(image)
    seen = learn_segmenter(net, [InBlocks(source, side=40)], [drawn], **options).network
    assert seen.fingerprint() == whole.fingerprint()
    assert seen.meta == whole.meta
    assert 0 < source.largest < image[..., 0].size


def test_a_stroke_costs_its_block_and_not_the_image():
    image = np.random.default_rng(0).random((200, 200, 1)).astype(np.float32)
    source = Windows(image)
    drawn = spel.Markers([(20, 20), (21, 20), (30, 30)], [1, 1, 0], (200, 200))
    net = spel.learn(network(), [InBlocks(source, side=50)], [drawn], white=1.0)
    assert net.fingerprint() == spel.learn(network(), [image], [drawn], white=1.0).fingerprint()
    assert source.largest < 32 * 32


def test_what_needs_all_of_an_image_is_refused_by_name():
    image, drawn = scene()
    seen = [InBlocks(Windows(image), side=40)]
    with pytest.raises(ParameterError, match="--not-all-marked"):
        learn_segmenter(network(), seen, [drawn], all_marked=True)
    with pytest.raises(spel.ShapeError, match="reads the whole image"):
        learn_segmenter(network(Center()), seen, [drawn])
