"""A script beside an ONNX file that turns its output into boxes, with NumPy alone."""

from __future__ import annotations

from spel.core.adjacency import Adjacency
from spel.decide.decision import RANGES, Decision
from spel.decide.detection import decision_of
from spel.nn.geometry import geometry
from spel.nn.network import Network

SCRIPT = '''"""Boxes from the output of an ONNX file that spel wrote; needs NumPy alone.

    boxes = runpy.run_path("NAME.boxes.py")["boxes"]
    (output,) = session.run(["output"], {{"image": photo[None]}})
    found, scores = boxes(output[0], photo.shape[:2])
"""

import numpy as np

THRESHOLD, SELECT, SIZE = {threshold!r}, {select!r}, {size!r}
SCALE, OFFSET = np.array({scale!r}), np.array({offset!r})  # from the output to the image
RANGES = {ranges!r}
STEPS = {steps!r}  # from a spel to its neighbours


def boxes(saliency, size):
    """Boxes x0 y0 (z0) x1 y1 (z1) in an image of this size, best first, and their scores."""
    values = np.asarray(saliency)
    if values.shape[len(size):] not in ((), (1,)):
        raise ValueError(f"a saliency of shape {{values.shape}}; expected the output of one image")
    values = values.reshape(values.shape[: len(size)])  # without the axis of its one channel
    level = number(values[np.isfinite(values)])
    numbers = components(values > level)
    found = []
    for one in np.unique(numbers[numbers >= 0]):
        spels = np.argwhere(numbers == one)
        ends = np.stack([spels.min(axis=0), spels.max(axis=0) + 1]) * SCALE + OFFSET
        low, high = np.clip(ends, 0, size)[:, ::-1]  # columns before rows
        sides = high - low
        if (sides <= 0).any():
            continue
        measured = dict(zip(("width", "height", "depth"), sides))
        measured["aspect"] = sides[0] / sides[1]
        measured["area"] = len(spels) * np.prod(SCALE)
        if all(a <= measured[name] <= b for name, (a, b) in RANGES.items()):
            score = values[tuple(spels.T)].max()
            found.append((np.concatenate([low, high]), score, measured["area"], sides))
    if SELECT != "all" and found:
        worth = dict(
            widest=lambda f: f[3][0],
            largest=lambda f: f[2],
            closest=lambda f: -np.abs(np.log(f[3] / np.array(SIZE))).sum(),
        )[SELECT]
        found = [max(found, key=worth)]
    found.sort(key=lambda f: -f[1])
    return np.array([f[0] for f in found]).reshape(-1, 2 * values.ndim), [f[1] for f in found]


def number(values):
    """The number that the threshold stands for."""
    if not isinstance(THRESHOLD, str):
        return THRESHOLD
    if not values.size:
        return np.inf
    if THRESHOLD != "otsu":
        return np.percentile(values, float(THRESHOLD[1:]))
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low
    if 1e-9 <= high - low <= 1e9:
        edges = np.linspace(values.min(), values.max(), 257, dtype=values.dtype)
        if (np.diff(edges) > 0).all():
            return otsu(values.astype(float), edges)
    places = (values.astype(float) - low) / (high - low)  # edges of the values would be equal
    return low + otsu(places, np.linspace(0, 1, 257)) * (high - low)


def otsu(values, edges):
    """The middle of the bin between these edges whose end separates the values best."""
    counts, centres = np.histogram(values, edges)[0].astype(float), (edges[1:] + edges[:-1]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    means = np.cumsum(counts * centres) / below
    rest = (np.cumsum((counts * centres)[::-1]) / above[::-1])[::-1]
    return centres[np.argmax(below[:-1] * above[1:] * (means[:-1] - rest[1:]) ** 2)]


def components(mask):
    """The same number, at least 0, on all spels of a component; -1 outside."""
    numbers = np.where(mask, np.arange(mask.size).reshape(mask.shape), -1)
    while True:
        before = numbers.copy()
        for step in STEPS:
            here = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(step, mask.shape))
            there = tuple(slice(max(s, 0), n - max(-s, 0)) for s, n in zip(step, mask.shape))
            for one, other in ((here, there), (there, here)):
                both = mask[one] & mask[other]
                larger = np.maximum(numbers[one], numbers[other])
                numbers[one] = np.where(both, larger, numbers[one])
        numbers = np.where(mask, numbers.ravel()[numbers], -1)  # the number of that number's spel
        if (numbers == before).all():
            return numbers
'''


def boxes_script(network: Network) -> str | None:
    """Python that makes boxes of a network's saliency as its decision does, with NumPy alone.

    Parameters
    ----------
    network : Network

    Returns
    -------
    str or None
        A script with a function ``boxes(saliency, size)`` of one image; None if the network slides
        windows.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> space = {}
    >>> exec(boxes_script(chain(Scale([1.0]))), space)
    >>> import numpy as np
    >>> space["boxes"](np.array([[0, 9, 9], [0, 0, 0]]), (2, 3))[0].tolist()
    [[1.0, 0.0, 3.0, 1.0]]
    """
    decision = decision_of(network)
    if not isinstance(decision, Decision):
        return None
    axes = network.ndim or 2
    place = geometry(network, axes=axes)
    near = decision.adjacency or Adjacency.box(3, ndim=axes)
    ranges = {name: getattr(decision, name) for name in RANGES}
    return SCRIPT.format(
        threshold=decision.threshold,
        select=decision.select,
        size=decision.size,
        scale=place.scale[-axes:],
        offset=place.offset[-axes:],
        ranges={name: limits for name, limits in ranges.items() if limits is not None},
        steps=[tuple(step) for step in near.without_centre().displacements.tolist()],
    )
