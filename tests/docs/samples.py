"""The files that the pages speak of, made small: photos, strokes, a pyramid, a video, networks."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt

import spel
from spel.data import street
from spel.io.annotation.markers import write_markers

Picture = npt.NDArray[np.uint8]


def egg(seed: int) -> tuple[Picture, spel.Markers]:
    """A field with an orange disk, with a stroke on the disk and one beside it."""
    random = np.random.default_rng(seed)
    row, col = (int(n) for n in random.integers(25, 55, 2))
    image = random.normal((90, 110, 180), 6, (80, 90, 3))
    rows, cols = np.mgrid[:80, :90]
    disk = (rows - row) ** 2 + (cols - col) ** 2 <= 81
    image[disk] = random.normal((200, 140, 60), 6, (int(disk.sum()), 3))
    inside = [(row + i, col + j) for i in (0, 1) for j in range(-5, 6)]
    beside = [((row + 20) % 70, 5 + j) for j in range(20)]
    labels = [1] * len(inside) + [0] * len(beside)
    return image.clip(0, 255).astype(np.uint8), spel.Markers(inside + beside, labels, (80, 90))


def make(folder: Path) -> None:
    """Write every file that a page names into a folder."""
    photo = street(seed=3).image
    for name in ("photo.jpg", "car.jpg", "upload.png"):
        spel.write(folder / name, photo)
    for part in ("images", "markers"):
        (folder / part).mkdir()
    for seed in (1, 2):
        image, markers = egg(seed)
        spel.write(folder / "images" / f"egg{seed}.png", image)
        write_markers(folder / "markers" / f"egg{seed}.json", markers)
    spel.write(folder / "new.png", egg(3)[0])
    pyramid(folder / "scan.ome.tif")
    if importlib.util.find_spec("av"):
        from spel.io.video import write_video

        images = [street(seed=seed).image for seed in (3, 4, 5)]
        size = images[0].shape[:2]
        write_video(folder / "gate.mp4", [(image, 1) for image in images], size=size, rate=1.0)


def pyramid(path: Path) -> None:
    """A tiled TIFF of two levels."""
    import tifffile

    image = np.random.default_rng(0).integers(0, 4, (5120, 9216, 3), dtype=np.uint8)
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(image, subifds=1, **options)
        writer.write(image[::2, ::2], subfiletype=1, **options)
