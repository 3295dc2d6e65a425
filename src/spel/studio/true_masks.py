"""True masks and label images: files of the session, named by their content."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import SpelError
from spel.io.image.label_image import read_label_image, write_label_image
from spel.studio.commands.boxes import Named, with_named_boxes
from spel.studio.document import Document
from spel.studio.images import Loaded, source_id
from spel.studio.refusals import Refusal
from spel.studio.session import Session

Labels = npt.NDArray[Any]


def store(session: Session, labels: Labels) -> str:
    """Write a label image to the session's folder; the name by which `file_of` finds it."""
    digest = blake2b(f"{labels.dtype.str}{labels.shape}".encode(), digest_size=12)
    digest.update(np.ascontiguousarray(labels).data)
    name = digest.hexdigest()
    path = file_of(session, name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_label_image(path, labels)
    return name


def file_of(session: Session, name: str) -> Path:
    """Where a stored label image lies."""
    return session.folder / "masks" / f"{name}.tif"


def masks_of(session: Session) -> dict[str, Path]:
    """The files of the true masks, by image, of the images that are in the session."""
    ids = set(session.image_ids())
    masks = session.document.masks
    return {i: file_of(session, name) for i, name in masks.items() if source_id(i) in ids}


def read(session: Session, image: str) -> Labels:
    """The true mask of an image.

    Raises
    ------
    Refusal
        If it has none, or its file is gone or damaged.
    """
    path = masks_of(session).get(image)
    if path is None:
        raise Refusal("no_mask", "this image has no true mask")
    try:
        labels: Labels = read_label_image(path)
    except (SpelError, OSError):
        raise Refusal(
            "mask_lost",
            "the file of the true mask of image {image} is gone or damaged; load the mask, or cut "
            "it along the strokes, again",
            image=session.images.source(image).name,
        ) from None
    return labels


def with_mask(document: Document, image: Loaded, name: str, boxes: Named) -> Document:
    """The document with a stored label image as the truth of an image, and with its boxes."""
    document = with_named_boxes(document, {image.id: boxes})
    return replace(document, masks={**document.masks, image.id: name})
