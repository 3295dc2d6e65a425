"""Autosave: every change is appended to a journal; opening it again replays it, undo included.

A journal is lines of JSON. A line that a crash cut short is dropped. Networks lie beside it, one
file per content.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from spel.errors import FormatError, SpelError
from spel.nn.network import Network
from spel.nn.store import load, save
from spel.studio.document import Class, Document, Entry, Stroke

MOST_LINES = 20_000
DEPTH = 1000
"""Undoable steps that are kept."""


@dataclass
class History:
    """Documents one after the other, and where the user stands."""

    past: list[tuple[str, Document]] = field(default_factory=list)
    present: Document = field(default_factory=Document)
    future: list[tuple[str, Document]] = field(default_factory=list)

    def do(self, label: str, document: Document) -> None:
        self.past.append((label, self.present))
        del self.past[:-DEPTH]
        self.present = document
        self.future.clear()

    def replace(self, document: Document) -> None:
        """Put another document in place of the present one: a gesture goes on."""
        self.present = document
        self.future.clear()

    def undo(self) -> bool:
        if not self.past:
            return False
        label, document = self.past.pop()
        self.future.append((label, self.present))
        self.present = document
        return True

    def redo(self) -> bool:
        if not self.future:
            return False
        label, document = self.future.pop()
        self.past.append((label, self.present))
        self.present = document
        return True


class Journal:
    """The files behind a session. `write` returns at once; a thread of its own does the work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "networks").mkdir(parents=True, exist_ok=True)
        self._path = folder / "journal.jsonl"
        self._queue: queue.Queue[tuple[str, str, Document, Document] | None] = queue.Queue()
        self._known: dict[int, tuple[Network, str]] = {}
        self._since: Document | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._work, name="spel-journal", daemon=True)
        self._thread.start()

    def write(self, kind: str, label: str, before: Document, after: Document) -> None:
        """Note a "do", "replace", "undo" or "redo"."""
        self._queue.put((kind, label, before, after))

    def flush(self) -> None:
        """Return when everything that was noted is on the disk."""
        self._queue.join()

    def close(self) -> None:
        self.flush()
        self._queue.put(None)
        self._thread.join()

    # -- writing ---------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            try:
                kind, label, before, after = item
                before = self._since or before
                self._since = None
                # Of a gesture that goes on, only its last state is worth a line.
                if kind == "replace" and self._replaces_next():
                    self._since = before
                    continue
                self._append(kind, label, before, after)
                self.problem = ""
            except (OSError, SpelError, ValueError) as error:
                self.problem = f"autosave failed: {error}"
            finally:
                self._queue.task_done()

    def _replaces_next(self) -> bool:
        with self._queue.mutex:
            waiting = self._queue.queue
            return bool(waiting) and waiting[0] is not None and waiting[0][0] == "replace"

    def _append(self, kind: str, label: str, before: Document, after: Document) -> None:
        line: dict[str, Any] = {kind: label}
        if kind in ("do", "replace"):
            line["set"] = self._delta(before, after)
        with self._path.open("ab") as file:
            file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _delta(self, before: Document, after: Document) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        if before.networks != after.networks:
            changed["networks"] = {
                name: None if entry is None else self._entry(entry)
                for name, entry in _differences(before.networks, after.networks).items()
            }
            changed["order"] = list(after.networks)
        if before.strokes != after.strokes:
            changed["strokes"] = {
                image: _tail(before.strokes.get(image, ()), strokes or ())
                for image, strokes in _differences(before.strokes, after.strokes).items()
            }
        if before.classes != after.classes:
            changed["classes"] = [asdict(c) for c in after.classes]
        if before.truth != after.truth:
            changed["truth"] = {
                image: None if boxes is None else [list(b) for b in boxes]
                for image, boxes in _differences(before.truth, after.truth).items()
            }
        if before.pins != after.pins:
            changed["pins"] = list(after.pins)
        return changed

    def _entry(self, entry: Entry) -> dict[str, Any]:
        return {"file": self._store(entry.network), "bypassed": sorted(entry.bypassed)}

    def store(self, network: Network) -> Path:
        """The file that holds a network, written if it is not there yet."""
        return self._network_path(self._store(network))

    def _network_path(self, name: str) -> Path:
        return self.folder / "networks" / f"{name}.safetensors"

    def _store(self, network: Network) -> str:
        known = self._known.get(id(network))
        if known is not None and known[0] is network:
            return known[1]
        text = json.dumps([node.inputs for node in network.nodes] + [dict(network.meta)])
        parts = f"{network.names}{text}{network.fingerprint()}" + "".join(
            node.layer.fingerprint() for node in network.nodes
        )
        name = blake2b(parts.encode(), digest_size=16).hexdigest()
        path = self.folder / "networks" / f"{name}.safetensors"
        if not path.exists():
            save(network, path)
        self._remember(network, name)
        return name

    def _remember(self, network: Network, name: str) -> None:
        while len(self._known) >= 256:
            del self._known[next(iter(self._known))]
        self._known[id(network)] = (network, name)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, start: Document) -> History:
        """The history that the journal tells, from a starting document."""
        history = History(present=start)
        if not self._path.exists():
            return history
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):  # a crash cut the last line short
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        lines = whole.splitlines()
        for number, line in enumerate(lines[-MOST_LINES:] if len(lines) > MOST_LINES else lines):
            try:
                self._replay(history, json.loads(line))
            except (SpelError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise FormatError(
                    f"{self._path}: line {number + 1}: {error}; move the folder away to start anew"
                ) from error
        return history

    def _replay(self, history: History, line: Mapping[str, Any]) -> None:
        if "undo" in line:
            history.undo()
        elif "redo" in line:
            history.redo()
        elif "replace" in line:
            history.replace(self._patched(history.present, line["set"]))
        else:
            history.do(str(line["do"]), self._patched(history.present, line["set"]))

    def _patched(self, document: Document, changed: Mapping[str, Any]) -> Document:
        networks = dict(document.networks)
        for name, stored in changed.get("networks", {}).items():
            networks.pop(name, None)
            if stored is not None:
                networks[name] = Entry(self._loaded(stored["file"]), frozenset(stored["bypassed"]))
        networks = {name: networks[name] for name in changed.get("order", networks)}
        strokes = dict(document.strokes)
        for image, part in changed.get("strokes", {}).items():
            old = strokes.get(image, ())[: int(part["keep"])]
            strokes[image] = (*old, *(Stroke.from_dict(s) for s in part["add"]))
            if not strokes[image]:
                del strokes[image]
        truth = dict(document.truth)
        for image, boxes in changed.get("truth", {}).items():
            truth.pop(image, None)
            if boxes is not None:
                truth[image] = tuple(tuple(map(float, b)) for b in boxes)  # type: ignore[misc]
        classes = tuple(
            Class(int(c["label"]), str(c["name"]), str(c["color"]))
            for c in changed.get("classes", [asdict(c) for c in document.classes])
        )
        pins = tuple(changed.get("pins", document.pins))
        return Document(networks, strokes, classes, truth, pins)

    def _loaded(self, name: str) -> Network:
        if not name.isalnum():
            raise FormatError(f"network file {name!r}; expected letters and digits")
        network = load(self.folder / "networks" / f"{name}.safetensors")
        self._remember(network, name)
        return network


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed: the new value of every name, None where it is gone."""
    found = {n: v for n, v in after.items() if n not in before or before[n] is not v}
    return found | {n: None for n in before if n not in after}


def _tail(before: tuple[Stroke, ...], after: tuple[Stroke, ...]) -> dict[str, Any]:
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    return {"keep": same, "add": [s.to_dict() for s in after[same:]]}
