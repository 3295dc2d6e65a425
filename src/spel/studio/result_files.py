"""Saliencies, masks, label images and objects of the session's images, in one archive."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from spel.decide.mask_picture import mask_picture
from spel.decide.segmented import segment_image
from spel.errors import ImageReadError
from spel.io import write
from spel.io.annotation.convert.file_names import safe_stem
from spel.io.annotation.markers import write_markers
from spel.studio.refusals import Refusal
from spel.studio.segmenting import segmentation_for
from spel.studio.session import Session
from spel.studio.strokes import markers_of


def masks_archive(session: Session, network: str) -> bytes:
    """For every image: saliency, mask or classes, and numbered objects.

    ``NAME.saliency.tif`` has float32 probabilities, ``NAME.labels.png`` what `spel segment` writes
    (0 and 255, or the label of each pixel's class), and ``NAME.instances.tif`` the number of the
    object. ``left-out.txt`` names the images that cannot be read, if there are any.
    """
    data = io.BytesIO()
    left_out = []
    stems = _stems(source.name for source in session.sources)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(data, "w") as packed:
        for source, stem in zip(session.sources, stems):
            try:
                loaded = session.load(source.id)
            except ImageReadError as error:
                left_out.append(f"{error}\n")
                continue
            fitted = session.fitted(network, source.id)
            how = segmentation_for(fitted)
            result = segment_image(fitted, loaded.values, how, white=loaded.white)
            _pack(packed, folder, f"{stem}.saliency.tif", result.output)
            _pack(packed, folder, f"{stem}.labels.png", mask_picture(result.labels, how))
            numbers = result.instances.labels.astype(np.int32)
            _pack(packed, folder, f"{stem}.instances.tif", numbers)
        if left_out:
            packed.writestr("left-out.txt", "".join(left_out))
    return data.getvalue()


def markers_archive(session: Session) -> bytes:
    """The markers of all images, one file each."""
    data = io.BytesIO()
    if not session.marked_images():
        raise Refusal(
            "no_stroke", "no stroke is drawn yet; draw on an object and on the background"
        )
    images = [session.load(image) for image in session.marked_images()]
    stems = _stems(loaded.name for loaded in images)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(data, "w") as packed:
        for image, loaded, stem in zip(session.marked_images(), images, stems):
            markers = markers_of(session.document.strokes[image], loaded.size)
            path = Path(folder) / f"{stem}-markers.json"
            write_markers(path, markers)
            packed.write(path, path.name, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _pack(packed: zipfile.ZipFile, folder: str, name: str, array: Any) -> None:
    path = Path(folder) / name
    write(path, array)
    packed.write(path, name, zipfile.ZIP_DEFLATED)
    path.unlink()


def _stems(names: Iterable[str]) -> list[str]:
    """A file name for each image, without suffix; a number keeps images of one name apart."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem, number = safe_stem(name), 2
        while stem.casefold() in taken:  # some file systems ignore capitals
            stem, number = f"{safe_stem(name)}-{number}", number + 1
        taken.add(stem.casefold())
        stems.append(stem)
    return stems
