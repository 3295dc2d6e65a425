"""Provenance: the image, stroke and pixel that a learned kernel came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Provenance:
    """Where a learned kernel came from: label and number of the stroke, image and pixel.

    Attributes
    ----------
    label, marker : int
        Label of the stroke, and its number in the image, from 1.
    image : str
    at : (row, col) or (plane, row, col)
    """

    label: int
    marker: int
    image: str
    at: tuple[int, ...]
