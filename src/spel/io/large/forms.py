"""The forms of images larger than memory: OME-TIFF and OME-Zarr, each a pyramid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .pyramid import write_pyramid
from .zarr_pyramid import require_zarr, write_zarr_pyramid

OME_TIFF, OME_ZARR = "ome-tiff", "ome-zarr"

ENDINGS = {OME_TIFF: "ome.tif", OME_ZARR: "ome.zarr"}
"""Ending of the file or folder of each form."""

WRITERS: dict[str, Callable[..., Any]] = {OME_TIFF: write_pyramid, OME_ZARR: write_zarr_pyramid}
"""The function that writes each form: its path, bands, shape and dtype."""


def require_form(form: str) -> None:
    """Raise BackendMissingError if a form needs a package that is not installed."""
    if form == OME_ZARR:
        require_zarr()
