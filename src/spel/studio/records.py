"""Records of a journal: what a change of the document changed, and lines with a checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar
from zlib import crc32

from spel.errors import FormatError, SpelError
from spel.studio.document import CLASSES, Box, Class, Stroke

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class StoredEntry:
    """A network of the document: the name of its file, and its bypassed nodes."""

    file: str
    bypassed: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A document whose networks lie in files."""

    networks: Mapping[str, StoredEntry] = field(default_factory=dict)
    strokes: Mapping[str, tuple[Stroke, ...]] = field(default_factory=dict)
    classes: tuple[Class, ...] = CLASSES
    truth: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    pins: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)


# -- differences ---------------------------------------------------------------------------------


def difference(before: State, after: State) -> Json:
    """What leads from one state to the next, as JSON; `patch` is its inverse."""
    changed: Json = {}
    if before.networks != after.networks:
        changed["networks"] = {
            name: None if entry is None else {"file": entry.file, "bypassed": [*entry.bypassed]}
            for name, entry in _changed_items(before.networks, after.networks).items()
        }
        changed["order"] = list(after.networks)
    if before.strokes != after.strokes:
        changed["strokes"] = {
            image: _stroke_difference(before.strokes.get(image, ()), strokes or ())
            for image, strokes in _changed_items(before.strokes, after.strokes).items()
        }
    if before.classes != after.classes:
        changed["classes"] = [asdict(c) for c in after.classes]
    if before.truth != after.truth:
        changed["truth"] = {
            image: None if boxes is None else [list(b) for b in boxes]
            for image, boxes in _changed_items(before.truth, after.truth).items()
        }
    if before.pins != after.pins:
        changed["pins"] = list(after.pins)
    if before.removed != after.removed:
        changed["removed"] = list(after.removed)
    if before.masks != after.masks:
        changed["masks"] = _changed_items(before.masks, after.masks)
    return changed


def _changed_items(before: Mapping[str, T], after: Mapping[str, T]) -> dict[str, T | None]:
    """The new value of every name that changed; None where the name is gone."""
    changed: dict[str, T | None] = {
        name: value
        for name, value in after.items()
        if name not in before or (before[name] is not value and before[name] != value)
    }
    return changed | {name: None for name in before if name not in after}


def _stroke_difference(before: tuple[Stroke, ...], after: tuple[Stroke, ...]) -> Json:
    """How many strokes at the start are the same, and the strokes that follow them."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    return {"keep": same, "add": [s.to_dict() for s in after[same:]]}


def patch(state: State, changed: Mapping[str, Any]) -> State:
    """The state after a difference.

    Raises
    ------
    FormatError
        If the difference does not have the form that `difference` gives.
    """
    try:
        return replace(
            state,
            networks=_patch_networks(state.networks, changed),
            strokes=_patch_strokes(state.strokes, changed.get("strokes", {})),
            truth=_patch_truth(state.truth, changed.get("truth", {})),
            classes=tuple(
                Class(int(c["label"]), str(c["name"]), str(c["color"]))
                for c in changed.get("classes", [asdict(c) for c in state.classes])
            ),
            pins=tuple(str(p) for p in changed.get("pins", state.pins)),
            removed=tuple(str(i) for i in changed.get("removed", state.removed)),
            masks=_patch_masks(state.masks, changed.get("masks", {})),
        )
    except SpelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"a change that does not have the expected form ({error})") from error


def _patch_networks(
    networks: Mapping[str, StoredEntry], changed: Mapping[str, Any]
) -> dict[str, StoredEntry]:
    patched = dict(networks)
    for name, stored in changed.get("networks", {}).items():
        patched.pop(name, None)
        if stored is not None:
            patched[name] = StoredEntry(_file_name(stored["file"]), tuple(stored["bypassed"]))
    order = [name for name in changed.get("order", patched) if name in patched]
    return {name: patched[name] for name in [*order, *(n for n in patched if n not in order)]}


def _file_name(name: Any) -> str:
    if not isinstance(name, str) or not name.isalnum() or not name.isascii():
        raise FormatError(f"file {name!r:.40}; expected letters and digits")
    return name


def _patch_strokes(
    strokes: Mapping[str, tuple[Stroke, ...]], changed: Mapping[str, Any]
) -> dict[str, tuple[Stroke, ...]]:
    patched = dict(strokes)
    for image, part in changed.items():
        same = patched.get(image, ())[: int(part["keep"])]
        patched[image] = (*same, *(Stroke.from_dict(s) for s in part["add"]))
        if not patched[image]:
            del patched[image]
    return patched


def _patch_truth(
    truth: Mapping[str, tuple[Box, ...]], changed: Mapping[str, Any]
) -> dict[str, tuple[Box, ...]]:
    patched = dict(truth)
    for image, boxes in changed.items():
        patched.pop(image, None)
        if boxes is not None:
            patched[image] = tuple(_box(*box) for box in boxes)
    return patched


def _patch_masks(masks: Mapping[str, str], changed: Mapping[str, Any]) -> dict[str, str]:
    patched = {**masks, **changed}
    return {image: _file_name(name) for image, name in patched.items() if name is not None}


def _box(x0: Any, y0: Any, x1: Any, y1: Any, label: Any = 1) -> Box:
    """A box; those of spel 0.1 have no label."""
    return Box(float(x0), float(y0), float(x1), float(y1), int(label))


# -- lines ---------------------------------------------------------------------------------------


def format_line(record: Mapping[str, Any]) -> bytes:
    """A record as a line: the checksum of the JSON, a blank, the JSON.

    Examples
    --------
    >>> format_line({"undo": "undo"})
    b'69234345 {"undo": "undo"}\\n'
    """
    text = json.dumps(record, allow_nan=False).encode()
    return b"%08x %s\n" % (crc32(text), text)


def parse_line(line: bytes) -> Json | None:
    """The record of a line; None if the line is damaged.

    Lines of version 0.1 have no checksum. A disk that was full could leave the beginning of a
    record in front of the next one; then the next one is returned.
    """
    if not line.startswith(b"{"):
        checksum, _, text = line.partition(b" ")
        return _parse(text) if checksum == b"%08x" % crc32(text) else None
    record = _parse(line)
    start = 0
    while record is None and (start := line.find(b'{"', start + 1)) > 0:
        record = _parse(line[start:])
        if record is not None and not record.keys() & {"do", "replace", "undo", "redo"}:
            record = None
    return record


def _parse(text: bytes) -> Json | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
