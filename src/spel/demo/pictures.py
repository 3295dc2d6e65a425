"""The demonstration's pictures: every step of the chain in one figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.draw import Tile

CLIP = 0.004
"""Share of the spels that may lie beyond the scale of a picture, so that the rest is seen."""

WORDS = {
    "grey": ("grey", "One channel in 0..1."),
    "edges": (
        "convolution",
        "Sobel [-1 0 1; -2 0 2; -1 0 1]: orange where dark turns to bright from left to right.",
    ),
    "positive": ("ReLU", "Keeps the positive side of the kernel's hyperplane."),
    "join": ("max-pooling", "Over 11 x 3 spels: the edges of characters join to a bar."),
    "plate.normalized": (
        "divisive normalization",
        "Over 25 x 5 spels: what stands alone is lifted, what stands among equals is not.",
    ),
    "plate.residue": (
        "residue",
        "ReLU(pooled - normalized), both scaled to a maximum of 1: the bar stays.",
    ),
}
_OTHERS = (196, 199, 204)


def steps(
    image: npt.NDArray[Any],
    activations: Mapping[str, npt.NDArray[Any]],
    candidates: Detections,
    found: Detections,
    *,
    title: str,
    truth: npt.ArrayLike | None = None,
    result: str = "",
) -> npt.NDArray[np.uint8]:
    """The image, every step, the components and the answer, in one sheet."""
    tiles = [Tile(image, "the image", " x ".join(map(str, image.shape)))]
    for name, array in activations.items():
        head, caption = WORDS.get(name, (name, ""))
        channel, grey = array[..., 0], name == "grey"
        picture = draw.shade(channel, "grey") if grey else draw.shade(channel, clip=CLIP)
        tiles.append(Tile(picture, f"{len(tiles)}  {head}", caption))
    tiles.append(
        Tile(
            components(candidates, found),
            f"{len(tiles)}  threshold, components, the widest",
            f"Above the 95th percentile: {len(candidates)} components; the widest is orange.",
        )
    )
    answer = draw.overlay(image, found, truth=truth, labels=[""] * len(found))
    tiles.append(Tile(answer, f"{len(tiles)}  the answer", result))
    return draw.sheet(
        tiles,
        title=title,
        footer="Blue is below zero, white zero, orange above; black is zero in the other pictures. "
        f"Up to {CLIP:.1%} of the spels of a picture lie beyond its scale.",
    )


def components(candidates: Detections, found: Detections) -> npt.NDArray[np.uint8]:
    """All components in grey on white, those that were chosen in orange."""
    if candidates.components is None or found.components is None:
        return np.full((*found.image_size, 3), 255, dtype=np.uint8)
    picture = np.full((*candidates.components.shape, 3), 255, dtype=np.uint8)
    picture[candidates.components > 0] = _OTHERS
    picture[found.components > 0] = draw.FOUND
    return picture
