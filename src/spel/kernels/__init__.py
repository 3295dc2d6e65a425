"""Loops on contiguous arrays; knows no spel type."""

from __future__ import annotations

from spel.kernels.reference import activate, convolve, divide_by_norm, extremum, label, mean_pool

__all__ = ["activate", "convolve", "divide_by_norm", "extremum", "label", "mean_pool"]
