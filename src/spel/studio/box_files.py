"""Boxes as files: true ones and detected ones of all images, in every format of boxes."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from spel.decide import detect
from spel.errors import ImageReadError, ParameterError
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.formats import FORMATS
from spel.io.annotation.labels import write_labels
from spel.studio.detectors import box_array, class_names
from spel.studio.images import source_id
from spel.studio.session import Session

BINARY = "application/octet-stream"


def true_boxes(session: Session) -> Annotations:
    """The true boxes of the images in the session."""
    document = session.document
    images = []
    ids = set(session.image_ids())
    for image, boxes in document.truth.items():
        if source_id(image) not in ids:
            continue
        loaded = session.load(image)
        names = class_names(document, boxes)
        images.append(ImageBoxes(loaded.name, loaded.size, box_array(boxes), names))
    if not images:
        raise ParameterError("there are no true boxes yet; draw or load some first")
    listed = [one.name for one in document.classes if one.label > 0]
    used = {name for one in images for name in one.classes}
    return Annotations(tuple(images), tuple(name for name in listed if name in used))


def detected_boxes(session: Session, network: str) -> Annotations:
    """The boxes that a network finds on every image; `problems` names those that cannot be read."""
    images, unread = [], []
    for source in session.sources:
        try:
            loaded = session.load(source.id)
        except ImageReadError as error:
            unread.append(str(error))
            continue
        fitted = session.fitted(network, source.id)
        detected = detect(fitted, loaded.values, white=loaded.white)
        images.append(
            ImageBoxes(
                source.name,
                loaded.size,
                detected.boxes,
                detected.classes,
                scores=detected.scores,
                areas=detected.areas,
            )
        )
    return Annotations(tuple(images), (), problems=tuple(unread))


def boxes_file(annotations: Annotations, form: str, stem: str) -> tuple[str, str, bytes]:
    """Name, media type and content of a file.

    A format of many files is packed into one. If images are left out, ``left-out.txt`` beside the
    boxes names them.
    """
    if form not in FORMATS:
        raise ParameterError(f"format {form!r:.40}; expected one of {', '.join(FORMATS)}")
    name = f"{stem}{FORMATS[form].ending}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_labels(path, annotations, form=form)
        if annotations.problems:
            (Path(folder) / "left-out.txt").write_text("\n".join(annotations.problems) + "\n")
        elif path.is_file():
            return name, BINARY, path.read_bytes()
        return f"{name}.zip", "application/zip", _zipped(Path(folder))


def _zipped(folder: Path) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    return data.getvalue()
