"""Adjacencies, banks, markers and detections as notebooks show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.markup import PALETTE, block, captioned, grid, note, raster, row, swatch, table

if TYPE_CHECKING:
    from spel.core.adjacency import Adjacency
    from spel.core.bank import KernelBank
    from spel.core.detections import Detections
    from spel.core.markers import Markers

MOST_CELLS = 1500
"""Weights that the pictures of a bank show together."""
MOST_CHANNELS = 3
MOST_SIDE = 25
"""Rows and columns of a kernel that are shown."""
MOST_ROWS = 12
MOST_BOXES = 300
MOST_PLANES = 9
WIDE = 260
"""Pixels of a picture of spels, at most."""

Place = tuple[int, int]


def adjacency_html(adjacency: Adjacency) -> str:
    """The neighbours of a spel, with the spel itself as a circle; a volume plane by plane."""
    low = [min(0, first) for first, _ in adjacency.reach]
    high = [max(0, last) for _, last in adjacency.reach]
    size = (high[-2] - low[-2] + 1, high[-1] - low[-1] + 1)
    origin = (-low[-2], -low[-1])
    scale = min(14.0, WIDE / max(size))
    moved = adjacency.displacements - np.array(low)
    planes = np.unique(moved[:, 0]) if adjacency.ndim == 3 else np.array([0])
    pictures = []
    for plane in planes[:MOST_PLANES].tolist():
        flat = moved[moved[:, 0] == plane][:, 1:] if adjacency.ndim == 3 else moved
        here = plane + low[0] if adjacency.ndim == 3 else 0
        circle = "" if here else _circle(origin, scale)
        picture = _spels(flat, [PALETTE[0]] * len(flat), size, scale, circle)
        pictures.append(captioned(picture, f"plane {here:+d}") if adjacency.ndim == 3 else picture)
    shown = repr(adjacency)
    title = shown if len(shown) <= 90 else f"{shown[:87]}..."
    extent = " x ".join(str(last - first + 1) for first, last in adjacency.reach)
    left = len(planes) - MOST_PLANES
    parts = [note(f"and {left} more planes")] if left > 0 else []
    return block(title, row(*pictures), *parts, note(f"{len(adjacency)} neighbours in {extent}"))


def _spels(
    points: npt.NDArray[np.int64],
    colors: Sequence[str],
    size: Place,
    scale: float = 0.0,
    extra: str = "",
) -> str:
    """Spels of an image with their colours; at most `WIDE` rows and columns are told apart."""
    step = max(1, -(-max(size) // WIDE))
    cells, index = np.unique(points // step, axis=0, return_index=True)
    shown = {(r, c): colors[i] for (r, c), i in zip(cells.tolist(), index.tolist())}
    coarse = (-(-size[0] // step), -(-size[1] // step))
    scaled = f'<g transform="scale({1 / step:.6g})">{extra}</g>' if step > 1 else extra
    return raster(shown, coarse, scale=scale * step, extra=scaled)


def _circle(place: Place, scale: float) -> str:
    row, col = place
    radius = max(0.32, 2.5 / scale)
    return (
        f'<circle cx="{col + 0.5}" cy="{row + 0.5}" r="{radius:.3g}" fill="none" '
        'stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/>'
    )


# -- banks -----------------------------------------------------------------------------------------


def bank_html(bank: KernelBank) -> str:
    """The first kernels, channel by channel, with their biases and where they were learned."""
    channels = min(bank.channels, MOST_CHANNELS)
    kernels = max(1, min(len(bank), 12, MOST_CELLS // (min(len(bank.adjacency), 400) * channels)))
    top = float(np.abs(bank.weights).max(initial=0))
    pictures = []
    for k in range(kernels):
        grids = [kernel_grid(bank, k, c, top) for c in range(channels)]
        words = f"kernel {k}, bias {bank.bias[k]:.4g}"
        if bank.provenance:
            origin = bank.provenance[k]
            words += f" · label {origin.label}"
        pictures.append(captioned(row(*grids), words))
    left = [
        f"{count - shown} more {noun}"
        for count, shown, noun in (
            (len(bank), kernels, "kernels"),
            (bank.channels, channels, "channels of each"),
        )
        if count > shown
    ]
    parts = [note("not shown: " + ", ".join(left))] if left else []
    return block(repr(bank), row(*pictures), *parts)


def kernel_grid(bank: KernelBank, kernel: int, channel: int, top: float = 0.0) -> str:
    """The weights of one kernel for one channel, where the neighbours lie."""
    weights = bank.weights[kernel, :, channel]
    return arranged(bank.adjacency.displacements.tolist(), weights.tolist(), top)


def arranged(displacements: list[list[int]], values: list[float], top: float = 0.0) -> str:
    """Values where their displacements lie; of a volume the planes below one another."""
    rows = sorted({tuple(d[:-1]) for d in displacements})[:MOST_SIDE]
    cols = sorted({d[-1] for d in displacements})[:MOST_SIDE]
    place = {tuple(d): value for d, value in zip(displacements, values)}
    return grid([[place.get((*r, c)) for c in cols] for r in rows], top=top)


# -- markers and detections ------------------------------------------------------------------------


def markers_html(markers: Markers) -> str:
    """The strokes in the frame of their image, and how many spels each label has."""
    colors = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(markers.classes)}
    drawn = [colors[label] for label in markers.labels.tolist()]
    picture = _spels(markers.points[:, -2:], drawn, (markers.size[-2], markers.size[-1]))
    lines = []
    for label in markers.classes[:MOST_ROWS]:
        word = f"label {label}" + (", background" if label == markers.background else "")
        count = int((markers.labels == label).sum())
        lines.append(row(swatch(colors[label]), f"<span>{word}: {count:,} spels</span>"))
    left = len(markers.classes) - MOST_ROWS
    more = [note(f"and {left} more labels")] if left > 0 else []
    size = " x ".join(map(str, markers.size))
    title = f"Markers: {len(markers):,} spels in {markers.stroke_count()} strokes on {size}"
    if markers.ndim == 3:
        more.append(note("all planes over one another"))
    return block(title, row(picture, "<div>" + "".join(lines) + "</div>"), *more)


def detections_html(detections: Detections) -> str:
    """The boxes in the frame of their image, and the best of them in a table."""
    rows, cols = detections.image_size
    boxes = "".join(
        f'<rect x="{x0:.6g}" y="{y0:.6g}" width="{x1 - x0:.6g}" height="{y1 - y0:.6g}" fill="none" '
        f'stroke="{PALETTE[1]}" stroke-width="2" vector-effect="non-scaling-stroke"/>'
        for x0, y0, x1, y1 in detections.boxes[:MOST_BOXES].tolist()
    )
    picture = _spels(np.zeros((0, 2), np.int64), [], (rows, cols), extra=boxes)
    lines: list[tuple[object, ...]] = []
    for i, (box, score) in enumerate(detections):
        if i == MOST_ROWS:
            break
        corner = ", ".join(f"{v:.6g}" for v in box.tolist())
        name = detections.classes[i] if detections.classes else ""
        lines.append((i, corner, float(score), int(detections.areas[i]), name[:40]))
    head = ["", "x0, y0, x1, y1", "score", "area", "class" if detections.classes else ""]
    parts = [table(head, lines)] if lines else []
    left = len(detections) - MOST_ROWS
    more = [note(f"and {left} more")] if left > 0 else []
    noun = "box" if len(detections) == 1 else "boxes"
    title = f"Detections: {len(detections)} {noun} on {rows} x {cols}"
    return block(title, row(picture, *parts), *more)
