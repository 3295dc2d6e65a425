"""Loops on contiguous arrays; knows no spel type.

The table of kernels: native, or the reference when the environment says SPEL_KERNELS=reference.
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
        histogram,
        label,
        mean_pool,
        pad,
        residue,
        resize,
        softmax,
        transpose,
        upsample,
    )
    from spel.kernels.stream import Program

    new_program: Any = Program
elif choice == "reference":
    from spel.kernels.reference import (
        activate,
        argmax,
        convolve,
        divide_by_norm,
        extremum,
        flood,
        histogram,
        label,
        mean_pool,
        pad,
        residue,
        resize,
        softmax,
        transpose,
        upsample,
    )

    def multiply_adds(count: int) -> int:
        """Nothing is streamed without the engine, so that its speed is not measured."""
        raise ImportError("the reference kernels have no engine to measure")

    def _no_program() -> Any:
        """Nothing is streamed without the engine."""
        raise ImportError("the reference kernels have no programs")

    new_program = _no_program

    def native_info() -> dict[str, Any]:
        """The engine is not in use."""
        return {"isa": "reference (NumPy)", "available": [], "compiler": None, "file": None}

else:
    raise ImportError(f"SPEL_KERNELS={choice}: expected one of {', '.join(_CHOICES)}")

__all__ = [
    "activate",
    "argmax",
    "choice",
    "convolve",
    "divide_by_norm",
    "extremum",
    "flood",
    "histogram",
    "label",
    "mean_pool",
    "multiply_adds",
    "native_info",
    "new_program",
    "pad",
    "residue",
    "resize",
    "softmax",
    "transpose",
    "upsample",
]
