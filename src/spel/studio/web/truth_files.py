"""Annotations, masks and folders of them that become the truth of a session's images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from spel.decide.segmentation import KEY, segmentation_of
from spel.errors import FormatError, ImageReadError, plural
from spel.evaluation.label_files import image_stem
from spel.io import describe
from spel.io.annotation.annotations import UNKNOWN_SIZE, ImageBoxes
from spel.io.annotation.convert.file_names import safe_stem
from spel.io.annotation.image_folder import ImageFolder, check_size
from spel.io.annotation.labels import read_labels
from spel.io.annotation.recognize import format_of, is_label_folder
from spel.io.isolation import AVAILABLE
from spel.io.opening import shown_name
from spel.studio import label_images, true_masks
from spel.studio.commands.boxes import Named, with_named_boxes
from spel.studio.document import Document, Entry
from spel.studio.folder_runs import session_files
from spel.studio.images import Loaded
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import MAX_PIXELS, Source
from spel.studio.views.packing import Json
from spel.studio.web.changes import after_change
from spel.studio.web.uploads import Query
from spel.studio.web.wire import unpack_folder

TRUTH_SUFFIXES = (".json", ".jsonl", ".csv", ".geojson")
MAX_NOTES = 5


def take_truth(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Take the true boxes of all images that a file of annotations names, or those of a mask."""
    suffix = Path(query.get("name", "")).suffix.lower()
    if suffix in label_images.SUFFIXES:
        return _take_mask(session, query, path)
    typed = path.with_suffix(suffix if suffix in TRUTH_SUFFIXES else ".json")
    path.replace(typed)
    try:
        return _take_annotations(session, typed)
    finally:
        typed.unlink(missing_ok=True)


def take_truth_folder(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Take the true boxes of a folder of annotations: Pascal VOC, YOLO, or others."""
    with tempfile.TemporaryDirectory() as folder:
        count = unpack_folder(path, Path(folder))
        if not count:
            raise FormatError("the folder holds no annotation (.xml, .txt, .yaml, .json)")
        place, notes = _annotations_in(Path(folder))
        return _take_annotations(session, place, notes)


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


def _take_annotations(session: Session, typed: Path, notes: Sequence[str] = ()) -> Json:
    """The boxes of a file or folder."""
    notes = list(notes)
    try:
        # The numbers of YOLO are shares of the sizes of images; others are matched below.
        images = ImageFolder(session_files(session)) if format_of(typed) == "yolo" else None
        annotations = read_labels(typed, images=images, report=notes.append)
    except FormatError as error:
        raise FormatError(str(error).replace(str(typed), "the annotations")) from None
    by_name: dict[str, ImageBoxes] = {}
    for one in annotations.images:
        name = one.image.rpartition("/")[2]
        if name in by_name:
            raise FormatError(f"the annotation file names the image {name!r:.80} twice")
        by_name[name] = one
    matched: dict[Source, ImageBoxes] = {}
    for source in session.sources:
        # A sample or a matrix has no suffix; a file of annotations names one.
        stems = {Path(name).stem: name for name in by_name}
        own = source.name if source.name in by_name else stems.get(source.name)
        if own is not None:
            matched[source] = by_name.pop(own)
    if not matched:
        raise FormatError("the annotation file names none of the images in this session")
    fitted = [(source, _in_frame(session, source, one)) for source, one in matched.items()]
    crowds = sum(int(one.crowd.sum()) for one in annotations)
    if crowds:
        notes.append(f"left out: {plural(crowds, 'box')} around crowds")
    if by_name:
        notes.append(f"not in this session: {plural(len(by_name), 'image')} of the file")
    truth = {source.id: _named(one) for source, one in fitted}
    session.change("import_truth", lambda d: with_named_boxes(d, truth))
    return {
        "images": len(truth),
        "notes": [_without_folders(n, typed, session) for n in notes[:MAX_NOTES]],
        **after_change(session, {}),
    }


def _in_frame(session: Session, source: Source, one: ImageBoxes) -> ImageBoxes:
    """The boxes in the frame of the image: its size must be the one that the file states.

    Boxes that were drawn on the stored image, before its EXIF rotation, are turned.

    Raises
    ------
    FormatError
        If the sizes differ: the boxes belong to another version of the image.
    """
    if one.size == UNKNOWN_SIZE:
        return one
    try:
        size, orientation = _size(session, source)
    except ImageReadError:
        return one  # a broken image has no size; it is named wherever it is used
    return check_size(one, size, orientation, turn=True)


def _size(session: Session, source: Source) -> tuple[tuple[int, int], int]:
    """The displayed size of an image, and its EXIF orientation."""
    if source.path is None:
        return session.load(source.id).size, 1
    info = describe(source.path, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
    return (info.rows, info.cols), info.orientation


def _named(one: ImageBoxes) -> Named:
    """Boxes with the names of their classes, without those around crowds."""
    boxes = zip(one.boxes.tolist(), one.classes, one.crowd.tolist())
    return [(box, word) for box, word, crowd in boxes if not crowd]


def _without_folders(note: str, typed: Path, session: Session) -> str:
    inputs = f"{session.folder / 'runs' / 'inputs'}/"
    return note.replace(str(typed), "the annotations").replace(inputs, "")


def _take_mask(session: Session, query: Query, path: Path) -> Json:
    """A mask or a label image as the truth of the pixels of an image, and of its boxes.

    It belongs to the image that it is named after, or else to the one that the query names.
    """
    name = query.get("name", "")
    stem = image_stem(name.rpartition("/")[2]).removesuffix(".saliency")
    own = image_named(session, stem)
    image = session.load(own or _only_image(query, name))
    change, note = mask_change(session, image, path, query.get("network", ""))
    session.change("import_truth", change)
    return {"images": 1, "notes": [note], **after_change(session, {})}


def mask_change(
    session: Session, image: Loaded, path: Path, network: str
) -> tuple[Callable[[Document], Document], str]:
    """What a mask or a label image changes, and a note that says what it was taken for.

    Where the network at hand tells classes apart, the numbers are classes, else objects.
    """
    try:
        labels, saliency = label_images.read_labels_for(image, path)
    except ImageReadError as error:
        raise FormatError(str(error).replace(shown_name(path), "the mask")) from None
    document = session.document
    entry = document.networks.get(network)
    if entry is not None and _tells_classes(entry) and not saliency:
        boxes, note = label_images.classes_of_pixels(labels, document.classes)
    else:
        boxes, note = label_images.objects_of(labels)
    name = true_masks.store(session, labels)
    return (
        lambda d: true_masks.with_mask(d, image, name, boxes),
        f"{plural(len(boxes), 'object')}: {saliency or note}",
    )


def _tells_classes(entry: Entry) -> bool:
    network = entry.network
    return KEY in network.meta and len(segmentation_of(network).classes) > 1


def image_named(session: Session, stem: str) -> str | None:
    """The image of a name without its ending, as it is or as names of files are written."""
    for source in session.sources:
        if stem in (source.name, Path(source.name).stem, safe_stem(source.name)):
            return source.id
    return None


def _only_image(query: Query, name: str) -> str:
    if not query.get("image"):
        raise Refusal("no_image_of", "no image here is named as {name}", name=f"{name:.60}")
    return query["image"]
