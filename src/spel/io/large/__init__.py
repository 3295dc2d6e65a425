"""Images that do not fit in memory: windows of tiled TIFF, OME-Zarr and NumPy files."""
