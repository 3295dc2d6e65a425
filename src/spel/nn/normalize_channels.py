"""Group and local response normalization as layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Scope, Shape, number, per_channel
from spel.nn.registry import register
from spel.ops.normalize_channels import check_groups, check_response


@register
@dataclass(frozen=True, eq=False)
class GroupNormalize(Layer):
    """Centre and scale groups of channels over one image, see `spel.ops.group_normalize`.

    Called alone, outside of a network, an array of four axes is a batch of images and not a volume.

    Parameters
    ----------
    groups : int
        Divides the number of channels.
    gamma, beta : float or (C,) array of float32
    epsilon : float
        Added to the variance, above 0.

    Examples
    --------
    >>> GroupNormalize(1, epsilon=1e-12)([[[1.0], [3.0]]]).ravel().round(3).tolist()
    [-1.0, 1.0]
    """

    kind: ClassVar[str] = "group_normalize.v1"
    subtracts: ClassVar[bool] = True

    groups: int = 1
    gamma: npt.NDArray[np.float32] | float = 1.0
    beta: npt.NDArray[np.float32] | float = 0.0
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("gamma", "beta"):
            value = getattr(self, name)
            if np.ndim(value) > 1:
                raise ShapeError(
                    f"GroupNormalize: {name} of shape {np.shape(value)}; expected (C,)"
                )
            checked = (
                per_channel(f"GroupNormalize: {name}", value) if np.ndim(value) else float(value)
            )
            object.__setattr__(self, name, checked)
        if not number("GroupNormalize: epsilon", self.epsilon) > 0:
            raise ParameterError(f"GroupNormalize: epsilon {self.epsilon}; expected above 0")
        if int(self.groups) != self.groups or self.groups < 1:
            raise ParameterError(f"GroupNormalize: groups {self.groups!r:.40}; expected 1 or more")

    @classmethod
    def default(cls, channels: int) -> GroupNormalize:
        return cls(1, np.ones(channels, dtype=np.float32), np.zeros(channels, dtype=np.float32))

    def __call__(self, image: npt.ArrayLike) -> Image:
        return self._normalized(image, 2)

    def of_image(self, *images: Image) -> Image:
        (image,) = images
        return self._normalized(image, image.ndim - 1)

    def _normalized(self, image: npt.ArrayLike, ndim: int) -> Image:
        return ops.group_normalize(
            image,
            self.groups,
            gamma=self.gamma,
            beta=self.beta,
            epsilon=self.epsilon,
            ndim=ndim,
        )

    def shape(self, shape: Shape) -> Shape:
        channels = shape[-1] if len(shape) > 2 else 1
        check_groups(self.groups, channels)
        for name in ("gamma", "beta"):
            if np.shape(getattr(self, name)) not in ((), (1,), (channels,)):
                raise ShapeError(
                    f"GroupNormalize: {np.size(getattr(self, name))} values of {name} for an image "
                    f"of {channels} channels; expected one per channel"
                )
        return shape

    @property
    def scope(self) -> Scope:
        return "image"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        size = images[0].shape[-1] // self.groups
        first = channel // size * size
        group = images[0][..., first : first + size].astype(np.float64)
        gamma, beta = (np.broadcast_to(v, images[0].shape[-1:]) for v in (self.gamma, self.beta))
        terms = {
            "input": images[0][(*at, channel)],
            "mean": group.mean(),
            "deviation": np.sqrt(group.var() + self.epsilon),
            "gamma": gamma[channel],
            "beta": beta[channel],
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class LocalResponseNormalize(Layer):
    """Divide by the channels around, see `spel.ops.local_response_normalize`.

    Parameters
    ----------
    size : int
        Odd number of channels.
    alpha, beta, k : float
        k is above 0, alpha at least 0.

    Examples
    --------
    >>> LocalResponseNormalize(1, alpha=1.0, beta=1.0)([[[0.0, 1.0]]]).tolist()
    [[[0.0, 0.5]]]
    """

    kind: ClassVar[str] = "local_response_normalize.v1"

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def __post_init__(self) -> None:
        check_response(self.size, self.alpha, self.beta, self.k)

    @classmethod
    def default(cls, channels: int) -> LocalResponseNormalize:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.local_response_normalize(
            image, self.size, alpha=self.alpha, beta=self.beta, k=self.k
        )

    def shape(self, shape: Shape) -> Shape:
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        half = self.size // 2
        around = images[0][at][max(0, channel - half) : channel + half + 1].astype(np.float64)
        squares = np.square(around).sum()
        terms = {
            "input": images[0][(*at, channel)],
            "sum of squares": squares,
            "divisor": (self.k + self.alpha / self.size * squares) ** self.beta,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))
