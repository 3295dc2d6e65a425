"""Images as the page shows them: with the numbers of their files, whatever their type."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.draw import as_rgb
from spel.errors import ParameterError
from spel.studio.images import Loaded
from spel.studio.reduction import needed_factor, reduce_image
from spel.studio.session import Session
from spel.studio.views.packing import Json, Packed, packed

MAX_WINDOW = 4_000_000
MAX_PLANES = 24
SENT_TYPES = ("uint8", "uint16", "int32", "float32", "float64")

Array = npt.NDArray[Any]


def image_view(session: Session, image: str, channel: int | None = None) -> Packed:
    """An image, or a large one at a part of its size.

    Parameters
    ----------
    channel : int, optional
        The channel that is shown; by default the colors, or the first channel of other images.

    Returns
    -------
    header
        ``low`` and ``high`` are what black and white stand for, unless the user chooses others.
    values (rows, cols, 1 or 3)
        In the type of the file where JavaScript has it.
    """
    loaded = session.load(image)
    factor = needed_factor(loaded.size)
    values = _shown_channels(loaded, channel)
    if factor > 1:
        small = reduce_image(values, factor)
        values = np.round(small).astype(values.dtype) if values.dtype.kind in "iu" else small
    low, high = limits_of(values)
    header = {**_facts(loaded), "reduced": factor, "channel": channel, "low": low, "high": high}
    return packed(header, _sent(values))


def _facts(loaded: Loaded) -> Json:
    return {
        "id": loaded.id,
        "name": loaded.name,
        "rows": loaded.size[0],
        "cols": loaded.size[1],
        "channels": loaded.values.shape[-1],
        "dtype": str(loaded.values.dtype),
        "white": loaded.white,
        "stack": loaded.stack,
        "cut": loaded.cut,
        "digest": loaded.digest,
    }


def _shown_channels(loaded: Loaded, channel: int | None) -> Array:
    channels = loaded.values.shape[-1]
    if channel is None:
        return loaded.values[..., :3] if channels in (3, 4) else loaded.values[..., :1]
    if not 0 <= channel < channels:
        raise ParameterError(f"channel {channel}; the image has {channels} channels")
    return loaded.values[..., channel : channel + 1]


def limits_of(values: Array) -> tuple[float, float]:
    """What black and white stand for: the range of 8 bits, else the finite extremes."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    if values.dtype == np.bool_:
        return 0.0, 1.0
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _sent(values: Array) -> Array:
    """The values in a type that JavaScript has."""
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    name = values.dtype.newbyteorder("=").name
    if name in SENT_TYPES:
        return np.ascontiguousarray(values)
    return values.astype(np.float32 if name in ("int8", "int16", "float16") else np.float64)


def window_view(session: Session, image: str, corner: tuple[int, int], size: int) -> Packed:
    """The numbers of the file around a place: every channel, nothing reduced.

    Parameters
    ----------
    corner : (row, col)
    size : int
        Rows and columns; less at the edges of the image.
    """
    loaded = session.load(image)
    row, col = (min(max(0, c), n - 1) for c, n in zip(corner, loaded.size, strict=True))
    if size < 1 or size**2 * loaded.values.shape[-1] > MAX_WINDOW:
        raise ParameterError(f"a window of {size} x {size} pixels is too large")
    window = loaded.values[row : row + size, col : col + size]
    return packed({"row": row, "col": col}, _sent(window))


def planes_view(session: Session, image: str, axis: int, side: int = 72) -> Packed:
    """Small pictures of planes of a stack, evenly spaced along an axis, all in one scale.

    Returns
    -------
    header
        ``places`` along the axis.
    pictures (n, rows, cols, 3)
    """
    stack = session.load(image).stack
    if stack is None or not 0 <= axis <= 2:
        raise ParameterError(f"{session.load(image).name}: it has no planes along axis {axis}")
    source = session.images.source(image).id
    count = min(stack[axis], MAX_PLANES)
    places = sorted({round(i) for i in np.linspace(0, stack[axis] - 1, count).tolist()})
    planes = [session.load(f"{source}@{axis}.{place}").values for place in places]
    step = max(1, -(-max(planes[0].shape[:2]) // side))
    pictures = as_rgb(np.concatenate([plane[::step, ::step] for plane in planes]))
    rows = len(pictures) // len(places)
    small = pictures.reshape(len(places), rows, *pictures.shape[1:])
    return packed({"places": places}, np.ascontiguousarray(small))
