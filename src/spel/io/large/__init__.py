"""Images that do not fit in memory: windows of TIFF, OME-Zarr and NumPy files."""

from .image import LargeImage
from .ome_zarr import is_zarr

__all__ = ["LargeImage", "is_zarr"]
