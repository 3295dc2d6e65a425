"""The compiled engine: it is loaded, its instruction set is chosen, and it is described."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from spel.kernels import _native  # type: ignore[attr-defined]
except ImportError as error:
    raise ImportError(
        f"spel's native engine is not built or does not load ({error}). Build it with "
        "`pip install .` in the source tree (needs a C++20 compiler), or set "
        "SPEL_KERNELS=reference to run on the slow NumPy kernels"
    ) from error

native = _native

_BUILDS = ("v2", "v3", "v4", "native")


def choose(wanted: str) -> None:
    """Force an instruction set by name; "" keeps the best one that the processor has."""
    if not wanted:
        return
    if wanted not in native.available():
        why = "this processor lacks it" if wanted in _BUILDS else f"expected one of {_BUILDS}"
        raise ImportError(
            f"SPEL_ISA={wanted}: {why}; available here: {', '.join(native.available())}. "
            "Unset it to let the engine choose"
        )
    native.use(wanted)


choose(os.environ.get("SPEL_ISA", ""))


def multiply_adds(count: int) -> int:
    """Do about `count` multiply-adds in registers on one core, and return how many were done."""
    return int(native.multiply_adds(count))


def native_info() -> dict[str, Any]:
    """Facts about the engine: instruction set in use, those available, compiler, file."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "isa": native.isa(),
        "available": native.available(),
        "compiler": native.compiler,
        "file": native.__file__,
        "processors": len(affinity(0)) if affinity else os.cpu_count(),
    }


def triples(displacements: npt.ArrayLike) -> list[tuple[int, ...]]:
    """Displacements as a list."""
    return [tuple(d) for d in np.asarray(displacements).tolist()]


def places(displacements: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Displacements in memory as the engine reads them; keep the array while the engine uses it."""
    return np.ascontiguousarray(displacements, dtype=np.int64).reshape(-1, 3)
