"""Activation functions: the last step of a perceptron, after its weighted sum."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.kernels.memory import empty
from spel.ops.arrays import Image, Out, as_real, check_out

Kind = Literal[
    "relu",
    "leaky_relu",
    "elu",
    "sigmoid",
    "tanh",
    "gelu",
    "softplus",
    "hard_sigmoid",
    "identity",
    "abs",
    "square",
    "silu",
    "hard_swish",
]

KINDS: tuple[str, ...] = get_args(Kind)
"""Names of all activation functions."""

PARAMETERS = {"leaky_relu": 0.01, "elu": 1.0}
"""Kinds that take a parameter, and its default: the slope, and alpha."""


def activate(
    image: npt.ArrayLike,
    kind: Kind = "relu",
    *,
    parameter: float | None = None,
    out: Out | None = None,
) -> Image:
    """Apply an activation function to every value.

    ``R_k(p) = phi(J_k(p))``; relu is ``max(0, x)``, leaky_relu ``x`` or ``slope x``, elu ``x`` or
    ``alpha (e^x - 1)``, sigmoid ``1 / (1 + e^-x)``, gelu ``x Phi(x)``, softplus ``log(1 + e^x)``,
    hard_sigmoid ``min(1, max(0, x / 6 + 1 / 2))``, silu ``x sigmoid(x)``, hard_swish
    ``x hard_sigmoid(x)``, and tanh, identity, abs, square.

    Parameters
    ----------
    image : array of any shape and real dtype
    kind : str
        One of `spel.ops.activate.KINDS`.
    parameter : float, optional
        Slope of leaky_relu (0.01) or alpha of elu (1); no other kind takes one.
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape. NaN stays NaN.

    Raises
    ------
    ParameterError
        For an unknown kind, or a parameter that the kind does not take.

    Notes
    -----
    Lecture, "Activation".

    Examples
    --------
    >>> activate([[6, 1, 7, -9], [9, 8, -2, -17]]).tolist()
    [[6.0, 1.0, 7.0, 0.0], [9.0, 8.0, 0.0, 0.0]]
    """
    value = checked_parameter(kind, parameter)
    array = as_real("activate", image)
    if array.ndim > 5:
        raise ShapeError(
            f"activate: image of shape {array.shape} has {array.ndim} axes; expected at most 5 "
            "(a batch of volumes with channels)"
        )
    if out is not None:
        check_out("activate", out, array.shape, array, rounded=True)
    # Pointwise, so axes have no meaning: the kernel gets them in the order of the memory.
    strides = array.strides if out is None else out.strides
    order = sorted(range(array.ndim), key=lambda axis: -abs(strides[axis]))
    plain = array.transpose(order)
    memory = empty(plain.shape) if out is None else out.transpose(order)
    lead = (None,) * (5 - array.ndim)
    kernels.activate(plain[lead], kind, value, out=memory[lead], threads=thread_count())
    back = sorted(range(array.ndim), key=order.__getitem__)
    return memory.transpose(back) if out is None else out


def checked_parameter(kind: str, parameter: float | None) -> float:
    """The parameter for the kernel, or an error that lists the choices."""
    if kind not in KINDS:
        raise ParameterError(f"activate: kind {kind!r}; expected one of {', '.join(KINDS)}")
    if parameter is None:
        return PARAMETERS.get(kind, 0.0)
    if kind not in PARAMETERS:
        raise ParameterError(f"activate: {kind} takes no parameter; leave out {parameter!r}")
    if not abs(parameter) <= float(np.finfo(np.float32).max):
        raise ParameterError(f"activate: parameter {parameter!r}; expected a finite number")
    return float(parameter)
