"""Files that come in: each is written to the session's folder piece by piece, then taken."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from spel.errors import FormatError, ImageReadError, plural
from spel.io.annotation.annotations import ONE_CLASS
from spel.io.annotation.image_folder import ImageFolder
from spel.io.annotation.labels import read_labels
from spel.io.annotation.libift import read_arch
from spel.io.annotation.markers import convention_of, read_markers
from spel.io.annotation.recognize import is_label_folder
from spel.nn import load
from spel.studio import label_images, matrix
from spel.studio.commands.boxes import Named, with_named_boxes
from spel.studio.commands.strokes import with_markers
from spel.studio.document import Entry, display_name
from spel.studio.folder_runs import session_files
from spel.studio.session import Session
from spel.studio.views.document import network_view
from spel.studio.views.packing import Json
from spel.studio.web.changes import after_change
from spel.studio.web.respond import disk_response, respond
from spel.studio.web.wire import unpack_folder

TRUTH_SUFFIXES = (".json", ".jsonl", ".csv", ".geojson")
MAX_NOTES = 5

Query = Mapping[str, str]
Take = Callable[[Session, Query, Path, str], Json]
"""From the session, the query, the file and the hash of its content to a view."""


async def receive(session: Session, request: Request, take: Take) -> Response:
    """Write the body of a request to a file, then take the file."""
    path = session.uploads / f"{secrets.token_hex(8)}.part"
    digest = blake2b(digest_size=12)
    try:
        with path.open("wb") as file:
            async for chunk in request.stream():
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        path.unlink(missing_ok=True)
        return disk_response(error)
    except BaseException:  # the client left, or its body was refused
        path.unlink(missing_ok=True)
        raise
    query = dict(request.query_params)
    try:
        return await respond(session, lambda: take(session, query, path, digest.hexdigest()))
    finally:
        path.unlink(missing_ok=True)


def take_image(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Add an image to the session."""
    stored = session.uploads / f"{digest}.bin"
    name = query.get("name", "image")
    if name.lower().endswith(matrix.SUFFIXES):
        _write_matrix(path, stored)
        name = Path(name).stem
    else:
        path.replace(stored)
    source = session.add_upload(stored, name)
    if source.id in session.document.removed:
        removed = tuple(i for i in session.document.removed if i != source.id)
        session.change("add_image", lambda d: replace(d, removed=removed))
    return {"id": source.id, **after_change(session, {})}


def _write_matrix(path: Path, stored: Path) -> None:
    """Write the numbers of a text file as an array."""
    if path.stat().st_size > matrix.MAX_BYTES:
        raise FormatError(f"matrix: more than {matrix.MAX_BYTES >> 20} MB of text")
    values = matrix.parse_matrix(path.read_text(encoding="utf-8", errors="replace"))
    with stored.open("wb") as file:
        np.save(file, values)


def take_markers(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Put the markers of a file on an image."""
    name = query.get("name", "").lower()
    suffix = next((s for s in (".json", ".png", ".txt") if name.endswith(s)), ".txt")
    typed = path.with_suffix(suffix)
    path.replace(typed)
    convention: Any = query.get("convention", "auto")
    try:
        markers = read_markers(typed, convention=convention)
    except FormatError as error:
        raise FormatError(str(error).replace(str(typed), "the marker file")) from None
    finally:
        typed.unlink(missing_ok=True)
    image = session.load(query["image"])
    stem = f"m{session.revision}"
    session.change("import_markers", lambda d: with_markers(d, image, markers, stem))
    return {**after_change(session, {}), "note": convention_of(markers)}


def take_truth(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Take the true boxes of all images that a file of annotations names, or those of a mask."""
    suffix = Path(query.get("name", "")).suffix.lower()
    if suffix in label_images.SUFFIXES:
        return _take_mask(session, query["image"], path)
    typed = path.with_suffix(suffix if suffix in TRUTH_SUFFIXES else ".json")
    path.replace(typed)
    try:
        return _take_annotations(session, typed, None)
    finally:
        typed.unlink(missing_ok=True)


def take_truth_folder(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Take the true boxes of a folder of annotations: Pascal VOC, YOLO, or others."""
    with tempfile.TemporaryDirectory() as folder:
        count = unpack_folder(path, Path(folder))
        if not count:
            raise FormatError("the folder holds no annotation (.xml, .txt, .yaml, .json)")
        place, notes = _annotations_in(Path(folder))
        return _take_annotations(session, place, ImageFolder(session_files(session)), notes)


def _annotations_in(folder: Path) -> tuple[Path, list[str]]:
    """The annotations of a data set: its folder of labels, or its only JSON file; and notes."""
    below = [folder, *sorted(place for place in folder.rglob("*") if place.is_dir())]
    labelled = [place for place in below if is_label_folder(place)]
    inner = [p for p in labelled[1:] if not p.is_relative_to(labelled[0])]
    notes = [f"left out: annotations in {p.relative_to(folder)}" for p in inner]
    if labelled:
        return labelled[0], notes
    files = sorted(folder.rglob("*.json"))
    return (files[0] if len(files) == 1 else folder), notes


def _take_annotations(
    session: Session, typed: Path, images: ImageFolder | None, notes: Sequence[str] = ()
) -> Json:
    """The boxes of a file or folder; those of YOLO need the images for their sizes."""
    notes = list(notes)
    try:
        annotations = read_labels(typed, images=images, report=notes.append)
    except FormatError as error:
        raise FormatError(str(error).replace(str(typed), "the annotations")) from None
    by_name: dict[str, Named] = {}
    for one in annotations.images:
        name = one.image.rpartition("/")[2]
        if name in by_name:
            raise FormatError(f"the annotation file names the image {name!r:.80} twice")
        boxes = zip(one.boxes.tolist(), one.classes, one.crowd.tolist())
        by_name[name] = [(box, word) for box, word, crowd in boxes if not crowd]
    truth: dict[str, Named] = {}
    for source in session.sources:
        # A sample or a matrix has no suffix; a file of annotations names one.
        stems = {Path(name).stem: name for name in by_name}
        own = source.name if source.name in by_name else stems.get(source.name)
        if own is not None:
            truth[source.id] = by_name.pop(own)
    if not truth:
        raise FormatError("the annotation file names none of the images in this session")
    crowds = sum(int(one.crowd.sum()) for one in annotations)
    if crowds:
        notes.append(f"left out: {plural(crowds, 'box')} around crowds")
    if by_name:
        notes.append(f"not in this session: {plural(len(by_name), 'image')} of the file")
    session.change("import_truth", lambda d: with_named_boxes(d, truth))
    return {
        "images": len(truth),
        "notes": [_without_folders(n, typed, session) for n in notes[:MAX_NOTES]],
        **after_change(session, {}),
    }


def _without_folders(note: str, typed: Path, session: Session) -> str:
    inputs = f"{session.folder / 'runs' / 'inputs'}/"
    return note.replace(str(typed), "the annotations").replace(inputs, "")


def _take_mask(session: Session, id: str, path: Path) -> Json:
    """The objects of a mask or a label image as true boxes of an image."""
    image = session.load(id)
    try:
        boxes, note = label_images.read_instances(path, image)
    except ImageReadError as error:
        raise FormatError(str(error).replace(str(path), "the mask")) from None
    truth: dict[str, Named] = {image.id: [(box, ONE_CLASS) for box in boxes]}
    session.change("import_truth", lambda d: with_named_boxes(d, truth))
    return {"images": 1, "notes": [f"{len(boxes)} objects: {note}"], **after_change(session, {})}


def take_network(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Add a network to the document, or an architecture whose kernels are still to be learned."""
    stated = query.get("name", "network")
    is_architecture = stated.lower().endswith(".json")
    try:
        network = read_arch(path) if is_architecture else load(path)
    except FormatError as error:
        raise FormatError(str(error).replace(str(path), "the network file")) from None
    name = display_name(stated.removesuffix(".safetensors").removesuffix(".json"))
    while name in session.document.networks:
        name += "'"
    entry = Entry(network)
    network_view(name, entry)  # a network that cannot be shown or saved is refused here
    session.file_of(network)
    session.change("add_network", lambda d: d.with_entry(name, entry))
    return {"name": name, **after_change(session, {})}
