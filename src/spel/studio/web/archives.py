"""Archives of markers and masks of many images, taken at once and undone at once."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from spel.errors import FormatError, SpelError, plural
from spel.evaluation.label_files import NO_MASKS, image_stem
from spel.io.annotation.markers import read_markers
from spel.io.isolation import AVAILABLE
from spel.studio import label_images
from spel.studio.commands.strokes import with_markers
from spel.studio.document import Document
from spel.studio.session import Session
from spel.studio.views.packing import Json
from spel.studio.web.changes import after_change
from spel.studio.web.truth_files import MAX_NOTES, image_named, mask_change
from spel.studio.web.uploads import Query

MAX_FILES = 20_000
MAX_BYTES = 1 << 30
"""Of all files of an archive, unpacked."""
MARKERS = ("-markers.json", "-seeds.txt")

Change = Callable[[Document], Document]


def take_archive(session: Session, query: Query, path: Path, digest: str) -> Json:
    """Markers and masks of a zip, each for the image that it is named after.

    It is what the studio writes for all images. Saliencies and numbered objects are answers of a
    network and are left out, as are files of other names.
    """
    changes: list[Change] = []
    notes: list[str] = []
    left_out = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, file in _unpacked(path, Path(folder)):
            try:
                change = _change(session, query, name, file, f"z{session.revision}-{len(changes)}")
            except SpelError as error:
                notes.append(f"left out: {str(error).replace(str(file), name)}")
                continue
            finally:
                file.unlink()
            changes += [change] if change else []
            left_out += change is None
    if left_out:
        notes.append(f"left out: {plural(left_out, 'file')} that hold no markers and no masks")
    if not changes:
        reason = f" ({notes[0]})" if notes else ""
        raise FormatError(f"the archive holds no markers or masks of images here{reason}")
    session.change("import_archive", lambda d: _all(changes, d))
    return {"files": len(changes), "notes": notes[:MAX_NOTES], **after_change(session, {})}


def _all(changes: list[Change], document: Document) -> Document:
    for change in changes:
        document = change(document)
    return document


def _unpacked(path: Path, folder: Path) -> list[tuple[str, Path]]:
    """The files of an archive by their names, without folders; on disk they have numbers.

    Raises
    ------
    FormatError
        If it is damaged, encrypted or too large.
    """
    files, size = [], 0
    try:
        with zipfile.ZipFile(path) as packed:
            members = [one for one in packed.infolist() if not one.is_dir()]
            if len(members) > MAX_FILES:
                raise FormatError(f"the archive: {len(members):,} files; at most {MAX_FILES:,}")
            if any(member.flag_bits & 1 for member in members):
                raise FormatError("the archive: it is encrypted; make one without a password")
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise _too_large()
            for number, member in enumerate(members):
                name = member.filename.rpartition("/")[2]
                target = folder / f"{number}{Path(name).suffix.lower()[:8]}"
                with packed.open(member) as source, target.open("wb") as file:
                    while piece := source.read(1 << 20):
                        size += len(piece)
                        if size > MAX_BYTES:  # what it states of its files may be wrong
                            raise _too_large()
                        file.write(piece)
                files.append((name, target))
    except FormatError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise FormatError(f"the archive cannot be unpacked: {error}") from None
    return files


def _too_large() -> FormatError:
    return FormatError(f"the archive: more than {MAX_BYTES >> 20} MB, unpacked")


def _change(session: Session, query: Query, name: str, file: Path, stem: str) -> Change | None:
    """What a file changes; None if it holds neither markers nor a mask.

    Raises
    ------
    SpelError
        If no image has its name, or it does not fit the image.
    """
    lower = name.lower()
    ending = next((one for one in MARKERS if lower.endswith(one)), None)
    if lower.endswith(NO_MASKS) or (ending is None and file.suffix not in label_images.SUFFIXES):
        return None
    own = name[: -len(ending)] if ending else image_stem(name)
    id = image_named(session, own)
    if id is None:
        raise FormatError(f"{name}: no image here has this name")
    image = session.load(id)
    if ending is None:
        return mask_change(session, image, file, query.get("network", ""))[0]
    markers = read_markers(file, isolate=AVAILABLE)
    markers.check_fits(image.size, image.name)
    return lambda document: with_markers(document, image, markers, stem)
