"""Saliencies, masks, label images and objects of the session's images, in one archive."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from spel.decide.segmented import segment_image
from spel.errors import ImageReadError
from spel.io import write
from spel.io.annotation.markers import write_markers
from spel.studio.segmenting import segmentation_for
from spel.studio.session import Session
from spel.studio.strokes import markers_of


def masks_archive(session: Session, network: str) -> bytes:
    """For every image that can be read: saliency, mask or classes, and numbered objects.

    ``NAME.saliency.tif`` has float32 probabilities, ``NAME.labels.png`` the label of the class of
    each pixel (255 for undecided ones), and ``NAME.instances.tif`` the number of the object.
    """
    data = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(data, "w") as packed:
        for source in session.sources:
            try:
                loaded = session.load(source.id)
            except ImageReadError:
                continue
            fitted = session.fitted(network, source.id)
            how = segmentation_for(fitted)
            result = segment_image(fitted, loaded.values, how, white=loaded.white)
            labels = np.where(result.labels < 0, 255, result.labels)
            _pack(packed, folder, f"{_stem(source.name)}.saliency.tif", result.output)
            _pack(packed, folder, f"{_stem(source.name)}.labels.png", labels.astype(np.uint8))
            numbers = result.instances.labels.astype(np.int32)
            _pack(packed, folder, f"{_stem(source.name)}.instances.tif", numbers)
    return data.getvalue()


def markers_archive(session: Session) -> bytes:
    """The markers of all images, one file each."""
    data = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(data, "w") as packed:
        for image in session.marked_images():
            loaded = session.load(image)
            markers = markers_of(session.document.strokes[image], loaded.size)
            path = Path(folder) / f"{_stem(loaded.name)}-markers.json"
            write_markers(path, markers)
            packed.write(path, path.name, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _pack(packed: zipfile.ZipFile, folder: str, name: str, array: Any) -> None:
    path = Path(folder) / name
    write(path, array)
    packed.write(path, name, zipfile.ZIP_DEFLATED)
    path.unlink()


def _stem(name: str) -> str:
    """The name of an image without what no file name may hold, and without its suffix."""
    safe = "".join("-" if c in '\\/:*?"<>|' else c for c in name)
    stem, dot, suffix = safe.rpartition(".")
    return stem if dot and suffix.isalnum() and len(suffix) < 6 else safe
