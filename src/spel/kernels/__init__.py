"""Loops on contiguous arrays, without any type of spel.

The kernels are the native ones, or the reference if the environment has SPEL_KERNELS=reference.
"""

from __future__ import annotations

import os
from typing import Any

_CHOICES = ("native", "reference")
choice = os.environ.get("SPEL_KERNELS") or "native"

if choice == "native":
    from spel.kernels.engine import multiply_adds, native_info
    from spel.kernels.native import (
        activate,
        argmax,
        convolve,
        divide_by_norm,
        extremum,
        flood,
        gather,
        histogram,
        histogram_in_bins,
        label,
        mean_pool,
        pad,
        recolor,
        residue,
        resize,
        resize_part,
        rotate,
        softmax,
        transpose,
        upsample,
    )
    from spel.kernels.native_patches import add_groups, add_turned, gather_turned
    from spel.kernels.stream import Program

    new_program: Any = Program
elif choice == "reference":
    from spel.kernels.reference import (
        activate,
        argmax,
        convolve,
        divide_by_norm,
        extremum,
        gather,
        histogram,
        histogram_in_bins,
        label,
        mean_pool,
        pad,
        residue,
        resize,
        resize_part,
        rotate,
        softmax,
        transpose,
        upsample,
    )
    from spel.kernels.reference_color import recolor
    from spel.kernels.reference_flood import flood
    from spel.kernels.reference_groups import add_groups
    from spel.kernels.reference_turns import add_turned, gather_turned

    def multiply_adds(count: int) -> int:
        """Fail: without the engine there is no speed to measure."""
        raise ImportError("the reference kernels have no engine to measure")

    def _no_program() -> Any:
        """Fail: without the engine nothing is streamed."""
        raise ImportError("the reference kernels have no programs")

    new_program = _no_program

    def native_info() -> dict[str, Any]:
        """Say that the engine is not in use."""
        return {"isa": "reference (NumPy)", "available": [], "compiler": None, "file": None}

else:
    raise ImportError(f"SPEL_KERNELS={choice}: expected one of {', '.join(_CHOICES)}")

__all__ = [
    "activate",
    "add_groups",
    "add_turned",
    "argmax",
    "choice",
    "convolve",
    "divide_by_norm",
    "extremum",
    "flood",
    "gather",
    "gather_turned",
    "histogram",
    "histogram_in_bins",
    "label",
    "mean_pool",
    "multiply_adds",
    "native_info",
    "new_program",
    "pad",
    "recolor",
    "residue",
    "resize",
    "resize_part",
    "rotate",
    "softmax",
    "transpose",
    "upsample",
]
