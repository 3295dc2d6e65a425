"""Rendered digits, and a network that tells them apart: layers first, then one perceptron a class.

The lecture ends with a convolutional network before a classifier. Here the convolution is given
(Sobel, four directions), and the classifier is fitted to rendered digits by least squares, so that
nothing need be shipped or trained when a lesson shows it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.data.canvas import Canvas
from spel.data.font import glyph
from spel.nn import Activation, Color, Convolution, MaxPool, Network, Softmax, chain
from spel.studio.banks import preset

SIDE = 28
CLASSES = 10
EXAMPLES = 40
"""Rendered digits of each class that the classifier is fitted to."""
RIDGE = 1.0
SHARPNESS = 6.0
"""By which the fitted scores, near 0 and 1, are multiplied before softmax."""

Image = npt.NDArray[np.uint8]


def digit(number: int, seed: int) -> Image:
    """A digit of 28 x 28 pixels, shifted, turned, larger or smaller, on a noisy ground.

    Examples
    --------
    >>> digit(7, seed=0).shape
    (28, 28, 1)
    """
    random = np.random.default_rng([seed, number])
    canvas = Canvas((SIDE, SIDE))
    middle = tuple(SIDE / 2 + random.uniform(-2.5, 2.5, 2))
    x, y = canvas.turn(middle, random.uniform(-12, 12))
    height = random.uniform(17, 22)
    width = height * random.uniform(0.6, 0.75)
    canvas.paint(glyph(str(number), x / width + 0.5, y / height + 0.5), (1, 1, 1))
    values = canvas.image[..., :1] * random.uniform(150, 230) + random.normal(
        15, 8, (SIDE, SIDE, 1)
    )
    return np.clip(values, 0, 255).astype(np.uint8)


@cache
def digits_network() -> Network:
    """Edges, ReLU, pooling, and for each class a perceptron over all that the pooling gives.

    Examples
    --------
    >>> network = digits_network()
    >>> int(network(digit(4, seed=10**6)).argmax())
    4
    """
    edges = chain(
        grey=Color("grey"),
        edges=Convolution(preset("sobel-four", 1)),
        relu=Activation("relu"),
        pool=MaxPool(Adjacency.box(5), stride=4),
    )
    numbers = np.repeat(np.arange(CLASSES), EXAMPLES)
    images = np.stack([digit(n, seed) for seed, n in enumerate(numbers.tolist())])
    features = edges(images)
    rows, cols, channels = features.shape[1:]
    flat = features.reshape(len(images), -1).astype(np.float64)
    weights, bias = least_squares(flat, np.eye(CLASSES)[numbers])
    window = Adjacency.box((rows, cols))
    kernels = weights.T.reshape(CLASSES, rows * cols, channels)
    bank = KernelBank(window, (SHARPNESS * kernels).astype(np.float32), SHARPNESS * bias)
    classes = chain(classes=Convolution(bank, border="valid"), shares=Softmax())
    return chain(**{n.name: n.layer for n in (*edges.nodes, *classes.nodes)})


def least_squares(
    features: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Weights and biases with the least squared error plus a penalty on the weights."""
    mean, centre = features.mean(axis=0), targets.mean(axis=0)
    centred = features - mean
    square = centred.T @ centred + RIDGE * np.eye(features.shape[1])
    weights = np.linalg.solve(square, centred.T @ (targets - centre))
    return weights, (centre - mean @ weights).astype(np.float32)
