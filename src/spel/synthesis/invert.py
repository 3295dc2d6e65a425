"""The picture that explains an activation: what a layer still knows of its image.

No network is trained for it and nothing is propagated back but the activation itself. What the
activation demands of the layers before it is least squares where a layer is linear (conjugate
gradients over the layer and its adjoint), and a projection where it is a ReLU or a maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.nn import Network
from spel.nn.layer import Image, Shape
from spel.nn.node import INPUT
from spel.ops.arrays import as_real
from spel.synthesis.constraints import demands
from spel.synthesis.least_squares import Filter, conjugate_gradients
from spel.synthesis.linearized import Linearized
from spel.synthesis.stages import is_local, is_rectified, stages

ENOUGH = 1e-6
"""Share of an activation's power that may remain wrong."""

SLOW = 0.9
"""Near a start, the search ends after a round that leaves this share of what was wrong."""

ITERATIONS = 8
"""Number of steps of conjugate gradients in each round."""

SMOOTH = 1e-5
"""Weight of the differences between neighbours, in units of the mean gain of the network."""

Bounds = tuple[float | None, float | None]


def invert(
    network: Network,
    activation: npt.ArrayLike,
    node: str | None = None,
    *,
    shape: Shape,
    bounds: tuple[float, float] | None = None,
    start: npt.ArrayLike | None = None,
    trust: float = 0.0,
    rounds: int = 5,
    on_round: Callable[[], object] = lambda: None,
) -> Image:
    """The image whose activation at a node is nearest to a wanted one.

    The input of a ReLU whose output is 0 may be any number up to 0, and the values that lost a
    maximum may be any number up to the winner. Signs and winners are those of the current image;
    with them fixed, each round solves a least-squares problem for a better image. Networks with
    several layers that mix spels are inverted layer by layer, from the last one, in each round.

    Parameters
    ----------
    network : Network
    activation : image
        The wanted activation of the node, for one image of `shape`.
    node : str, optional
        By default the last one.
    shape : tuple of int
        Shape of the image, with channels: (rows, cols, C) or (planes, rows, cols, C).
    bounds : (float, float), optional
        The darkest and brightest value of the image.
    start : image, optional
        The image from which the search starts, and which decides where the activation does not.
        By default it has the middle of the bounds everywhere, or 0. `learn_guess` gives better
        ones for images of a kind.
    trust : float
        Weight of the squared distance from the start, in units of the network's mean gain.
    rounds : int
        Largest number of rounds; the search ends earlier if all but a millionth of the
        activation's power is explained or, with `trust`, if a round gains little.
    on_round : function, optional
        Called after every round.

    Returns
    -------
    float32 image of `shape`

    Raises
    ------
    ShapeError, ParameterError
        If the activation, the start or an option does not fit.
    UnsupportedLayerError
        If a layer before the node has no adjoint.

    Notes
    -----
    A. Mahendran, A. Vedaldi, "Understanding deep image representations by inverting them", CVPR
    2015, ask the same question and answer it by gradient descent.

    Examples
    --------
    >>> from spel import Activation, Convolution, KernelBank, branch, chain
    >>> bank = KernelBank.from_array([[[1.0, 2.0]], [[-1.0, -2.0]]])
    >>> net = chain(Convolution(bank), Activation("relu"))  # both sides of one kernel
    >>> image = np.array([[[3.0], [-1.0], [4.0]]], dtype=np.float32)
    >>> invert(net, net(image), shape=image.shape).round(2).ravel().tolist()
    [3.0, -1.0, 4.0]
    """
    name = network.output if node is None else network.node(node).name
    part = network.upto(name)
    if rounds != int(rounds) or rounds < 1:
        raise ParameterError(f"invert: {rounds!r} rounds; expected an integer from 1")
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ParameterError(f"invert: bounds {bounds}; expected the lower one first")
    wanted = np.asarray(as_real("invert", activation), dtype=np.float32)
    axes = network.ndim or 2
    if len(shape) != axes + 1 or wanted.shape != tuple(part.shape(tuple(shape))):
        raise ShapeError(
            f"invert: an activation of shape {wanted.shape} for an image of {tuple(shape)}; "
            f"expected an image of {axes} axes and channels, whose activation {name!r} has it"
        )
    if not 0 <= trust < np.inf:
        raise ParameterError(f"invert: trust {trust!r}; expected a number from 0")
    if not np.isfinite(wanted).all():
        raise ParameterError("invert: the activation has NaN or infinite values; replace them")
    image = np.full(shape, 0 if bounds is None else sum(bounds) / 2, dtype=np.float32)
    if start is not None:
        image = np.asarray(start, dtype=np.float32)
        if image.shape != tuple(shape):
            raise ShapeError(f"invert: a start of shape {image.shape}; expected {tuple(shape)}")
    limits: Bounds = (None, None) if bounds is None else bounds
    parts = stages(part)
    if len(parts) == 1:
        return _nearest(part, wanted, image, limits, rounds, Nearness(trust=trust), on_round)
    near = replace(ESTIMATED, trust=trust)
    return _layer_by_layer(parts, wanted, image, limits, rounds, near, on_round)


def _layer_by_layer(
    parts: Sequence[Network],
    wanted: Image,
    image: Image,
    bounds: Bounds,
    rounds: int,
    near: Nearness,
    on_round: Callable[[], object],
) -> Image:
    """Rounds from the last stage to the first; each gives the wanted output of the one before.

    An activation between stages stays near the one that the current image has, so that it remains
    one that some image has.
    """
    start, best, least = image, image, np.inf
    filters: dict[str, Filter] = {}
    for number in range(rounds + 1):
        inputs = [image]
        for part in parts:
            inputs.append(part(inputs[-1]))
        wrong = _mean_square(inputs[-1] - wanted)
        stuck = near.trust > 0 and wrong > SLOW * least
        if number and wrong < least:  # the start explains nothing
            best, least = image, wrong
        if number == rounds or stuck or least <= ENOUGH * _mean_square(wanted):
            break
        goal = wanted
        for i in reversed(range(1, len(parts))):
            low = 0.0 if is_rectified(parts[i - 1]) else None
            goal = _nearest(parts[i], goal, inputs[i], (low, None), 1, INNER, filters=filters)
        steps = 4 if is_local(parts[0]) else 1
        image = _nearest(parts[0], goal, image, bounds, steps, near, start=start, filters=filters)
        on_round()
    return best


@dataclass(frozen=True)
class Nearness:
    """Preferences where an activation leaves the image open, in units of the network's mean gain.

    Attributes
    ----------
    smooth : float
        Weight of the squared differences between neighbours.
    pull : float
        Weight of the squared change of the image.
    bound : float
        Weight of a bound that the image exceeds, beside 1 for an equation. A bound that binds for
        one winner may not for the next, so it weighs less; and still less where the activation is
        itself an estimate, because then its zeros and its maxima are as well.
    trust : float
        Weight of the squared distance from the start.
    """

    smooth: float = SMOOTH
    pull: float = 1e-5
    bound: float = 1 / 2
    trust: float = 0.0


ESTIMATED = Nearness(bound=1 / 16)
"""Preferences for the image if the activation after it is an estimate."""

INNER = Nearness(pull=1.0, bound=1 / 16)
"""Preferences for activations between layers."""


def _nearest(
    network: Network,
    wanted: Image,
    image: Image,
    bounds: Bounds,
    rounds: int,
    near: Nearness,
    on_round: Callable[[], object] = lambda: None,
    start: Image | None = None,
    filters: dict[str, Filter] | None = None,
) -> Image:
    """The image whose output is nearest to a wanted one, over some rounds of least squares.

    The preconditioner of the first round serves the later ones, whose problems are nearly the
    same; `filters` keeps it, by the name of the output, for the rounds of a whole network.
    """
    start = image if start is None else start
    best, least = image, np.inf
    filters = {} if filters is None else filters
    for number in range(rounds + 1):
        images = {INPUT: image, **network.activations(image)}
        wrong = _mean_square(images[network.output] - wanted)
        stuck = near.trust > 0 and wrong > SLOW * least
        if number and wrong < least:
            best, least = image, wrong
        if number == rounds or stuck or least <= ENOUGH * _mean_square(wanted):
            break
        problem = _Problem(network, wanted, images, near)
        inverse = filters.get(network.output) or problem.filter()
        if not inverse.gain:
            break  # no demand depends on the image
        filters[network.output] = inverse
        image = image + problem.change(inverse, start)
        if bounds != (None, None):
            image = np.clip(image, *bounds)
        on_round()
    return best


class _Problem:
    """The least-squares problem for a change of the image, the network taken as linear there."""

    def __init__(
        self, network: Network, wanted: Image, images: dict[str, Image], near: Nearness
    ) -> None:
        self.images, self.near = images, near
        self.targets = demands(network, network.output, wanted, images, near.bound)
        self.linear = Linearized(network, images, list(self.targets))

    def normal(self, change: Image) -> Image:
        """The change through the network, weighted, and back."""
        ends = self.linear.push(change)
        weighted = {name: self.targets[name].weights * end for name, end in ends.items()}
        return self.linear.pull(weighted)

    def filter(self) -> Filter:
        """The preconditioner."""
        shape, zero_outside = self.images[INPUT].shape, self.linear.zero_outside
        smooth, pull = self.near.smooth, self.near.pull + self.near.trust
        reach = self.linear.reach
        return Filter(self.normal, shape, reach, smooth, pull, zero_outside=zero_outside)

    def change(self, inverse: Filter, start: Image) -> Image:
        """The change that meets the demands best."""
        smooth, trust = self.near.smooth * inverse.gain, self.near.trust * inverse.gain
        pull = self.near.pull * inverse.gain + trust
        image = self.images[INPUT]
        wrong = {
            name: part.weights * (part.values - self.images[name])
            for name, part in self.targets.items()
        }
        return conjugate_gradients(
            lambda change: self.normal(change) + smooth * _roughness(change) + pull * change,
            self.linear.pull(wrong) - smooth * _roughness(image) + trust * (start - image),
            inverse,
            iterations=ITERATIONS,
        )


def _roughness(image: Image) -> Image:
    """For each spel the sum of its differences from its neighbours along the axes."""
    out = np.zeros_like(image)
    for axis in range(image.ndim - 1):
        values, sums = np.moveaxis(image, axis, 0), np.moveaxis(out, axis, 0)
        difference = np.diff(values, axis=0)
        sums[:-1] -= difference
        sums[1:] += difference
    return out


def _mean_square(image: Image) -> float:
    return float(np.mean(np.square(image))) if image.size else 0.0
