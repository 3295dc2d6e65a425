"""The pictures of the demonstration: every step of the chain in one figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.draw import Tile

CLIP = 0.004
"""Share of the pixels that may lie beyond the scale of a picture."""

WORDS = {
    "grey": ("grey", "One channel in 0..1."),
    "edges": (
        "convolution",
        "Sobel [-1 0 1; -2 0 2; -1 0 1]: orange where dark turns to bright from left to right.",
    ),
    "positive": ("ReLU", "Keeps the positive side of the kernel's hyperplane."),
    "join": ("max-pooling", "Over 11 x 3 pixels: the edges of the characters merge into a bar."),
    "plate.normalized": (
        "divisive normalization",
        "Over 25 x 5 pixels: divides each value by the energy around it.",
    ),
    "plate.residue": (
        "residue",
        "ReLU(pooled - normalized), both scaled to a maximum of 1: the bar remains.",
    ),
}
_OTHER_COMPONENTS = (196, 199, 204)


def steps(
    image: npt.NDArray[Any],
    activations: Mapping[str, npt.NDArray[Any]],
    candidates: Detections,
    chosen: Detections,
    *,
    title: str,
    truth: npt.ArrayLike | None = None,
    result: str = "",
) -> npt.NDArray[np.uint8]:
    """The image, every step, the components and the detection, in one sheet."""
    tiles = [Tile(image, "the image", " x ".join(map(str, image.shape)))]
    for name, array in activations.items():
        head, caption = WORDS.get(name, (name, ""))
        channel, grey = array[..., 0], name == "grey"
        picture = draw.shade(channel, "grey") if grey else draw.shade(channel, clip=CLIP)
        tiles.append(Tile(picture, f"{len(tiles)}  {head}", caption))
    tiles.append(
        Tile(
            components(candidates, chosen),
            f"{len(tiles)}  threshold, components, the widest",
            f"Above the 95th percentile: {len(candidates)} components; the widest is orange.",
        )
    )
    boxes = draw.overlay(image, chosen, truth=truth, labels=[""] * len(chosen))
    tiles.append(Tile(boxes, f"{len(tiles)}  the detection", result))
    return draw.sheet(
        tiles,
        title=title,
        footer="Blue is below zero, white is zero, orange is above zero; in the other pictures "
        f"black is zero. Up to {CLIP:.1%} of the pixels of a picture lie beyond its scale.",
    )


def components(candidates: Detections, chosen: Detections) -> npt.NDArray[np.uint8]:
    """All components in grey on white, the chosen ones in orange."""
    if candidates.components is None or chosen.components is None:
        return np.full((*chosen.image_size, 3), 255, dtype=np.uint8)
    picture = np.full((*candidates.components.shape, 3), 255, dtype=np.uint8)
    picture[candidates.components > 0] = _OTHER_COMPONENTS
    picture[chosen.components > 0] = draw.DETECTION_COLOR
    return picture
