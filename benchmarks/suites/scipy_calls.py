"""Every call that SciPy's own tests of `scipy.ndimage` make, repeated with spel's operators.

`scipy.ndimage`'s tests run unchanged, in a process of their own; its filters are wrapped, so that
each call that spel can express is compared with the result that SciPy's test looks at.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import spel
from benchmarks.suites.count import Count
from spel import Adjacency, KernelBank, ops

Array = np.ndarray[Any, Any]
BORDERS = {  # SciPy's modes in the words of numpy.pad
    "constant": "constant",
    "nearest": "edge",
    "mirror": "reflect",
    "reflect": "symmetric",
    "wrap": "wrap",
    "grid-mirror": "symmetric",
    "grid-wrap": "wrap",
    "grid-constant": "constant",
}
FILTERS = ("correlate", "convolve", "maximum_filter", "minimum_filter", "uniform_filter", "label")
TESTS = ("test_filters", "test_morphology", "test_measurements")
REPORT = "SPEL_SCIPY_REPORT"


class NotOurs(Exception):
    """The call asks for something that spel's operators do not have."""


def plain(array: Any) -> Array:
    """The input as an image of one channel, or a refusal to compare."""
    if not isinstance(array, (np.ndarray, list)):
        raise NotOurs("another array library")
    image = np.asarray(array)
    if image.dtype.kind not in "buif" or image.ndim not in (1, 2, 3) or not image.size:
        raise NotOurs("complex, empty, or of other axes")
    return image


def slide(
    operator: Callable[[Array, Adjacency], Array],
    image: Array,
    displacements: Array,
    mode: Any,
    cval: float,
) -> Array:
    """Call an operator over the valid windows of an image with SciPy's border around it."""
    if not isinstance(mode, str) or mode not in BORDERS:
        raise NotOurs(f"mode {mode}")
    low, high = displacements.min(axis=0), displacements.max(axis=0)
    reach = [(max(0, -first), max(0, last)) for first, last in zip(low, high, strict=True)]
    fill = {"constant_values": cval} if BORDERS[mode] == "constant" else {}
    if not np.isfinite(cval) or (fill and image.dtype.kind in "bu" and cval < 0):
        raise NotOurs("a border that the type of the image cannot hold")
    padded = np.pad(image, reach, mode=BORDERS[mode], **fill)  # type: ignore[call-overload]
    if image.ndim == 1:
        padded = padded[None]
        displacements = np.pad(displacements, ((0, 0), (1, 0)))
    result = operator(padded, Adjacency.from_displacements(displacements))
    return result[0] if image.ndim == 1 else result


def offsets(mask: Array, origin: Any) -> tuple[Array, Array]:
    """Where the true places of a footprint stand, seen from its centre."""
    shift = np.broadcast_to(np.asarray(origin), (mask.ndim,))
    places = np.argwhere(mask)
    return places, places - [n // 2 for n in mask.shape] - shift


def correlate(
    input: Any, weights: Any, output: Any = None, mode: Any = "reflect", cval: float = 0.0,
    origin: Any = 0, *, axes: Any = None, flip: bool = False,
) -> Array:  # fmt: skip
    """The call as a bank of one kernel."""
    image = plain(input)
    weights = np.asarray(weights)
    if axes is not None or weights.ndim != image.ndim or weights.dtype.kind not in "buif":
        raise NotOurs("some axes only")
    if flip:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
        even = 1 - np.asarray(weights.shape) % 2
        origin = -np.broadcast_to(np.asarray(origin), (weights.ndim,)) - even
    places, displacements = offsets(np.ones(weights.shape, dtype=bool), origin)
    values = weights[tuple(places.T)].reshape(1, -1, 1)

    def convolve(padded: Array, adjacency: Adjacency) -> Array:
        return ops.convolve(padded, KernelBank(adjacency, values, [0.0]), border="valid")[..., 0]

    return slide(convolve, image, displacements, mode, cval)


def pooled(
    input: Any, size: Any = None, footprint: Any = None, output: Any = None,
    mode: Any = "reflect", cval: float = 0.0, origin: Any = 0, *, axes: Any = None,
    operator: Callable[..., Array] = ops.max_pool,
) -> Array:  # fmt: skip
    """A maximum, minimum or mean over a box or a footprint."""
    image = plain(input)
    if axes is not None:
        raise NotOurs("some axes only")
    if footprint is not None:
        mask = np.asarray(footprint, dtype=bool)
    elif size is not None:
        mask = np.ones(np.broadcast_to(size, (image.ndim,)), dtype=bool)
    else:
        raise NotOurs("neither a size nor a footprint")
    if mask.ndim != image.ndim or not mask.any():
        raise NotOurs("a footprint of other axes")
    _, displacements = offsets(mask, origin)
    call = functools.partial(operator, border="valid")
    return slide(call, image, displacements, mode, cval)


def uniform(
    input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect", cval: float = 0.0,
    origin: Any = 0, *, axes: Any = None,
) -> Array:  # fmt: skip
    """A mean over a box."""
    return pooled(input, size, None, output, mode, cval, origin, axes=axes, operator=ops.mean_pool)


def components(input: Any, structure: Any = None, output: Any = None) -> Array:
    """Labels of connected components, in order of their first spel."""
    image = plain(input)
    if image.ndim == 1:
        raise NotOurs("a line")
    mask = np.asarray(structure, dtype=bool) if structure is not None else None
    if mask is None:
        adjacency = Adjacency.cross(1, ndim=image.ndim)
    elif mask.ndim == image.ndim:
        adjacency = Adjacency.from_displacements(offsets(mask, 0)[1])
    else:
        raise NotOurs("a structure of other axes")
    return ops.label(image != 0, adjacency)


OURS: dict[str, Callable[..., Array]] = {
    "correlate": correlate,
    "convolve": functools.partial(correlate, flip=True),
    "maximum_filter": pooled,
    "minimum_filter": functools.partial(pooled, operator=ops.min_pool),
    "uniform_filter": uniform,
    "label": components,
}


def outcome(result: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Array:
    """The array that SciPy computed: returned, or written to the output that was given."""
    position = 2 if len(args) > 2 else None
    candidates = (result, options.get("output"), args[position] if position else None)
    for candidate in candidates:
        array = candidate[0] if isinstance(candidate, tuple) else candidate
        if isinstance(array, np.ndarray) and array.dtype.kind in "fiu":
            return array
    raise NotOurs("no array of real numbers")


def whole(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether a result in integers is exact, so that nothing was rounded or cut."""
    if name in ("maximum_filter", "minimum_filter"):
        return True
    if name == "uniform_filter" or options.get("output") is not None or len(args) > 2:
        return False
    arrays = [np.asarray(a) for a in args[:2]]
    return all(a.dtype.kind in "iu" and np.abs(a).max(initial=0) < 128 for a in arrays)


def compared(name: str, original: Callable[..., Any], total: Count) -> Callable[..., Any]:
    """SciPy's function, which also compares its result with spel's."""

    @functools.wraps(original)
    def wrapper(*args: Any, **options: Any) -> Any:
        given = np.array(args[0]) if args and isinstance(args[0], np.ndarray) else None
        result = original(*args, **options)
        try:
            expected = outcome(result, args, options)
            if name != "label" and expected.dtype.kind in "iu" and not whole(name, args, options):
                raise NotOurs("rounded to integers")
            first = given if given is not None else args[0]
            ours = OURS[name](first, *args[1:], **options)
        except (NotOurs, TypeError):
            total.other += 1
        except spel.SpelError:
            total.refused += 1
        else:
            scale = float(np.abs(expected).max(initial=1.0))
            total.compare(name, ours, expected, rtol=1e-5, atol=1e-5 * scale)
        return result

    return wrapper


def pytest_collection_finish(session: Any) -> None:
    """Wrap the filters once SciPy's tests are collected, which look some of them up by identity."""
    from scipy import ndimage

    session.config.spel_count = Count("scipy")
    for name in FILTERS:
        setattr(ndimage, name, compared(name, getattr(ndimage, name), session.config.spel_count))


def pytest_unconfigure(config: Any) -> None:
    """Hand the counts to the process that asked."""
    Path(os.environ[REPORT]).write_text(json.dumps(vars(config.spel_count)))


def count() -> Count:
    """Run SciPy's tests in a process of their own, and return what was counted."""
    import scipy

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "counts.json"
        modules = [f"scipy.ndimage.tests.{name}" for name in TESTS]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.suites.scipy_calls",
             "-p", "no:cacheprovider", "-c", os.devnull, "--pyargs", *modules],
            env={**os.environ, REPORT: str(report), "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        counts = json.loads(report.read_text())
    return Count(**{**counts, "suite": f"SciPy {scipy.__version__} ndimage tests, calls"})
