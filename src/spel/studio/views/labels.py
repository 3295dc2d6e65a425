"""The label image of a network of several classes, as the page shows it."""

from __future__ import annotations

import numpy as np

from spel.decide.segmentation import UNDECIDED
from spel.errors import ParameterError
from spel.nn.geometry import geometry
from spel.studio.segmenting import classes_of, segmented
from spel.studio.session import Session
from spel.studio.views.packing import Packed, packed

NONE = 255
"""Number of a pixel whose class is undecided."""


def labels_view(session: Session, network: str, image: str) -> Packed:
    """The class of each pixel of the output, and how many objects each class has.

    Returns
    -------
    header
        ``classes``: label, name, number of objects and share of the pixels of each.
    labels (rows, cols)
        Numbers of classes in this list; 255 is undecided.
    """
    run = session.run(network, image)
    how = classes_of(run)
    if how is None:
        raise ParameterError("this network does not tell classes apart; draw strokes of several")
    result = segmented(run, how)
    numbers = np.full(result.labels.shape, NONE, np.uint8)
    objects, classes = result.instances.classes, []
    for number, one in enumerate(how.classes):
        own = result.labels == one.label
        numbers[own] = number
        count = None if one.background else int((objects == one.label).sum())
        share = float(own.mean()) if own.size else 0.0
        classes.append({"label": one.label, "name": one.title, "objects": count, "share": share})
    place = geometry(run.network)
    header = {
        "id": run.output.id if run.output is not None else "",
        "classes": classes,
        "limit": how.undecided,
        "undecided": float((result.labels == UNDECIDED).mean()) if numbers.size else 0.0,
        "scale": list(place.scale),
        "offset": list(place.offset),
    }
    return packed(header, numbers)
