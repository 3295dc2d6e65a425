"""Small pictures of images and of what runs have made of them, and the folders for runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from spel.draw import as_rgb
from spel.io import read
from spel.studio.document import CLASS_COLORS
from spel.studio.folder_runs import SESSION, folders, result_picture
from spel.studio.session import Session
from spel.studio.tasks import Task
from spel.studio.views.images import limits_of
from spel.studio.views.packing import Json, Packed, packed

SIDE = 160
"""Largest side of a small picture."""


def folders_view(session: Session) -> Json:
    """The folders that a run can be made over."""
    own = {"id": SESSION, "name": ""}
    others = [{"id": id, "name": str(path)} for id, path in folders(session).items()]
    return {"folders": [own, *others]}


def thumb_view(session: Session, image: str) -> Packed:
    """An image as a small picture (rows, cols, 3), as bright as the page shows it."""
    return packed({}, as_rgb(_bright(_small(session.load(image).values))))


def _bright(values: Any) -> Any:
    """Of values that are not of 8 bits: the finite range from black to white."""
    if values.dtype == np.uint8:
        return values
    low, high = limits_of(values)
    share = (values.astype(np.float64) - low) / (high - low or 1)
    return np.rint(255 * np.nan_to_num(share).clip(0, 1)).astype(np.uint8)


def picture_view(task: Task, index: int) -> Packed:
    """The result of a run on one image as a small picture (rows, cols, 3)."""
    path = result_picture(task, index)
    values = read(path)
    return packed({}, as_rgb(_small(_colored(values) if path.suffix == ".png" else values)))


def _small(values: Any) -> Any:
    step = max(1, -(-max(values.shape[:2]) // SIDE))
    return np.ascontiguousarray(values[::step, ::step])


def _colored(labels: Any) -> Any:
    """Each class of a label image in its color."""
    colors = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in CLASS_COLORS]
    table = np.array([[0, 0, 0], *colors[1:]], np.uint8)
    return table[labels[..., 0] % len(table)]
